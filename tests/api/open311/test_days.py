"""Services change from day to day: what is filed and shown is that of the right one."""

import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from api.open311 import services
from domain.catalog_file import CatalogFile, Row, read_catalog_file, write_catalog_file
from ledger.models import CaseRow
from settings import Settings
from tests.api.conftest import OpenSite, Site, environment
from tests.api.open311.geo_report import App

LAMP = {"category": "help", "keywords": ["路灯"], "lead": "zz-water"}
VERSIONS = [
    LAMP | {"code": "street-light", "name": "路灯旧名", "valid_until": "2026-09-30"},
    LAMP | {"code": "street-light", "name": "路灯不亮", "valid_from": "2026-10-01"},
    LAMP | {"code": "street-light", "name": "路灯新名", "valid_from": "2999-01-01"},
    LAMP | {"code": "manhole", "name": "井盖缺失", "valid_until": "2026-01-01"},
]


@pytest.fixture
async def app(
    open_site: OpenSite, new_sqlite: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[App]:
    """An installation whose lamps change their name, and whose manholes are nobody's any more."""
    cities = tmp_path_factory.mktemp("cities")
    path = shutil.copytree(Settings().city_folder, cities / "zhengzhou") / "catalog.toml"
    file = read_catalog_file(path)
    others = [row for row in file.item if row.code not in ("street-light", "manhole")]
    rows = (*others, *map(Row.model_validate, VERSIONS))
    path.write_text(write_catalog_file(CatalogFile(areas=file.areas, item=rows)), encoding="utf-8")
    with environment({"JIESU_CITIES": str(cities)}):
        async with open_site(new_sqlite(), {"TEMPORAL_ADDRESS": "127.0.0.1:9"}) as site:
            yield App(site, site.keys["integration"], ".json")


async def row_of(site: Site, number: str) -> CaseRow:
    async with site.ledger.session() as session:
        return await session.get_one(CaseRow, number)


async def named(app: App, number: str) -> str:
    return str((await app.get(f"requests/{number}", "service_requests"))[0]["service_name"])


async def test_a_request_shows_the_name_its_service_had_on_the_day_of_receipt(app: App) -> None:
    number = await app.file()
    assert await named(app, number) == "路灯不亮"
    async with app.site.ledger.session() as session:
        (await session.get_one(CaseRow, number)).received_at = datetime(2026, 9, 1, tzinfo=UTC)
    assert await named(app, number) == "路灯旧名"


async def test_a_service_of_another_day_is_taken_as_other_with_what_was_chosen(app: App) -> None:
    number = await app.file(service_code="manhole", description="嗯", **{"attribute[mark]": "雨"})
    row = await row_of(app.site, number)
    assert (row.item, row.text) == (None, "嗯\n所选服务：井盖缺失（manhole）\nmark：雨")
    assert "manhole" not in {service["service_code"] for service in await app.get("services", "services")}


async def test_a_new_day_begins_when_it_does_in_the_city(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = datetime(2998, 12, 31, 16, tzinfo=UTC)
    for at, told in ((midnight - timedelta(seconds=1), "2026-11-22"), (midnight, "2999-01-01")):
        monkeypatch.setattr(services, "now", lambda at=at: at)
        assert (await app.get("discovery", "discovery"))["changeset"] == told

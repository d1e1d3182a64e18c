"""A catalog with versions and limits of its own, from the city's folder to the deadlines of a case."""

import shutil
from collections.abc import AsyncIterator, Callable

import pytest

from domain.catalog_file import CatalogFile, Row, read_catalog_file, write_catalog_file
from settings import Settings
from tests.api.conftest import OpenSite, Site, environment, manned

GAS = {
    "code": "gas",
    "name": "燃气",
    "category": "help",
    "keywords": ["燃气"],
    "lead": "zz-gas",
    "limit_source": "通知",
}


@pytest.fixture(scope="module")
async def site(
    engine: str,
    sandbox_city: dict[str, str],
    open_site: OpenSite,
    new_sqlite: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Site]:
    """An installation whose matter `gas` has a limit of two working days, and of eight from the year 2999 on."""
    cities = tmp_path_factory.mktemp("cities")
    path = shutil.copytree(Settings().city_folder, cities / "zhengzhou") / "catalog.toml"
    file = read_catalog_file(path)
    versions = [GAS | {"limit": "2wd"}, GAS | {"limit": "8wd", "valid_from": "2999-01-01"}]
    others = [row for row in file.item if row.code != "gas"]
    rows = (*others, *map(Row.model_validate, versions))
    path.write_text(write_catalog_file(CatalogFile(areas=file.areas, item=rows)), encoding="utf-8")
    with environment({"JIESU_CITIES": str(cities)}):
        async with manned(engine, "catalog", new_sqlite(), open_site) as opened:
            yield opened


async def test_the_catalog_of_a_day_is_shown(site: Site) -> None:
    today, later = await site.get("/catalog"), await site.get("/catalog", on="2999-01-01")
    (now,), (then,) = ([item for item in items if item["code"] == "gas"] for items in (today, later))
    assert (now["limit"], now["limit_source"], then["limit"], then["valid_from"]) == (
        "2wd", "通知", "8wd", "2999-01-01",
    )  # fmt: skip
    for on in ("soon", "0", "1700000000"):
        answer = await site.call("GET", "/catalog", "agent", params={"on": on})
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_case_is_due_under_its_items_own_limit_and_another_item_moves_it(site: Site) -> None:
    number = await site.dispatched("zz-water", item="gas")
    other = await site.dispatched("zz-water", item="water-stop")
    own = await site.take(number, "sign-in", "zz-water")
    usual = await site.take(other, "sign-in", "zz-water")
    assert own["due"] < usual["due"]
    moved = await site.take(number, "reclassify", "dispatcher", item="water-stop", text="不是燃气")
    assert moved["due"] == usual["due"]
    moved = await site.take(other, "reclassify", "dispatcher", item="gas", text="是燃气")
    assert moved["due"] == own["due"]


async def test_nobody_sets_a_limit_by_reclassifying(site: Site) -> None:
    number = await site.dispatched()
    answer = await site.step(number, "reclassify", "dispatcher", item="gas", item_limit="99wd", text="x")
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")

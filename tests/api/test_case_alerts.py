"""What sensors say by now of a case is seen on the case itself: which assets, where, and whether all is well again."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from domain.assets import Asset
from domain.city import load_city
from ledger.assets import put_assets
from ledger.tables import CASES
from settings import Settings
from temporal import proactive
from tests.api.conftest import Site
from tests.workflows.hotline import eventually

CITY = load_city(Settings().city_folder)
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
VIEWS = ("", "/timeline")
_numbers = count()
_streets = (grid.code for grid in CITY.grids.values() if grid.level == "street")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sweep runs here that would do what was left to it."""
    monkeypatch.setattr(proactive, "SOON", 30)


def event(asset: str, value: float, minutes: float) -> dict[str, Any]:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    named = {"specversion": "1.0", "id": f"{next(_numbers)}", "source": "/t", "type": "jiesu.alert.leak-noise"}
    return {**named, "subject": asset, "time": at.isoformat(), "data": {"value": value}}


@pytest.fixture
async def neighbours(each_site: Site) -> list[str]:
    """Codes of three devices of a street in which no other test has any."""
    codes, grid = [f"N-{next(_numbers)}" for _ in range(3)], next(_streets)
    assets = [Asset(code=code, kind="device", unit="zz-water", grid=grid, address=f"八栋楼{code}号") for code in codes]
    await each_site.ledger.run(put_assets, assets)
    return codes


@pytest.fixture
async def case(each_site: Site, neighbours: list[str]) -> str:
    """A case that one device opened and two joined, of which the first is well again."""
    first, second, third = neighbours
    events = [event(first, 70, -9), event(second, 65, -8), event(third, 61.5, -7), event(first, 20, -1)]
    answer = await each_site.call("POST", "/events", "integration", json=events, headers=BATCH)
    number = str(answer.json()["events"][0]["case"])

    async def dispatched() -> bool:
        return bool((await each_site.get(f"/cases/{number}"))["status"] == "dispatched")

    await eventually(dispatched)
    return number


async def test_whoever_is_sent_sees_which_assets_joined_since_when_and_which_are_well(
    each_site: Site, case: str, neighbours: list[str]
) -> None:
    first, second, third = neighbours
    for view in VIEWS:
        told = (await each_site.get(f"/cases/{case}{view}", "zz-water"))["alerts"]
        assert (told["count"], told["recovered"]) == (3, 1)
        assert [alert["asset"] for alert in told["shown"]] == [second, third, first], "those not well come first"
        assert [alert["opened"] for alert in told["shown"]] == [False, False, True]
        assert [bool(alert["recovered_at"]) for alert in told["shown"]] == [False, False, True]
        alert = told["shown"][1]
        assert (alert["kind_zh"], alert["last_value"], alert["measure"]) == ("管网漏损噪声", 61.5, "dB")
        assert alert["address"] == f"八栋楼{third}号"


async def test_the_full_record_has_them(each_site: Site, case: str, neighbours: list[str]) -> None:
    assert (await each_site.get(f"/cases/{case}/record", "inspector"))["alerts"]["count"] == 3
    page = (await each_site.call("GET", f"/cases/{case}/record?format=html", "inspector")).text
    assert all(code in page for code in neighbours)
    assert "61.5dB" in page


async def test_where_they_are_learns_nobody_who_may_not_know_it(each_site: Site, case: str) -> None:
    for view in VIEWS:
        answer = await each_site.call("GET", f"/cases/{case}{view}", "admin")
        assert answer.json()["alerts"]["count"] == 3
        assert "八栋楼" not in answer.text


async def test_where_they_are_is_erased_with_the_case(each_site: Site, case: str) -> None:
    erased = CASES.update().where(CASES.c.number == case).values(erased_at=datetime.now(UTC))
    await each_site.ledger.run(lambda connection: connection.execute(erased))
    for view in (*VIEWS, "/record"):
        answer = await each_site.call("GET", f"/cases/{case}{view}", "inspector")
        assert {alert["address"] for alert in answer.json()["alerts"]["shown"]} == {None}


async def test_a_case_that_people_reported_has_none(each_site: Site) -> None:
    number = await each_site.receive()
    for view in VIEWS:
        assert (await each_site.get(f"/cases/{number}{view}"))["alerts"] is None

"""Which case an alert becomes or joins: of neighbours, of a full hour, of who needs help, of what moves."""

import pytest

from domain.alerts import Became
from domain.assets import Asset
from domain.city import City
from ledger import alert_overview
from ledger.assets import put_assets
from ledger.database import Ledger
from ledger.tables import ALERTS, CASES
from tests.ledger.alerting import CITY, NOW, became, cases, how_many, reading, take


async def test_the_home_of_somebody_who_needs_help_makes_the_case_urgent(alerts: Ledger) -> None:
    await take(alerts, reading("M-1", "no-water-drawn", value=30))
    [case] = await cases(alerts)
    assert (case.vulnerable, case.priority) == (["alone", "elderly", "disabled"], 1)
    assert case.ordered == ["zz-water", "zz-minzheng"]


async def test_an_asset_of_which_no_place_is_known_is_marked(alerts: Ledger) -> None:
    await take(alerts, reading("M-2", "new-account"))
    [case] = await cases(alerts)
    assert case.marks == ["no_location", "no_grid"]


async def test_alerts_of_neighbours_are_one_case(alerts: Ledger) -> None:
    outcomes = await take(alerts, *(reading(f"P-{n}", value=70) for n in range(60)))
    assert {outcome.became for outcome in outcomes} == {Became.CONFIRMED}
    assert [outcome.opened for outcome in outcomes].count(True) == 1
    assert len(await cases(alerts)) == 1


async def test_alerts_that_are_no_neighbours_are_cases_until_there_are_enough_within_an_hour(alerts: Ledger) -> None:
    outcomes = await take(alerts, *(reading(f"A-{n}", "over-quota") for n in range(50)))
    opened = await cases(alerts)
    assert len(opened) == CITY.sensors.cases_an_hour + 1
    assert opened[-1].title == CITY.sensors.collective.title
    assert {outcome.case for outcome in outcomes[20:]} == {opened[-1].number}
    [late] = await take(alerts, reading("A-50", "over-quota", minutes=59))
    assert late.case == opened[-1].number, "wherever the clock's hours begin"
    later = [reading(f"A-{n}", "over-quota", minutes=60) for n in range(51, 54)]
    assert sum(outcome.opened for outcome in await take(alerts, *later)) == 3, "an hour has passed"


async def test_one_collective_case_takes_in_an_hour_and_no_more(alerts: Ledger) -> None:
    for minutes in (0, 30, 60):
        readings = (reading(f"A-{minutes // 2 + n}", "over-quota", minutes=minutes) for n in range(15))
        await take(alerts, *readings)
    opened = [case.title for case in await cases(alerts)]
    assert opened.count(CITY.sensors.collective.title) == 1
    assert len(opened) == 20 + 1, "none beside it, while there is one"
    [outcome] = await take(alerts, reading("A-45", "over-quota", minutes=91))
    assert outcome.opened


def test_the_city_has_what_its_sensors_need() -> None:
    city: City = CITY
    assert {kind.item for kind in city.sensors.kind} <= city.catalog_at(NOW).items.keys()


async def test_a_truck_is_where_its_event_says(alerts: Ledger) -> None:
    place = {"longitude": 113.6, "latitude": 34.8}
    first, last = (reading("T-1", "truck-leak", minutes=minutes, **place) for minutes in (0, 1))
    assert await became(alerts, first, last) == ["recorded", "confirmed"]
    [case] = await cases(alerts)
    grid = CITY.areas.at(113.6, 34.8)
    assert (case.longitude, case.latitude, case.grid) == (113.6, 34.8, grid.code if grid else None)


async def test_who_needs_help_has_a_case_of_their_own_however_full_the_hour_is(alerts: Ledger) -> None:
    await take(alerts, *(reading(f"A-{n}", "over-quota") for n in range(30)))
    before = len(await cases(alerts))
    await take(alerts, *(reading(code, "no-water-drawn", value=36) for code in ("M-1", "M-2")))
    await take(alerts, reading("M-1", "over-quota"))
    own = (await cases(alerts))[before:]
    assert [case.priority for case in own] == [1, 1, 1]
    assert {case.title for case in own} == {"独居老人长时间未用水", "超定额用水"}
    assert [case.outage for case in own] == [True, True, False]


async def test_visits_never_take_the_place_of_emergencies(alerts: Ledger) -> None:
    await take(alerts, *(reading(f"A-{n}", "over-quota") for n in range(30)))
    [burst] = await take(alerts, reading(kind="burst-flow", value=50))
    opened = {case.number: case for case in await cases(alerts)}[burst.case or ""]
    assert (burst.opened, opened.title, opened.outage) == (True, "水表流量突增", True)


@pytest.mark.parametrize("status", ["suspended", "transferring", "callback"])
async def test_what_alarms_beside_a_case_that_nobody_handles_has_one_of_its_own(alerts: Ledger, status: str) -> None:
    [first] = await take(alerts, reading(value=70))
    await alerts.run(lambda connection: connection.execute(CASES.update().values(status=status)))
    [neighbour] = await take(alerts, reading("P-2", minutes=10, value=70))
    assert (neighbour.opened, neighbour.case != first.case) == (True, True)


async def test_a_truck_is_where_it_is_when_its_alert_is_confirmed(alerts: Ledger) -> None:
    [*_, code] = CITY.areas.of
    there = CITY.areas.of[code].representative_point()
    away = reading("T-1", "truck-leak", longitude=2.35, latitude=48.85)
    await take(alerts, away, reading("T-1", "truck-leak", minutes=1, longitude=there.x, latitude=there.y))
    [case] = await cases(alerts)
    here = CITY.areas.at(there.x, there.y)
    assert here is not None
    assert (case.grid, case.marks) == (here.code, [])


async def test_an_asset_that_another_unit_has_taken_over_is_that_units_when_its_alert_is_confirmed(
    alerts: Ledger,
) -> None:
    await take(alerts, reading(), reading("P-2", value=70))
    moved = Asset(code="P-1", kind="device", unit="zz-heat", grid="zz-g-badonglou")
    await alerts.run(put_assets, [moved])
    [outcome] = await take(alerts, reading(minutes=1, value=70))
    case = {case.number: case for case in await cases(alerts)}[outcome.case or ""]
    assert (outcome.opened, case.ordered) == (True, ["zz-heat"])
    assert await how_many(alerts, ALERTS.c.asset == "P-1", ALERTS.c.unit == "zz-heat") == 1


async def test_a_truck_outside_the_city_is_marked(alerts: Ledger) -> None:
    await take(alerts, *(reading("T-1", "truck-leak", minutes=n, longitude=2.35, latitude=48.85) for n in range(2)))
    [case] = await cases(alerts)
    assert (case.grid, case.marks) == (None, ["no_grid"])


async def test_of_a_flood_so_many_alerts_are_shown_and_all_are_counted(
    alerts: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_overview, "MOST", 2)
    await take(alerts, *(reading(f"P-{n}", value=70) for n in range(4)), reading("P-0", recovered=True))
    [case] = await cases(alerts)
    told = await alerts.run(alert_overview.case_alerts, CITY, case.number, places=True)
    assert told is not None
    assert (told.count, told.recovered, [alert.asset for alert in told.shown]) == (4, 1, ["P-1", "P-2"])


async def test_a_truck_is_shown_where_it_was_last(alerts: Ledger) -> None:
    here, there = {"longitude": 113.6, "latitude": 34.8}, {"longitude": 113.7, "latitude": 34.7}
    await take(alerts, *(reading("T-1", "truck-leak", minutes=n, **here) for n in range(2)))
    await take(alerts, reading("T-1", "truck-leak", minutes=3, **there))
    [case] = await cases(alerts)
    told = await alerts.run(alert_overview.case_alerts, CITY, case.number, places=True)
    assert told is not None
    assert [(alert.longitude, alert.latitude) for alert in told.shown] == [(113.7, 34.7)]

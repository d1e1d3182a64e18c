"""Readings become alerts, alerts cases: on both databases, whatever comes twice, late or at the same time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from domain.alerts import Became, Outcome
from domain.city import City, load_city
from domain.events import Outcome as Ending
from domain.events import Status, Summary
from domain.readings import BadEvent, Reading
from ledger import alert_cases
from ledger.alert_endings import end_alerts, expire_alerts, free_alerts, mark_told, untold
from ledger.alert_housing import house_alerts
from ledger.alerts import take_in
from ledger.assets import all_assets, put_assets, remove_assets
from ledger.cases import opening
from ledger.database import Ledger, open_ledger
from ledger.models import CaseRow
from ledger.refused import refusal_counts
from ledger.tables import ALERTS, ASSETS, CASES, SENSOR_EVENTS
from settings import Settings

CITY = load_city(Settings().city_folder)
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
IDS = count()


def asset(code: str, **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "kind": "device", "unit": "zz-water", "grid": "zz-g-badonglou", "address": "八栋楼3号院", "longitude": None,
        "latitude": None, "vulnerable": [],
    }  # fmt: skip
    return {"code": code, **usual, **more}


ASSETS_HERE = [
    *(asset(f"P-{n}") for n in range(60)),
    asset("H-1", unit="zz-heat"),
    asset("T-1", kind="truck"),
    asset("M-1", kind="meter", vulnerable=["disabled"]),
    asset("M-2", kind="meter", grid=None, address=None),
    *(asset(f"A-{n}", kind="account") for n in range(60)),
]


@pytest.fixture
async def alerts(ledger_url: str) -> AsyncIterator[Ledger]:
    ledger = open_ledger(ledger_url)
    await ledger.run(lambda connection: connection.execute(insert(ASSETS), ASSETS_HERE))
    yield ledger
    await ledger.close()


def reading(asset: str = "P-1", kind: str = "leak-noise", minutes: float = 0, **more: Any) -> Reading:
    usual = {"source": "/test", "id": str(next(IDS)), "recovered": False, "at": NOW + timedelta(minutes=minutes)}
    return Reading.model_validate({**usual, "asset": asset, "kind": kind, **more})


async def take(ledger: Ledger, *readings: Reading, **more: Any) -> list[Outcome]:
    at = max([NOW, *(reading.at for reading in readings if reading.at < NOW + timedelta(days=9))])
    return await ledger.run(take_in, CITY, readings, at, **more)


async def became(ledger: Ledger, *readings: Reading, **more: Any) -> list[str]:
    return [outcome.became.value for outcome in await take(ledger, *readings, **more)]


async def how_many(ledger: Ledger, *which: Any) -> int:
    def counted(connection: Connection) -> int:
        return connection.scalar(select(func.count()).select_from(ALERTS).where(*which)) or 0

    return await ledger.run(counted)


async def cases(ledger: Ledger) -> list[CaseRow]:
    def read(connection: Connection) -> list[CaseRow]:
        rows = connection.execute(select(CASES).order_by(CASES.c.number)).mappings()
        return [CaseRow(**row) for row in rows]

    return await ledger.run(read)


async def close(ledger: Ledger, number: str, outcome: Ending = Ending.RESOLVED) -> None:
    def ended(connection: Connection) -> None:
        summary = Summary(
            number=number, status=Status.CLOSED, outcome=outcome, category="proactive", closed_at=NOW, last_event=9
        )
        end_alerts(connection, summary)
        connection.execute(CASES.update().where(CASES.c.number == number).values(closed_at=NOW))

    await ledger.run(ended)


async def test_so_many_readings_as_the_kind_wants_confirm_and_open_a_case(alerts: Ledger) -> None:
    assert await became(alerts, reading(), reading(minutes=1), reading(minutes=2)) == [
        "recorded",
        "joined",
        "confirmed",
    ]
    [case] = await cases(alerts)
    assert (case.category, case.channel, case.item, case.phone) == ("proactive", "sensor", "water-leak", None)
    assert (case.ordered, case.grid, case.address) == (["zz-water"], "zz-g-badonglou", "八栋楼3号院")
    assert "P-1" in case.text
    assert "3次" in case.text
    assert opening(case).ordered == ["zz-water"]


async def test_readings_too_far_apart_confirm_nothing(alerts: Ledger) -> None:
    apart = [reading(minutes=minutes) for minutes in (0, 121, 242)]
    assert await became(alerts, *apart) == ["recorded", "joined", "joined"]
    assert await became(alerts, reading(minutes=250), reading(minutes=260)) == ["joined", "confirmed"]


async def test_one_value_bad_enough_confirms_by_itself(alerts: Ledger) -> None:
    [outcome] = await take(alerts, reading(value=61))
    assert (outcome.became, outcome.opened) == (Became.CONFIRMED, True)


async def test_the_home_of_somebody_who_needs_help_makes_the_case_urgent(alerts: Ledger) -> None:
    await take(alerts, reading("M-1", "no-water-drawn", value=30))
    [case] = await cases(alerts)
    assert (case.vulnerable, case.priority) == (["alone", "elderly", "disabled"], 1)
    assert case.ordered == ["zz-water", "zz-minzheng"]


async def test_an_asset_of_which_no_place_is_known_is_marked(alerts: Ledger) -> None:
    await take(alerts, reading("M-2", "new-account"))
    [case] = await cases(alerts)
    assert case.marks == ["no_location", "no_grid"]


async def test_the_same_alert_a_thousand_times_is_one_alert_and_one_case(alerts: Ledger) -> None:
    for begun in range(0, 1000, 250):
        await take(alerts, *(reading(minutes=n / 100) for n in range(begun, begun + 250)))
    assert await how_many(alerts) == 1
    assert len(await cases(alerts)) == 1
    [readings] = await alerts.run(lambda connection: connection.scalars(select(ALERTS.c.readings)).all())
    assert readings == 1000


async def test_an_event_that_comes_twice_changes_nothing(alerts: Ledger) -> None:
    same = reading(value=70)
    assert await became(alerts, same, same) == ["confirmed", "repeated"]
    [again] = await take(alerts, same)
    assert (again.became, again.case) == (Became.REPEATED, (await cases(alerts))[0].number)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"asset": "nobody"}, "unknown_asset"),
        ({"kind": "earthquake"}, "unknown_type"),
        ({"at": NOW + timedelta(days=10)}, "from_the_future"),
        ({"at": NOW - timedelta(days=2)}, "too_old"),
    ],
)
async def test_what_cannot_be_taken_is_refused_counted_and_kept(
    alerts: Ledger, fault: dict[str, Any], code: str
) -> None:
    outcomes = await take(alerts, reading(**fault), reading(value=70))
    assert [(outcome.became.value, outcome.code) for outcome in outcomes] == [("refused", code), ("confirmed", None)]
    async with alerts.session() as session:
        [counted] = await refusal_counts(session)
    assert (counted.source, counted.reason, counted.count) == ("events", code, 1)


async def test_whoever_is_refused_at_the_same_time_waits_for_nobody(alerts: Ledger) -> None:
    bad: list[Reading | BadEvent] = [BadEvent("unknown_type", b"x"), BadEvent("malformed", b"x"), reading("nobody")]

    async def refused(events: list[Reading | BadEvent]) -> None:
        for _ in range(20):
            await alerts.run(take_in, CITY, events, NOW)

    await asyncio.gather(refused(bad), refused(bad[::-1]))
    async with alerts.session() as session:
        assert [row.count for row in await refusal_counts(session)] == [40, 40, 40]


async def test_assets_may_be_registered_while_their_sensors_speak(alerts: Ledger) -> None:
    known = await alerts.run(all_assets)

    async def registered() -> None:
        for _ in range(10):
            await alerts.run(put_assets, known[::-1])

    async def heard() -> None:
        for minutes in range(10):
            await take(alerts, *(reading(f"P-{n}", minutes=minutes) for n in range(60)))

    await asyncio.gather(registered(), heard())
    assert await how_many(alerts) == 60


async def test_readings_recoveries_closings_and_the_sweep_never_wait_for_each_other(alerts: Ledger) -> None:
    async def heard(step: int, **more: Any) -> None:
        for minutes in range(8):
            await take(alerts, *(reading(f"P-{(n * step) % 60}", minutes=minutes, **more) for n in range(60)))

    async def closed(outcome: Ending) -> None:
        for _ in range(8):
            for case in await cases(alerts):
                await close(alerts, case.number, outcome)

    async def swept() -> None:
        for minutes in range(8):
            await alerts.run(expire_alerts, NOW + timedelta(minutes=minutes))
            await alerts.run(free_alerts, NOW)
            await alerts.run(house_alerts, CITY, NOW)
            for case, at in await alerts.run(untold, LATER, 10):
                await alerts.run(mark_told, case, at, NOW)

    await asyncio.gather(
        heard(1, value=70), heard(59, value=70), heard(7, recovered=True), closed(Ending.RECOVERED),
        closed(Ending.RESOLVED), swept(), swept(),
    )  # fmt: skip
    await alerts.run(free_alerts, NOW)
    of_open = CASES.c.number.in_(select(ALERTS.c.case_number).where(ALERTS.c.ended_at.is_(None)))
    assert not any(await alerts.run(lambda found: found.scalars(select(CASES.c.closed_at).where(of_open)).all()))


async def test_a_unit_speaks_for_its_own_assets_only(alerts: Ledger) -> None:
    [outcome] = await take(alerts, reading("H-1", value=70), units={"zz-water"}, source="mqtt")
    assert outcome.code == "unknown_asset"


async def test_alerts_of_neighbours_are_one_case(alerts: Ledger) -> None:
    outcomes = await take(alerts, *(reading(f"P-{n}", value=70) for n in range(60)))
    assert {outcome.became for outcome in outcomes} == {Became.CONFIRMED}
    assert [outcome.opened for outcome in outcomes].count(True) == 1
    assert len(await cases(alerts)) == 1


async def test_alerts_that_are_no_neighbours_are_cases_until_the_hour_is_full(alerts: Ledger) -> None:
    outcomes = await take(alerts, *(reading(f"A-{n}", "over-quota") for n in range(50)))
    opened = await cases(alerts)
    assert len(opened) == CITY.sensors.cases_an_hour + 1
    assert opened[-1].title == CITY.sensors.collective.title
    assert {outcome.case for outcome in outcomes[20:]} == {opened[-1].number}
    later = [reading(f"A-{n}", "over-quota", minutes=40) for n in range(50, 53)]
    assert sum(outcome.opened for outcome in await take(alerts, *later)) == 3, "another hour has begun"


async def test_many_processes_at_once_open_one_case(alerts: Ledger, ledger_url: str) -> None:
    others = [open_ledger(ledger_url) for _ in range(4)]
    try:
        await asyncio.gather(
            *(
                ledger.run(take_in, CITY, [reading(f"P-{(n * step) % 60}", value=70) for n in range(60)], NOW)
                for ledger in others
                for step in (1, 7, 59)
            )
        )
    finally:
        for ledger in others:
            await ledger.close()
    assert await how_many(alerts) == 60
    assert len(await cases(alerts)) == 1


async def test_an_alert_that_recovers_unconfirmed_is_over(alerts: Ledger) -> None:
    assert await became(alerts, reading(), reading(minutes=1, recovered=True)) == ["recorded", "recovered"]
    assert await how_many(alerts, ALERTS.c.ended_at.is_(None)) == 0
    assert await became(alerts, reading(minutes=0.5)) == ["recorded"], "what comes late is old news"
    assert await how_many(alerts) == 1


async def test_a_value_within_its_bounds_is_a_recovery(alerts: Ledger) -> None:
    assert await became(alerts, reading(value=20)) == ["recorded"]
    assert await how_many(alerts) == 0
    assert await became(alerts, reading(minutes=1, value=40), reading(minutes=2, value=29)) == ["recorded", "recovered"]


async def test_a_recovery_older_than_the_last_alarm_recovers_nothing(alerts: Ledger) -> None:
    await take(alerts, reading(minutes=5, value=70))
    assert await became(alerts, reading(minutes=4, recovered=True)) == ["recorded"]
    assert await alerts.run(untold, LATER, 10) == []


async def test_a_case_is_to_be_told_when_all_its_assets_are_well(alerts: Ledger) -> None:
    await take(alerts, *(reading(f"P-{n}", value=70) for n in range(3)))
    [case] = await cases(alerts)
    await take(alerts, *(reading(f"P-{n}", minutes=n, recovered=True) for n in (1, 2)))
    assert await alerts.run(untold, LATER, 10) == []
    await take(alerts, reading("P-0", minutes=3, recovered=True))
    assert await alerts.run(untold, LATER, 10) == [(case.number, NOW + timedelta(minutes=3))]
    await alerts.run(mark_told, case.number, NOW + timedelta(minutes=3), NOW)
    assert await alerts.run(untold, LATER, 10) == []
    assert await became(alerts, reading("P-0", minutes=4, value=70)) == ["joined"], "it is not well after all"
    await take(alerts, reading("P-0", minutes=5, recovered=True))
    assert await alerts.run(untold, LATER, 10) == [(case.number, NOW + timedelta(minutes=5))]


async def test_a_closed_case_ends_its_alerts_and_a_new_reading_begins_anew(alerts: Ledger) -> None:
    await take(alerts, reading(value=70))
    [first] = await cases(alerts)
    await close(alerts, first.number)
    [outcome] = await take(alerts, reading(minutes=10, value=70))
    assert (outcome.became, outcome.opened) == (Became.CONFIRMED, True)
    assert len(await cases(alerts)) == 2


async def test_an_alert_that_joins_a_case_while_that_closes_by_itself_is_not_lost(alerts: Ledger) -> None:
    await take(alerts, reading(value=70), reading(minutes=1, recovered=True), reading("P-2", value=70, minutes=2))
    [first] = await cases(alerts)
    await close(alerts, first.number, Ending.RECOVERED)
    assert await how_many(alerts, ALERTS.c.ended_at.is_(None)) == 1
    [outcome] = await take(alerts, reading("P-2", minutes=3, value=70))
    [_, second] = await cases(alerts)
    assert (outcome.became, outcome.case) == (Became.JOINED, second.number)


async def test_an_alert_that_joins_a_case_in_the_moment_it_closes_is_freed_by_the_sweep(
    alerts: Ledger, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ledger_url.startswith("sqlite"):
        pytest.skip("has one writer at a time")
    await take(alerts, reading(value=70))
    [first] = await cases(alerts)
    loop, find = asyncio.get_running_loop(), alert_cases._of_its_like

    def found_as_it_closes(*given: Any) -> str | None:
        found = find(*given)
        asyncio.run_coroutine_threadsafe(close(alerts, first.number), loop).result(20)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(alert_cases, "_of_its_like", found_as_it_closes)
        [joined] = await take(alerts, reading("P-2", value=70))
    assert (joined.case, joined.opened) == (first.number, False)
    await alerts.run(free_alerts, NOW)
    await alerts.run(house_alerts, CITY, NOW)
    [_, second] = await cases(alerts)
    assert await how_many(alerts, ALERTS.c.asset == "P-2", ALERTS.c.case_number == second.number) == 1


async def test_what_is_well_when_its_case_has_closed_ends(alerts: Ledger) -> None:
    await take(alerts, *(reading(f"P-{n}", value=70) for n in (1, 2)))
    await take(alerts, reading("P-1", minutes=1, recovered=True))
    await alerts.run(lambda connection: connection.execute(CASES.update().values(closed_at=NOW)))
    await alerts.run(free_alerts, NOW)
    assert await how_many(alerts, ALERTS.c.ended_at.is_not(None), ALERTS.c.asset == "P-1") == 1
    assert await how_many(alerts, ALERTS.c.ended_at.is_(None), ALERTS.c.case_number.is_(None)) == 1


async def test_a_case_of_many_alerts_is_told_once_of_the_last_recovery(alerts: Ledger) -> None:
    await take(alerts, *(reading(f"P-{n}", value=70) for n in range(5)))
    await take(alerts, *(reading(f"P-{n}", minutes=n + 1, recovered=True) for n in range(5)))
    [(case, at)] = await alerts.run(untold, LATER, 2)
    assert at == NOW + timedelta(minutes=5)
    await alerts.run(mark_told, case, at, NOW)
    assert await alerts.run(untold, LATER, 2) == []


async def test_what_nothing_confirms_expires_and_old_events_are_forgotten(alerts: Ledger) -> None:
    await take(alerts, reading())
    await alerts.run(expire_alerts, NOW + timedelta(hours=13))
    assert await how_many(alerts, ALERTS.c.ended_at.is_(None)) == 0
    await alerts.run(expire_alerts, NOW + timedelta(days=2))
    kept = await alerts.run(lambda connection: connection.scalar(select(func.count()).select_from(SENSOR_EVENTS)))
    assert kept == 0


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


async def test_what_was_confirmed_gets_another_case_without_a_further_reading(alerts: Ledger) -> None:
    await take(alerts, reading(value=70), reading(minutes=1, recovered=True), reading("P-2", value=70, minutes=2))
    [first] = await cases(alerts)
    await close(alerts, first.number, Ending.RECOVERED)
    await alerts.run(expire_alerts, NOW + timedelta(days=3))
    for _ in range(2):
        await alerts.run(house_alerts, CITY, NOW + timedelta(minutes=3))
    [_, second] = await cases(alerts)
    assert "P-2" in second.text
    assert await how_many(alerts, ALERTS.c.case_number == second.number) == 1


async def test_what_is_well_before_it_gets_another_case_ends(alerts: Ledger) -> None:
    await take(alerts, reading(value=70), reading(minutes=1, recovered=True), reading("P-2", value=70, minutes=2))
    [first] = await cases(alerts)
    await close(alerts, first.number, Ending.RECOVERED)
    await take(alerts, reading("P-2", minutes=3, recovered=True))
    await alerts.run(house_alerts, CITY, NOW)
    assert await how_many(alerts, ALERTS.c.ended_at.is_(None)) == 0
    assert len(await cases(alerts)) == 1


async def test_a_flapping_sensor_is_one_case(alerts: Ledger) -> None:
    for n in range(30):
        await take(alerts, reading(minutes=2 * n, value=70), reading(minutes=2 * n + 1, value=20))
        assert await alerts.run(untold, NOW + timedelta(minutes=2 * n + 1), 10) == []
    [case] = await cases(alerts)
    assert await alerts.run(untold, NOW + timedelta(minutes=69), 10) == [(case.number, NOW + timedelta(minutes=59))]


async def test_a_recovery_heard_before_its_alarm_is_remembered(alerts: Ledger) -> None:
    assert await became(alerts, reading(minutes=1, recovered=True)) == ["recorded"]
    assert await became(alerts, reading(minutes=0, value=70)) == ["recorded"]
    assert await how_many(alerts) == 0
    assert await became(alerts, reading(minutes=2, value=70)) == ["confirmed"]


async def test_nobody_silences_the_asset_of_another_with_its_source_and_id(alerts: Ledger) -> None:
    theirs: dict[str, Any] = {"source": "/heat", "id": "17"}
    assert await became(alerts, reading(value=70, **theirs), units={"zz-water"}) == ["confirmed"]
    assert await became(alerts, reading("H-1", value=70, **theirs), units={"zz-heat"}) == ["confirmed"]


async def test_a_truck_is_where_it_is_when_its_alert_is_confirmed(alerts: Ledger) -> None:
    [*_, code] = CITY.areas.of
    there = CITY.areas.of[code].representative_point()
    away = reading("T-1", "truck-leak", longitude=2.35, latitude=48.85)
    await take(alerts, away, reading("T-1", "truck-leak", minutes=1, longitude=there.x, latitude=there.y))
    [case] = await cases(alerts)
    here = CITY.areas.at(there.x, there.y)
    assert here is not None
    assert (case.grid, case.marks) == (here.code, [])


async def test_an_asset_out_of_use_has_no_alerts_any_more_and_its_case_stays(alerts: Ledger) -> None:
    await take(alerts, reading(value=70), reading("P-2"))
    assert await alerts.run(remove_assets, ["P-1", "P-2", "P-99"], NOW) == 2
    assert await how_many(alerts, ALERTS.c.ended_at.is_(None)) == 0
    assert await alerts.run(untold, LATER, 10) == []
    [refused] = await take(alerts, reading(minutes=1, value=70))
    assert refused.code == "unknown_asset"
    [case] = await cases(alerts)
    assert case.closed_at is None


async def test_a_truck_outside_the_city_is_marked(alerts: Ledger) -> None:
    await take(alerts, *(reading("T-1", "truck-leak", minutes=n, longitude=2.35, latitude=48.85) for n in range(2)))
    [case] = await cases(alerts)
    assert (case.grid, case.marks) == (None, ["no_grid"])


async def test_nothing_taken_in_is_nothing(alerts: Ledger) -> None:
    assert await take(alerts) == []

"""How alerts end: all is well again, their case closes, nothing confirms them, they are out of use."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from domain.alerts import Became
from domain.events import Outcome as Ending
from ledger.alert_endings import expire_alerts, free_alerts, mark_told, untold
from ledger.alert_housing import house_alerts
from ledger.alerts import take_in
from ledger.assets import remove_assets
from ledger.database import Ledger
from ledger.tables import ALERTS, CASES, SENSOR_EVENTS
from tests.ledger.alerting import CITY, LATER, NOW, became, cases, close, how_many, reading, take


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


async def test_a_clock_that_is_ahead_hides_no_later_alarm_and_no_later_recovery(alerts: Ledger) -> None:
    async def at(minutes: float, ahead: float = 0, **more: Any) -> None:
        now = NOW + timedelta(minutes=minutes)
        await alerts.run(take_in, CITY, [reading(minutes=minutes + ahead, **more)], now)

    await at(0, value=70)
    await at(1, ahead=4, recovered=True)
    await at(2, value=70)
    assert await alerts.run(untold, LATER, 10) == [], "it alarmed again, by a clock that is right"
    await at(3, ahead=4, value=70)
    await at(4, recovered=True)
    [(_, recovered_at)] = await alerts.run(untold, LATER, 10)
    assert recovered_at == NOW + timedelta(minutes=4)


async def test_what_a_clock_that_is_ahead_says_at_once_keeps_its_order(alerts: Ledger) -> None:
    ahead = [reading(minutes=1, value=70), reading(minutes=2, recovered=True), reading(minutes=3, value=70)]
    await alerts.run(take_in, CITY, ahead, NOW)
    assert await how_many(alerts, ALERTS.c.recovered_at.is_(None), ALERTS.c.last_at == NOW) == 1


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


async def test_what_lost_its_case_ends_where_the_city_watches_its_kind_no_more(alerts: Ledger) -> None:
    await take(alerts, reading(value=70), reading("P-2", value=70))
    [case] = await cases(alerts)
    await close(alerts, case.number, Ending.RECOVERED)
    given_up = ALERTS.update().where(ALERTS.c.asset == "P-2").values(kind="radiation")
    await alerts.run(lambda connection: connection.execute(given_up))
    assert await became(alerts, reading("P-2", minutes=1)) == ["recorded"]
    await alerts.run(house_alerts, CITY, NOW)
    assert await how_many(alerts, ALERTS.c.kind == "radiation", ALERTS.c.ended_at.is_(None)) == 0
    assert len(await cases(alerts)) == 2, "its neighbour, which is not well, has another"


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


async def test_an_asset_out_of_use_has_no_alerts_any_more_and_its_case_stays(alerts: Ledger) -> None:
    await take(alerts, reading(value=70), reading("P-2"))
    assert await alerts.run(remove_assets, ["P-1", "P-2", "P-99"], NOW) == 2
    assert await how_many(alerts, ALERTS.c.ended_at.is_(None)) == 0
    assert await alerts.run(untold, LATER, 10) == []
    [refused] = await take(alerts, reading(minutes=1, value=70))
    assert refused.code == "unknown_asset"
    [case] = await cases(alerts)
    assert case.closed_at is None

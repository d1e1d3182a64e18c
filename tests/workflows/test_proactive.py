"""未诉先办 on the real engine: an alert's case goes out, and ends by itself if all is well before anybody goes."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select

from domain.alerts import Outcome
from domain.readings import Reading
from ledger.alerts import take_in
from ledger.tables import ALERTS, ASSETS, SERIALS
from temporal import proactive as proactive_cases
from temporal.proactive import follow_up, look_after_alerts
from temporal.upkeep import Sweeper
from tests.workflows.hotline import Hotline, Street, eventually, kinds

_numbers = count(1)


def asset(code: str, grid: str = "zz-g-badonglou") -> dict[str, Any]:
    place = {"address": "八栋楼3号院", "longitude": None, "latitude": None}
    return {"code": code, "kind": "device", "unit": "zz-water", "grid": grid, "vulnerable": [], **place}


@pytest.fixture
async def watched(hotline: Hotline, monkeypatch: pytest.MonkeyPatch) -> Hotline:
    """A hotline with two assets; its cases have numbers that no other test on the same server uses."""
    monkeypatch.setattr(proactive_cases, "SOON", 30)  # no sweep runs here that would do what was left to it
    days = [date.fromordinal(datetime.now(UTC).date().toordinal() + ahead) for ahead in (0, 1)]
    last = 1000 * next(_numbers)
    serials = [{"city": "ZZ", "day": day, "last": last} for day in days]
    await hotline.ledger.run(lambda connection: connection.execute(insert(SERIALS), serials))
    await hotline.ledger.run(lambda connection: connection.execute(insert(ASSETS), [asset("P-1"), asset("P-2")]))
    return hotline


async def heard(hotline: Hotline, asset: str = "P-1", *, ago: timedelta = timedelta(), **more: Any) -> Outcome:
    """Take one reading in and do no more, as a process that dies after the commit."""
    at = datetime.now(UTC) - ago
    usual = {"source": "/t", "id": f"{next(_numbers)}", "kind": "leak-noise", "recovered": False, "value": 70.0}
    reading = Reading.model_validate({**usual, "asset": asset, "at": at, **more})
    [outcome] = await hotline.ledger.run(take_in, hotline.city, [reading], at)
    return outcome


async def follow(hotline: Hotline, *outcomes: Outcome) -> None:
    await follow_up(hotline.server.client, hotline.ledger, hotline.city, hotline.task_queue, outcomes)


async def proactive(hotline: Hotline) -> str:
    """A proactive case that has been sent to its unit; its number."""
    outcome = await heard(hotline, ago=timedelta(minutes=20))
    await follow(hotline, outcome)
    assert outcome.case is not None
    number: str = outcome.case
    await eventually(lambda: _is(hotline, number, "dispatched"))
    return number


async def well(hotline: Hotline, asset: str = "P-1") -> None:
    """All has been well with an asset for eleven minutes."""
    await follow(hotline, await heard(hotline, asset, ago=timedelta(minutes=11), recovered=True, value=None))


async def _is(hotline: Hotline, number: str, status: str) -> bool:
    return (await hotline.row(number)).status == status


async def test_a_confirmed_alert_goes_to_its_unit_and_grid_without_a_dispatcher(
    watched: Hotline, street: Street
) -> None:
    number = await proactive(watched)
    row = await watched.row(number)
    assert (row.lead, row.grid, row.due_clock, row.category) == ("zz-water", "zz-g-badonglou", "sign_in", "proactive")
    events = await watched.events(number)
    assert [(event.kind, event.role) for event in events] == [("received", "system"), ("dispatched", "system")]
    [order] = await eventually(lambda: street.received("water", number))
    assert (order["kind"], order["category"]) == ("dispatch", "proactive")
    [notice] = await eventually(lambda: street.received("grid", number))
    assert notice["grid"] == "zz-g-badonglou"
    await watched.take(number, "sign-in")
    assert (await watched.row(number)).due_clock == "handling"


async def test_what_recovers_before_anybody_signed_in_ends_by_itself_and_nobody_goes(
    watched: Hotline, street: Street
) -> None:
    number = await proactive(watched)
    await well(watched)
    taken = await watched.closed(number)
    assert taken.outcome == "recovered"
    assert kinds(await watched.events(number)) == ["received", "dispatched", "recovered", "closed"]
    for party in ("water", "grid"):
        told = await street.received(party, number)
        assert [entry["kind"] for entry in told][-1] == "recall"
    assert await street.received("sms", number) == []
    ended = await watched.ledger.run(lambda connection: connection.scalars(select(ALERTS.c.ended_at)).all())
    assert None not in ended


@pytest.mark.parametrize(("step", "who"), [("sign-in", "zz-water"), ("grid-sign-in", "zz-g-badonglou")])
async def test_once_somebody_is_on_the_way_a_recovery_is_only_told(
    watched: Hotline, street: Street, step: str, who: str
) -> None:
    number = await proactive(watched)
    await watched.take(number, step, who)
    await well(watched)
    assert kinds(await watched.events(number))[-1] == "recovered"
    assert (await watched.row(number)).closed_at is None
    orders = await eventually(lambda: _notices(street, number))
    assert orders[-1]["notice"] == "recovered"
    await eventually(lambda: _grid_knows(street, number))


async def _grid_knows(street: Street, number: str) -> bool:
    return bool((await street.received("grid", number))[-1]["kind"] == "recovered")


async def _notices(street: Street, number: str) -> list[dict[str, Any]]:
    return [order for order in await street.received("water", number) if order["kind"] == "notice"]


async def test_a_case_of_several_assets_waits_for_the_last_of_them(watched: Hotline) -> None:
    number = await proactive(watched)
    joined = await heard(watched, "P-2", ago=timedelta(minutes=15))
    assert (joined.case, joined.opened) == (number, False)
    await well(watched)
    assert await _is(watched, number, "dispatched")
    await well(watched, "P-2")
    assert (await watched.closed(number)).outcome == "recovered"


async def test_a_case_that_a_crash_left_unstarted_is_started_and_sent_out_by_the_sweep(
    watched: Hotline, street: Street
) -> None:
    outcome = await heard(watched, ago=timedelta(minutes=1))
    number = outcome.case or ""
    sweeper = Sweeper(watched.server.client, watched.ledger, watched.city, watched.task_queue)
    assert await sweeper.sweep() == 1
    await eventually(lambda: _is(watched, number, "dispatched"))
    assert [order["kind"] for order in await eventually(lambda: street.received("water", number))] == ["dispatch"]
    await follow(watched, outcome)
    assert kinds(await watched.events(number)) == ["received", "dispatched"]


async def test_a_recovery_that_a_crash_left_untold_is_told_by_the_sweep(watched: Hotline) -> None:
    number = await proactive(watched)
    await heard(watched, ago=timedelta(minutes=11), recovered=True, value=None)
    assert await _is(watched, number, "dispatched")
    await look_after_alerts(watched.server.client, watched.ledger, watched.city)
    assert (await watched.closed(number)).outcome == "recovered"


async def test_what_is_well_only_for_a_moment_closes_nothing(watched: Hotline) -> None:
    number = await proactive(watched)
    await follow(watched, await heard(watched, recovered=True, value=None))
    await look_after_alerts(watched.server.client, watched.ledger, watched.city)
    assert await _is(watched, number, "dispatched")
    again = await heard(watched)
    assert (again.case, again.opened) == (number, False)


async def test_a_recovery_is_told_once(watched: Hotline) -> None:
    number = await proactive(watched)
    await watched.take(number, "sign-in")
    await well(watched)
    await look_after_alerts(watched.server.client, watched.ledger, watched.city)
    assert kinds(await watched.events(number)).count("recovered") == 1


async def test_the_result_ends_it_for_there_is_nobody_to_call(watched: Hotline) -> None:
    number = await proactive(watched)
    await watched.take(number, "sign-in")
    await watched.take(number, "submit-result")
    assert (await watched.closed(number)).outcome == "resolved"
    assert kinds(await watched.events(number))[-2:] == ["result_submitted", "closed"]
    anew = await heard(watched)
    assert anew.opened
    assert anew.case != number

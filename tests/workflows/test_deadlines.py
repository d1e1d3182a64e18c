"""Deadlines on the real engine: every rung in time, once, and none that a step has made pointless."""

from datetime import datetime, timedelta
from typing import Any

from domain.deadlines import show
from ledger.models import EventRow
from tests.workflows.hotline import PUNCTUAL, Hotline, kinds, of_type, rungs


def punctual(events: list[EventRow]) -> bool:
    """Whether every escalation happened when it was due, not before."""
    late = [event.at - event.due for event in events if event.kind == "escalated" and event.due]
    return bool(late) and all(timedelta() <= lateness < PUNCTUAL for lateness in late)


async def dispatched(hotline: Hotline, category: str = "help", **more: Any) -> str:
    number = await hotline.receive(category, **more)
    await hotline.take(number, "dispatch", lead="zz-water")
    return number


async def handled(hotline: Hotline, category: str = "help", **more: Any) -> str:
    number = await dispatched(hotline, category, **more)
    await hotline.take(number, "sign-in")
    return number


async def due(hotline: Hotline, number: str) -> datetime:
    """When the nearest limit of a case ends."""
    due = (await hotline.row(number)).due
    assert due is not None
    return due


async def test_nobody_signs_in(hotline: Hotline) -> None:
    number = await dispatched(hotline)
    await hotline.forward(number, timedelta(days=30))
    events = await hotline.events(number)
    assert rungs(events) == ["yellow", "red", "supervision_order", "sign_in_overdue"]
    assert punctual(events)
    assert [measure.action for measure in await hotline.measures(number)] == [
        "supervision_order",
        "discipline_referral",
    ]


async def test_nobody_dispatches(hotline: Hotline) -> None:
    number = await hotline.receive()
    await hotline.forward(number, timedelta(days=30))
    events = await hotline.events(number)
    assert rungs(events, "dispatch") == ["yellow", "red", "supervision_order"]
    assert punctual(events)
    assert [measure.unit for measure in await hotline.measures(number)] == [None]


async def test_nobody_handles(hotline: Hotline) -> None:
    number = await handled(hotline)
    await hotline.forward(number, timedelta(days=60))
    events = await hotline.events(number)
    assert rungs(events, "handling") == [
        "yellow", "red", "supervision_order", "handling_overdue", "joint_meeting", "circular", "interview",
        "government_inspection", "supervision_ignored",
    ]  # fmt: skip
    assert punctual(events)


async def test_the_clocks_of_an_outage_run_in_hours(hotline: Hotline) -> None:
    number = await hotline.receive("complaint", outage=True)
    start = (await hotline.row(number)).received_at
    await hotline.until(number, start + timedelta(hours=2))
    assert rungs(await hotline.events(number), "dispatch") == ["red", "supervision_order"]
    dispatch = (await hotline.take(number, "dispatch", lead="zz-water")).due
    await hotline.until(number, start + timedelta(hours=3, minutes=1))
    events = await hotline.events(number)
    assert rungs(events, "sign_in") == ["red", "supervision_order"]
    assert punctual(events)
    assert dispatch is not None
    assert timedelta() <= dispatch - (start + timedelta(hours=3)) < timedelta(minutes=1)
    opinion = (await hotline.take(number, "sign-in")).due
    assert opinion is not None
    await hotline.until(number, opinion)
    assert rungs(await hotline.events(number), "opinion") == ["red", "supervision_order", "opinion_overdue"]


async def test_an_outage_is_reported_on_every_day_until_a_day_is_missed(hotline: Hotline) -> None:
    number = await handled(hotline, "complaint", outage=True)
    await hotline.take(number, "give-opinion")
    for _ in range(7):
        await hotline.forward(number, timedelta(days=1))
        await hotline.take(number, "report-progress")
    assert rungs(await hotline.events(number), "progress") == []
    await hotline.forward(number, timedelta(days=4))
    events = await hotline.events(number)
    # The first day is not counted: three of the four days were missed; the unit is referred once.
    assert (
        rungs(events, "progress") == ["red", "supervision_order", "progress_missed"] + ["red", "supervision_order"] * 2
    )
    assert punctual(events)


async def test_an_extension_moves_the_deadline(hotline: Hotline) -> None:
    number = await handled(hotline)
    old = await due(hotline, number)
    await hotline.take(number, "request-extension")
    await hotline.take(number, "decide-extension", granted=True)
    new = await due(hotline, number)
    assert new > old
    await hotline.until(number, old)
    assert rungs(await hotline.events(number)) == []
    await hotline.until(number, new)
    events = await hotline.events(number)
    assert rungs(events) == ["yellow", "red", "supervision_order", "extension_overdue"]
    assert punctual(events)


async def test_a_late_result_is_accepted_and_stays_late(hotline: Hotline) -> None:
    number = await handled(hotline)
    await hotline.until(number, await due(hotline, number))
    await hotline.take(number, "submit-result")
    [result] = [event for event in await hotline.events(number) if event.kind == "result_submitted"]
    assert result.due is not None
    assert result.at > result.due
    assert (await hotline.row(number)).breaches == ["handling"]


async def test_a_suspension_ends_by_its_timer(hotline: Hotline) -> None:
    number = await handled(hotline)
    until = (await hotline.now(number)).date() + timedelta(days=20)
    await hotline.take(number, "request-suspension", until=until)
    await hotline.take(number, "decide-suspension", granted=True)
    await hotline.forward(number, timedelta(days=19))
    assert (await hotline.row(number)).status == "suspended"
    await hotline.forward(number, timedelta(days=3))
    [resumed] = [event for event in await hotline.events(number) if event.kind == "resumed"]
    assert (await hotline.row(number)).status == "handling"
    assert resumed.due is not None
    assert show(resumed.due, hotline.city.rulebook.days).startswith(f"{until}")
    assert timedelta() <= resumed.at - resumed.due < PUNCTUAL


async def test_nothing_fires_once_a_case_is_closed(hotline: Hotline) -> None:
    number = await handled(hotline)
    await hotline.take(number, "withdraw")
    await hotline.closed(number)
    assert kinds(await hotline.events(number))[-2:] == ["withdrawn", "closed"]
    history = await hotline.history(number)
    assert len(of_type(history, "TIMER_STARTED")) == len(of_type(history, "TIMER_CANCELED"))


async def test_what_lapsed_before_the_case_could_start_fires_at_once_and_in_order(hotline: Hotline) -> None:
    number = await hotline.receive(ago=timedelta(days=14))
    await hotline.forward(number, timedelta(seconds=5))
    events = await hotline.events(number)
    assert rungs(events) == ["yellow", "red", "supervision_order"]
    assert [event.at > event.due for event in events if event.due] == [True] * 3

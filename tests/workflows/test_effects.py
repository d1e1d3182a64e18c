"""What happens outside when outside systems fail: clocks go on, keys stay the same, a person is told in the end."""

from datetime import timedelta

import pytest

from ledger.models import EventRow, MessageRow
from sandbox.faults import Fault
from tests.workflows.hotline import NOTE, Hotline, Street, eventually, kinds, rungs
from tests.workflows.test_deadlines import punctual


async def failures(hotline: Hotline, number: str) -> list[tuple[str, str | None, str]]:
    """Party, unit and error of every effect that was given up."""
    return [
        (event.facts["party"], event.unit, event.facts["error"])
        for event in await hotline.events(number)
        if event.kind == "effect_failed"
    ]


@pytest.mark.parametrize("fault", [Fault(kind="down"), Fault(kind="error"), Fault(kind="slow", seconds=3)])
async def test_a_broken_gateway_delays_no_deadline(hotline: Hotline, street: Street, fault: Fault) -> None:
    # Without skipping: a clock cannot be wound forward while an activity is being tried again.
    await street.fault("sms", fault)
    number = await hotline.receive("complaint", outage=True, ago=timedelta(hours=2) - timedelta(seconds=1))
    events = await eventually(lambda: escalated(hotline, number))
    assert rungs(events, "dispatch") == ["red", "supervision_order"]
    assert punctual(events)
    assert "sent" not in [message.status for message in await hotline.messages(number) if message.party == "citizen"]


async def escalated(hotline: Hotline, number: str) -> list[EventRow]:
    events = await hotline.events(number)
    return events if "escalated" in kinds(events) else []


async def test_retries_carry_the_same_key_and_arrive_once(hasty: Hotline, street: Street) -> None:
    await street.fault("sms", Fault(kind="error", times=2))
    number = await hasty.receive()
    [text] = await eventually(lambda: street.received("sms", number))
    assert (text["key"], text["attempts"]) == (f"{number}:1:citizen::received", 1)
    [message] = await eventually(lambda: sent(hasty, number))
    assert (message.key, message.attempts, message.error) == (text["key"], 3, None)


async def sent(hotline: Hotline, number: str) -> list[MessageRow]:
    return [message for message in await hotline.messages(number) if message.status == "sent"]


async def test_a_party_that_stays_down_is_reported_and_the_case_goes_on(hasty: Hotline, street: Street) -> None:
    await street.fault("sms", Fault(kind="down"))
    number = await hasty.receive()
    assert await eventually(lambda: failures(hasty, number)) == [("citizen", None, "unreachable")]
    [message] = await hasty.messages(number)
    assert (message.status, message.error) == ("sending", "unreachable")
    await hasty.take(number, "dispatch", lead="zz-water")
    assert kinds(await hasty.events(number)) == ["received", "effect_failed", "dispatched"]


async def test_a_failure_after_closing_is_in_the_ledger_before_the_workflow_ends(
    hasty: Hotline, street: Street
) -> None:
    await street.fault("sms", Fault(kind="error"))
    number = await hasty.receive()
    await hasty.take(number, "withdraw")
    await hasty.closed(number)
    assert kinds(await hasty.events(number)) == ["received", "withdrawn", "closed", "effect_failed", "effect_failed"]
    assert await failures(hasty, number) == [("citizen", None, "http_500")] * 2


async def test_a_unit_whose_system_is_down_keeps_nobody_else_waiting(hotline: Hotline, street: Street) -> None:
    await street.fault("water", Fault(kind="down"))
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water", assisting=("zz-heat",))
    assert await eventually(lambda: street.received("heat", number))
    assert await eventually(lambda: street.received("grid", number))
    assert await eventually(lambda: street.received("sms", number))
    await street.fault("water", Fault())
    [order] = await eventually(lambda: street.received("water", number))
    assert order["kind"] == "dispatch"


async def test_what_a_gateway_delivers_twice_is_one_message(hotline: Hotline, street: Street) -> None:
    await street.fault("sms", Fault(kind="duplicate"))
    number = await hotline.receive()
    [message] = await eventually(lambda: sent(hotline, number))
    [text] = await street.received("sms", number)
    assert (text["key"], text["attempts"]) == (message.key, 2)


async def test_a_recall_never_overtakes_its_order(hasty: Hotline, street: Street) -> None:
    await street.fault("water", Fault(kind="error", times=2))
    number = await hasty.receive()
    await hasty.take(number, "dispatch", lead="zz-water")
    await hasty.take(number, "redispatch", lead="zz-heat")
    assert [order["kind"] for order in await eventually(lambda: street.received("heat", number))] == ["dispatch"]

    async def two() -> list[str]:
        orders = [order["kind"] for order in await street.received("water", number)]
        return orders if len(orders) == 2 else []

    assert await eventually(two) == ["dispatch", "recall"]


async def test_an_order_that_is_refused_is_reported_at_once(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch, street: Street
) -> None:
    # Whoever takes texts finds no order to their liking.
    monkeypatch.setenv("JIESU_ENDPOINT_WATER", f"{street.addresses['sms']}/messages?of=")
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    assert await eventually(lambda: failures(hotline, number)) == [("unit", "zz-water", "http_422")]
    [order] = [message for message in await hotline.messages(number) if message.party == "unit"]
    assert (order.status, order.attempts, order.error) == ("failed", 1, "http_422")


async def test_an_order_that_was_refused_is_sent_again_when_a_dispatcher_says_so(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch, street: Street
) -> None:
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water", assisting=("zz-heat",))
    for step in ("sign-in", "submit-result"):
        await hotline.take(number, step)
    monkeypatch.setenv("JIESU_ENDPOINT_WATER", f"{street.addresses['sms']}/messages?of=")
    words = (await hotline.command(number, "submit-result", "zz-water")).note
    await hotline.take(number, "rate", rating=1, solved=False, contacted=True, note=words)

    async def refused(times: int) -> bool:
        return len(await failures(hotline, number)) == times

    await eventually(lambda: refused(1))
    await hotline.take(number, "resend")
    await eventually(lambda: refused(2))
    monkeypatch.setenv("JIESU_ENDPOINT_WATER", street.addresses["water"])
    await hotline.take(number, "resend")

    async def orders() -> list[str]:
        found = [order for order in await hotline.messages(number) if (order.unit, order.text) == ("zz-water", NOTE)]
        return [order.status for order in found] if "sent" in {order.status for order in found} else []

    assert await eventually(orders) == ["failed", "failed", "sent"]
    assert [order["kind"] for order in await street.received("water", number)] == ["dispatch", "rework"]
    assert len(await street.received("heat", number)) == 1


async def test_a_lane_that_was_stuck_for_days_when_its_case_closed_does_not_wait_days_for_each_effect(
    hasty: Hotline, street: Street
) -> None:
    await street.fault("water", Fault(kind="down"))
    number = await hasty.receive()
    await hasty.take(number, "dispatch", lead="zz-water")
    for _ in range(3):
        await hasty.take(number, "hurry")

    started = await hasty.now(number)
    await hasty.take(number, "withdraw")
    await hasty.closed(number)
    # The last are given so little time that not even a refused connection may be heard of. The order itself is dropped,
    # unless it was given up before the case was closed.
    failed = await failures(hasty, number)
    assert len(failed) in (4, 5)
    assert {(party, unit) for party, unit, _ in failed} == {("unit", "zz-water")}
    assert {error for _, _, error in failed} <= {"unreachable", "timeout"}
    assert await hasty.now(number) - started < timedelta(seconds=12)

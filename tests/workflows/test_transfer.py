"""A transfer in the engine: told to its partner by real HTTP, waited for, and seen by the hotline if unanswered."""

import asyncio
from datetime import timedelta

import httpx2

from domain.limits import Limit
from domain.steps.transfer import Terms
from ledger.systems import known_systems
from sandbox.faults import Fault
from tests.workflows.hotline import Hotline, Street, eventually, kinds, of_type, rungs
from tests.workflows.test_effects import failures

TERMS = Terms(name="110报警服务台", within=Limit.parse("10min"))


async def told(street: Street, number: str) -> list[str]:
    """What the system of 110 has received of a case."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        found = await http.get(f"{street.addresses['office']}/partners/110/transfers?case={number}")
    return [entry.get("notice") or entry["type"] for entry in found.json()]


async def test_a_partner_that_does_not_answer_is_seen_by_the_hotline(hotline: Hotline, street: Street) -> None:
    number = await hotline.receive()
    await hotline.take(number, "transfer", to="110", terms=TERMS)
    await eventually(lambda: told(street, number))
    await hotline.until(number, await hotline.now(number) + timedelta(minutes=10))
    await eventually(lambda: _red(hotline, number))
    row = await hotline.row(number)
    assert (row.status, row.breached, row.due_clock) == ("transferring", True, "acknowledgement")
    assert await hotline.measures(number) == []
    timers = [
        event.user_metadata.summary.data.decode() for event in of_type(await hotline.history(number), "TIMER_STARTED")
    ]
    assert any("转接确认时限" in timer for timer in timers), timers

    await hotline.take(number, "refuse-transfer")
    await hotline.take(number, "dispatch", lead="zz-water")
    dispatched = (await hotline.events(number))[-1]
    assert (dispatched.kind, dispatched.clock) == ("dispatched", "dispatch")
    assert dispatched.due is not None
    assert dispatched.due > dispatched.at


async def _red(hotline: Hotline, number: str) -> bool:
    return rungs(await hotline.events(number), "acknowledgement") == ["red"]


async def test_a_partner_that_is_down_is_told_when_it_is_back(hotline: Hotline, street: Street) -> None:
    await street.fault("office", Fault(kind="error", times=2))
    number = await hotline.receive()
    await hotline.take(number, "transfer", to="110", terms=TERMS)
    await hotline.take(number, "hurry")
    assert await eventually(lambda: _told(street, number, 2)) == ["transfer", "hurried"]
    await hotline.take(number, "acknowledge-transfer")
    assert (await hotline.closed(number)).outcome == "transferred"


async def test_a_partner_down_longer_than_our_patience_is_reported_once_and_told_as_long_as_it_may_take_the_case(
    hasty: Hotline, street: Street
) -> None:
    await street.fault("office", Fault(kind="down"))
    number = await hasty.receive()
    await hasty.take(number, "transfer", to="110", terms=TERMS)
    await eventually(lambda: failures(hasty, number))
    [row] = await hasty.ledger.run(known_systems, down=True)
    assert (row["system"], row["last_error"]) == ("110", "unreachable")
    # Longer than another round, after which nothing is reported again.
    await asyncio.sleep(4)
    assert await failures(hasty, number) == [("partner", None, "unreachable")]
    await street.fault("office", Fault())
    await eventually(lambda: _told(street, number, 1))


async def test_a_partner_that_is_down_does_not_hold_a_case_that_it_took_on_the_phone(
    hasty: Hotline, street: Street
) -> None:
    await street.fault("office", Fault(kind="down"))
    number = await hasty.receive()
    await hasty.take(number, "transfer", to="110", terms=TERMS)
    await eventually(lambda: failures(hasty, number))
    await hasty.take(number, "acknowledge-transfer")
    assert (await hasty.closed(number)).outcome == "transferred"


async def _told(street: Street, number: str, times: int) -> list[str] | None:
    found = await told(street, number)
    return found if len(found) == times else None


async def test_who_is_told_on_the_phone_is_sent_nothing(hotline: Hotline, street: Street) -> None:
    number = await hotline.receive()
    await hotline.take(number, "transfer", to="119", terms=Terms(name="119", within=TERMS.within))
    await hotline.take(number, "acknowledge-transfer")
    await hotline.closed(number)
    assert "effect_failed" not in kinds(await hotline.events(number))
    assert [message.party for message in await hotline.messages(number)] == ["citizen", "citizen"]

"""A transfer in the engine: told to its partner by real HTTP, waited for, and seen by the hotline if unanswered."""

from datetime import timedelta

import httpx2

from domain.limits import Limit
from domain.steps.transfer import Terms
from sandbox.faults import Fault
from tests.workflows.hotline import Hotline, Street, eventually, kinds, of_type, rungs

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

"""What a unit's Open311 server says of an order becomes the unit's steps in the case."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from domain.city import City
from ledger.database import Ledger
from tests.workflows.conftest import GUARDED
from tests.workflows.hotline import Hotline, Street, eventually, kinds
from tests.workflows.open311.unit_server import (
    GAS,
    POLL,
    Server,
    dispatched,
    ended,
    failing,
    following,
    text_of,
    until,
    with_server,
)


async def test_a_case_goes_from_dispatch_to_result_by_what_the_server_says(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger, gas: Server
) -> None:
    async with AsyncExitStack() as stack:
        hotline = await Hotline.open(stack, server, with_server(city), ledger, runner=GUARDED)
        number = await dispatched(hotline)
        id = await gas.arrived(number)
        await until(hotline, number, "signed_in")
        await gas.note(id, notes="已派维修人员")
        await until(hotline, number, "progress_reported")
        await gas.note(id, "closed", "阀门已更换")
        events = await until(hotline, number, "result_submitted")
        assert kinds(events)[2:] == ["signed_in", "progress_reported", "result_submitted"]
        assert [await text_of(hotline, event) for event in events[3:]] == ["已派维修人员", "阀门已更换"]
        assert {(event.role, event.actor_id, event.unit) for event in events[2:]} == {("unit", f"open311:{GAS}", GAS)}
        await ended(hotline, number)
        [order] = [message for message in await hotline.messages(number) if message.party == "unit"]
        assert (order.status, order.reference) == ("sent", id)


async def test_an_assisting_unit_reports_and_answers_nobody(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline, "zz-water", (GAS,))
    id = await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await hotline.take(number, "sign-in", unit="zz-water")
    await gas.note(id, "closed", "已配合关阀")
    events = await until(hotline, number, "progress_reported")
    assert (events[-1].unit, await text_of(hotline, events[-1])) == (GAS, "已配合关阀")
    await ended(hotline, number)
    assert "result_submitted" not in kinds(await hotline.events(number))


async def test_an_order_closed_while_the_matter_is_put_off_is_answered_when_it_is_taken_up(
    hotline: Hotline, gas: Server
) -> None:
    number = await dispatched(hotline)
    id = await gas.arrived(number)
    await until(hotline, number, "signed_in")
    day = (await hotline.now(number)).date() + timedelta(days=30)
    await hotline.take(number, "request-suspension", unit=GAS, until=day)
    await hotline.take(number, "decide-suspension", granted=True)
    await gas.note(id, "closed", "已修复")
    await failing(hotline, number, "open")
    assert "result_submitted" not in kinds(await hotline.events(number))
    await hotline.take(number, "resume")
    await until(hotline, number, "result_submitted")


async def test_words_that_come_back_are_no_news(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    id = await gas.arrived(number)

    async def told() -> list[str]:
        events = [event for event in await hotline.events(number) if event.kind == "progress_reported"]
        return [await text_of(hotline, event) for event in events]

    async def heard(words: str) -> bool:
        return words in await told()

    for words in ("已派人", "已到场"):
        await gas.note(id, "open", words)
        await eventually(partial(heard, words))
    await gas.note(id, "open", "已派人")
    await asyncio.sleep(3 * POLL)
    assert await told() == ["已派人", "已到场"]


async def test_a_status_of_the_units_own_is_progress_and_no_end(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    await gas.note(await gas.arrived(number), "In Progress", "已派人")
    events = await until(hotline, number, "progress_reported")
    assert (kinds(events)[2:], await text_of(hotline, events[-1])) == (
        ["signed_in", "progress_reported"],
        "in progress：已派人",
    )


async def test_a_unit_that_loses_the_order_is_not_followed(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await hotline.take(number, "redispatch", lead="zz-water")
    await ended(hotline, number)


async def test_looking_adds_nothing_to_any_history(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    id = await gas.arrived(number)
    await until(hotline, number, "signed_in")
    case = len((await hotline.history(number)).events)

    async def often() -> bool:
        known = await following(hotline, number).describe()
        return any(look.attempt > 3 for look in known.raw_description.pending_activities)

    await eventually(often)
    assert len((await hotline.history(number)).events) == case
    await gas.note(id, "closed", "已修复")
    await ended(hotline, number)
    assert len((await following(hotline, number).fetch_history()).events) < 15


async def test_whoever_ends_the_following_of_an_order_ends_it(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await following(hotline, number).cancel()

    async def over() -> bool:
        known = await following(hotline, number).describe()
        return bool(known.status is WorkflowExecutionStatus.CANCELED)

    await eventually(over)

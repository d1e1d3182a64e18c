"""Open311 servers that fail, talk nonsense, forget or move lose no order, and people hear of it."""

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from domain.city import City
from domain.effects import Effect, Party
from ledger.database import Ledger
from ledger.systems import known_systems
from sandbox.open311 import Behaviour
from temporal.following import TemporalEngine
from tests.workflows.hotline import Hotline, Street, eventually, kinds, of_type
from tests.workflows.open311.unit_server import GAS, Server, dispatched, ended, failing, following, until, with_server


@pytest.mark.parametrize("how", ["failing", "slow"])
async def test_a_server_in_trouble_loses_no_order_and_is_asked_again(
    hotline: Hotline, gas: Server, how: Behaviour
) -> None:
    await gas.behave(how)
    number = await dispatched(hotline)
    id = await gas.arrived(number)
    await gas.behave("well")
    await until(hotline, number, "signed_in")
    await gas.behave(how)
    await gas.note(id, "closed", "已修复")
    await gas.behave("well")
    await until(hotline, number, "result_submitted")
    assert list(await gas.filed(number)) == [id]


async def test_a_server_that_talks_nonsense_is_down_and_asked_again(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    id = await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await gas.behave("malformed")
    await gas.note(id, "closed", "已修复")
    before = (await hotline.events(number))[-1].n
    await failing(hotline, number, "malformed")
    assert [row["system"] for row in await hotline.ledger.run(known_systems, down=True)] == ["gas311"]
    assert (await hotline.events(number))[-1].n == before
    await gas.behave("well")
    await until(hotline, number, "result_submitted")


async def test_a_server_that_fails_to_say_how_orders_stand_is_known_to_be_down_until_it_says_so(
    hotline: Hotline, gas: Server
) -> None:
    number = await dispatched(hotline)
    await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await gas.behave("failing")

    async def down() -> list[str]:
        return [row["system"] for row in await hotline.ledger.run(known_systems, down=True)]

    async def back() -> bool:
        return not await down()

    assert await eventually(down) == ["gas311"]
    await gas.behave("well")
    await eventually(back)


async def test_an_order_of_which_the_server_says_nothing_that_is_understood_is_reported_once(
    hotline: Hotline, gas: Server
) -> None:
    number, another = await dispatched(hotline), await dispatched(hotline)
    id = await gas.arrived(number)
    await gas.note(id, "")
    events = await until(hotline, number, "effect_failed")
    assert (events[-1].unit, events[-1].facts["error"]) == (GAS, "malformed")
    await until(hotline, another, "signed_in")
    assert await hotline.ledger.run(known_systems, down=True) == []
    await gas.note(id, "closed", "已修复")
    events = await until(hotline, number, "result_submitted")
    assert kinds(events).count("effect_failed") == 1


async def test_a_request_that_vanishes_is_reported_once_and_looked_for(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    id = await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await gas.lose(id)
    events = await until(hotline, number, "effect_failed")
    assert (events[-1].unit, events[-1].facts["error"]) == (GAS, "vanished")
    await failing(hotline, number, "http_404")
    await failing(hotline, number, "http_404")
    assert kinds(await hotline.events(number)).count("effect_failed") == 1


async def test_one_that_vanishes_after_it_was_late_is_reported_too(
    server: WorkflowEnvironment, street: Street, hasty_city: City, ledger: Ledger, gas: Server
) -> None:
    async with AsyncExitStack() as stack:
        hasty = await Hotline.open(stack, server, with_server(hasty_city), ledger)
        await gas.behave("failing")
        number = await dispatched(hasty)
        assert (await until(hasty, number, "effect_failed"))[-1].facts["error"] == "http_500"
        await gas.behave("well")
        await until(hasty, number, "signed_in")
        await gas.lose(await gas.arrived(number))

        async def errors() -> list[str]:
            found = [event.facts["error"] for event in await hasty.events(number) if event.kind == "effect_failed"]
            return found if len(found) > 1 else []

        assert await eventually(errors) == ["http_500", "vanished"]


async def test_an_order_is_followed_on_the_queue_that_its_system_has_now(
    server: WorkflowEnvironment,
    street: Street,
    city: City,
    ledger: Ledger,
    gas: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workflows.follow.UNATTENDED", timedelta(seconds=1))
    monkeypatch.setenv("JIESU_ENDPOINT_OLD", f"{street.addresses['gas']}/open311/v2")
    async with AsyncExitStack() as stack:
        hotline = await Hotline.open(stack, server, with_server(city, "JIESU_ENDPOINT_OLD"), ledger)
        number = await dispatched(hotline)
        id = await gas.arrived(number)
        await until(hotline, number, "signed_in")
    async with AsyncExitStack() as stack:
        await Hotline.open(stack, server, with_server(city), ledger, task_queue=hotline.task_queue)
        await eventually(lambda: looks_on(hotline, number, "gas311"))
        await gas.note(id, "closed", "已修复")
        await until(hotline, number, "result_submitted")
        await ended(hotline, number)


async def looks_on(hotline: Hotline, number: str, system: str) -> bool:
    history = await following(hotline, number).fetch_history()
    last = of_type(history, "ACTIVITY_TASK_SCHEDULED")[-1].activity_task_scheduled_event_attributes
    return bool(last.task_queue.name == f"{hotline.task_queue}.{system}")


async def test_an_engine_that_does_not_answer_is_asked_again(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temporal.following.PATIENCE", timedelta(seconds=1))
    async with AsyncExitStack() as stack:
        hotline = await Hotline.open(stack, server, city, ledger)
        number = await hotline.receive()
    order = Effect(key=f"{number}:2:unit:{GAS}:dispatch", case=number, event=2, party=Party.UNIT, kind="dispatch")
    with pytest.raises(ApplicationError) as unanswered:
        await TemporalEngine(server.client, ledger, hotline.task_queue).report(order, "vanished")
    assert (unanswered.value.type, unanswered.value.non_retryable) == ("unanswered", False)

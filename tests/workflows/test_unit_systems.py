"""Units that are systems: what one of them does wrong is its own affair, and what it missed it gets in the end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from temporalio.testing import WorkflowEnvironment

from activities.watch import Watch
from domain.city import City
from ledger.database import Ledger
from ledger.models import MessageRow
from ledger.systems import known_systems
from sandbox.faults import Fault
from tests.workflows.conftest import GUARDED, trying
from tests.workflows.hotline import Hotline, Street, eventually, kinds, of_type
from tests.workflows.test_effects import failures
from tests.workflows.test_web_page import page

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def system(answer: Answer) -> AsyncIterator[str]:
    """A unit's system that answers orders in a way of its own; its address."""
    app = web.Application()
    app.router.add_post("/orders", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def of_units(hotline: Hotline, number: str) -> dict[str, MessageRow]:
    """The orders of a case by unit."""
    return {str(row.unit): row for row in await hotline.messages(number) if row.party == "unit"}


async def test_of_two_units_on_a_case_each_has_its_own_send_state(hotline: Hotline, street: Street) -> None:
    await street.fault("water", Fault(kind="down"))
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water", assisting=("zz-heat",))

    async def heat_told() -> bool:
        orders = await of_units(hotline, number)
        return "zz-heat" in orders and orders["zz-heat"].status == "sent" and orders["zz-water"].attempts > 1

    await eventually(heat_told)
    orders = await of_units(hotline, number)
    assert (orders["zz-water"].status, orders["zz-water"].error) == ("sending", "unreachable")
    assert orders["zz-water"].sent_at is None
    assert orders["zz-heat"].error is None
    assert "未送达，正在重试：通知承办单位 zz-water：派单" in await page(hotline, number)
    await street.fault("water", Fault())

    async def water_told() -> bool:
        return (await of_units(hotline, number))["zz-water"].status == "sent"

    await eventually(water_told)

    async def seen() -> bool:
        return "未送达" not in await page(hotline, number)

    await eventually(seen)
    [order] = await street.received("heat", number)
    assert order["attempts"] == 1


async def test_a_unit_down_longer_than_our_patience_is_reported_once_and_gets_all_its_orders_in_order(
    hasty: Hotline, street: Street
) -> None:
    await street.fault("water", Fault(kind="down"))
    number = await hasty.receive()
    await hasty.take(number, "dispatch", lead="zz-water")
    await hasty.take(number, "hurry")
    await hasty.take(number, "supplement")
    assert await eventually(lambda: failures(hasty, number)) == [("unit", "zz-water", "unreachable")]
    # Longer than another round, after which nothing is reported again.
    await asyncio.sleep(4)
    assert len(await failures(hasty, number)) == 1
    await street.fault("water", Fault())

    async def three() -> list[str]:
        orders = [order["notice"] or order["kind"] for order in await street.received("water", number)]
        return orders if len(orders) == 3 else []

    assert await eventually(three) == ["dispatch", "hurried", "supplemented"]
    assert "effect_failed" in kinds(await hasty.events(number))


async def test_an_order_waits_until_the_address_of_its_system_is_put_right(
    hotline: Hotline, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = street.addresses["water"]
    monkeypatch.setenv("JIESU_ENDPOINT_WATER", f"{right}/moved")
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")

    async def down() -> list[tuple[str, str]]:
        return [(row["system"], row["last_error"]) for row in await hotline.ledger.run(known_systems, down=True)]

    assert await eventually(down) == [("water", "http_404")]
    monkeypatch.setenv("JIESU_ENDPOINT_WATER", right)
    assert [order["kind"] for order in await eventually(lambda: street.received("water", number))] == ["dispatch"]


async def test_an_order_whose_case_is_over_is_not_sent_any_more(hotline: Hotline, street: Street) -> None:
    await street.fault("water", Fault(kind="down"))
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    await hotline.take(number, "sign-in")
    await hotline.take(number, "withdraw")
    await street.fault("water", Fault())

    async def settled() -> list[tuple[str, str]]:
        found = [(row.template, row.status) for row in await hotline.messages(number) if row.party == "unit"]
        return [] if "sending" in {status for _, status in found} or len(found) < 2 else sorted(found)

    assert await eventually(settled) == [("dispatch", "dropped"), ("withdrawn", "sent")]
    assert [order["notice"] for order in await street.received("water", number)] == ["withdrawn"]
    assert (await hotline.closed(number)).outcome == "withdrawn"


async def test_a_hanging_unit_is_told_on_a_queue_of_its_own_and_others_do_not_wait(
    hotline: Hotline, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await hanging.wait()
        return web.json_response({})

    async with system(hang) as address:
        monkeypatch.setenv("JIESU_ENDPOINT_HEAT", address)
        numbers = [await hotline.receive() for _ in range(6)]
        for number in numbers:
            await hotline.take(number, "dispatch", lead="zz-heat")
        # The first tries end after two seconds; what follows them holds slots of the system's queue alone.
        await asyncio.sleep(3)
        started = asyncio.get_running_loop().time()
        other = await hotline.receive()
        await hotline.take(other, "dispatch", lead="zz-water", assisting=("zz-heat",))
        await eventually(lambda: street.received("water", other))
        assert asyncio.get_running_loop().time() - started < 2
        queues = {
            event.activity_task_scheduled_event_attributes.task_queue.name
            for event in of_type(await hotline.history(numbers[0]), "ACTIVITY_TASK_SCHEDULED")
        }
        assert queues == {hotline.task_queue, f"{hotline.task_queue}.heat"}
        hanging.set()

        async def all_told() -> bool:
            return all([(await of_units(hotline, number))["zz-heat"].status == "sent" for number in numbers])

        await eventually(all_told)


async def test_nobody_knocks_at_a_busy_unit_before_the_moment_it_named(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = asyncio.get_running_loop().time
    knocks: list[tuple[float, int]] = []

    async def busy_at_first(_: web.Request) -> web.Response:
        knocks.append((clock(), 201 if len(knocks) else 503))
        return web.json_response({}, status=knocks[-1][1], headers={"Retry-After": "3"})

    async with system(busy_at_first) as address:
        monkeypatch.setenv("JIESU_ENDPOINT_GAS", address)
        numbers = [await hotline.receive() for _ in range(3)]
        for number in numbers:
            await hotline.take(number, "dispatch", lead="zz-gas")

        async def all_told() -> bool:
            orders = [(await of_units(hotline, number)).get("zz-gas") for number in numbers]
            return all(order is not None and order.status == "sent" for order in orders)

        await eventually(all_told)
    (first, status), (second, _), *_ = knocks
    assert status == 503
    assert len(knocks) == 4
    assert second - first >= 3


async def test_a_queue_that_nobody_polls_any_more_is_left_for_the_main_queue(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.case.UNATTENDED", timedelta(seconds=2))
    await street.fault("water", Fault(kind="down"))
    renamed = {
        code: unit.model_copy(update={"endpoint": "JIESU_ENDPOINT_OLD"}) if code == "zz-water" else unit
        for code, unit in city.units.items()
    }
    async with AsyncExitStack() as stack:
        hotline = await Hotline.open(stack, server, city.model_copy(update={"units": renamed}), ledger)
        number = await hotline.receive()
        await hotline.take(number, "dispatch", lead="zz-water")

        async def waits() -> bool:
            return "zz-water" in await of_units(hotline, number)

        await eventually(waits)
    async with AsyncExitStack() as stack:
        await Hotline.open(stack, server, city, ledger, task_queue=hotline.task_queue)
        await street.fault("water", Fault())
        [order] = await eventually(lambda: street.received("water", number), patience=30)
    assert order["kind"] == "dispatch"


async def test_a_system_is_reported_once_and_once_that_it_is_back(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="jiesu.systems")
    watches = [Watch(ledger, city) for _ in range(2)]

    async def reports() -> list[tuple[int, str]]:
        await asyncio.gather(*(watch.report() for watch in watches))
        return [(record.levelno, record.message) for record in caplog.records if record.name == "jiesu.systems"]

    async with AsyncExitStack() as stack:
        hotline = await Hotline.open(stack, server, trying(city, longest_pause="1s"), ledger, runner=GUARDED)
        await street.fault("water", Fault(kind="error"))
        number = await hotline.receive()
        await hotline.take(number, "dispatch", lead="zz-water")
        [(level, message)] = await eventually(reports)
        assert level == logging.ERROR
        assert message.startswith("system water is down since ")
        assert message.endswith("(http_500); messages waiting: 1")
        assert len(await reports()) == 1
        await street.fault("water", Fault())

        async def back() -> Any:
            return [message for level, message in await reports() if level == logging.INFO]

        [message] = await eventually(back)
        assert message.startswith("system water is back; it was down since ")
        assert len(await reports()) == 2
    [row] = await ledger.run(known_systems)
    assert (row["down_since"], row["failures"]) == (None, 0)
    assert row["back_at"] is not None

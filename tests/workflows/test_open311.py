"""Units that run an Open311 server: an order is filed there once, and what the server says of it becomes steps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.following import DONE
from domain.city import City
from domain.effects import Effect, Party
from domain.roles import Actor, Role
from domain.units import Unit
from ledger.database import Ledger
from ledger.models import EventRow
from ledger.notes import get_note, put_note
from ledger.systems import known_systems
from sandbox.open311 import Behaviour
from temporal.following import Following
from tests.workflows.conftest import GUARDED
from tests.workflows.hotline import PERSONAL, Hotline, Street, eventually, kinds, of_type

GAS = "zz-gas"
POLL = 0.2


class Server:
    """The gas company's Open311 server, as its clerks see it."""

    def __init__(self, address: str, http: httpx2.AsyncClient) -> None:
        self._address, self._http = address, http

    async def filed(self, number: str) -> dict[str, dict[str, Any]]:
        """What was filed about a case, by id."""
        requests = (await self._http.get(f"{self._address}/open311/requests")).json()
        return {id: request for id, request in requests.items() if number in request["form"]["description"]}

    async def arrived(self, number: str, count: int = 1) -> str:
        """Wait for the request; its id, of several the latest."""

        async def all_there() -> list[str]:
            ids = list(await self.filed(number))
            return ids if len(ids) == count else []

        return str((await eventually(all_there))[-1])

    async def request(self, number: str) -> dict[str, Any]:
        """Wait for the request; what was sent."""
        id = await self.arrived(number)
        return (await self.filed(number))[id]

    async def note(self, id: str, status: str = "open", notes: str | None = None) -> None:
        news = {"status": status, "status_notes": notes}
        (await self._http.put(f"{self._address}/open311/requests/{id}", json=news)).raise_for_status()

    async def lose(self, id: str) -> None:
        (await self._http.delete(f"{self._address}/open311/requests/{id}")).raise_for_status()

    async def behave(self, how: Behaviour) -> None:
        (await self._http.put(f"{self._address}/open311/behaviour/{how}")).raise_for_status()


@pytest.fixture
async def gas(street: Street, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setenv("JIESU_ENDPOINT_GAS311", f"{street.addresses['gas']}/open311/v2")
    monkeypatch.setenv("JIESU_SECRET_GAS311", "key-of-the-hotline")
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        server = Server(street.addresses["gas"], http)
        yield server
        await server.behave("well")


def with_server(city: City, endpoint: str = "JIESU_ENDPOINT_GAS311") -> City:
    """The city, its gas company running an Open311 server."""
    unit = Unit(
        code=GAS, name="市燃气公司", kind="gas", reach="open311", endpoint=endpoint,
        secret="JIESU_SECRET_GAS311", services={"other": "gas-other", "gas-leak": "g-1"}, poll=POLL,
    )  # fmt: skip
    return city.model_copy(update={"units": city.units | {GAS: unit}})


@pytest.fixture
async def hotline(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger, gas: Server
) -> AsyncIterator[Hotline]:
    """The whole engine, in a city whose gas company runs an Open311 server."""
    async with AsyncExitStack() as stack:
        yield await Hotline.open(stack, server, with_server(city), ledger, runner=GUARDED)


async def dispatched(hotline: Hotline, lead: str = GAS, assisting: tuple[str, ...] = (), **more: Any) -> str:
    number = await hotline.receive(**more)
    await hotline.take(number, "dispatch", lead=lead, assisting=assisting)
    return number


async def until(hotline: Hotline, number: str, kind: str) -> list[EventRow]:
    """Wait until something has happened to a case; all that has by then."""

    async def happened() -> list[EventRow]:
        events = await hotline.events(number)
        return events if kind in kinds(events) else []

    found: list[EventRow] = await eventually(happened)
    return found


async def text_of(hotline: Hotline, event: EventRow) -> str:
    async with hotline.ledger.session() as session:
        note = await get_note(session, event.note or "")
    return note.text if note else ""


def following(hotline: Hotline, number: str, event: int = 2) -> Any:
    return hotline.server.client.get_workflow_handle(f"{number}/{GAS}/{event}")


async def ended(hotline: Hotline, number: str, event: int = 2) -> None:
    """Wait until an order is followed no more."""

    async def over() -> bool:
        known = await following(hotline, number, event).describe()
        return bool(known.status is WorkflowExecutionStatus.COMPLETED)

    await eventually(over)


async def test_a_case_goes_from_dispatch_to_result_by_what_the_server_says(hotline: Hotline, gas: Server) -> None:
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


async def test_the_request_says_what_the_unit_must_know(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline, longitude=113.62, latitude=34.75, vulnerable=["elderly"], item="gas-leak")
    request = await gas.request(number)
    description = request["form"].pop("description").splitlines()
    assert description == [f"12345热线工单{number}", "请上门走访：老年人", PERSONAL["title"], PERSONAL["text"]]
    assert request["form"] == {
        "api_key": "key-of-the-hotline",
        "service_code": "g-1",
        "address_string": PERSONAL["address"],
        "lat": "34.75",
        "long": "113.62",
        "first_name": PERSONAL["name"],
        "phone": PERSONAL["phone"],
    }
    assert request["key"].startswith(f"{number}:")
    await until(hotline, number, "signed_in")


async def test_a_withheld_identity_does_not_go_there(hotline: Hotline, gas: Server) -> None:
    text = f"我是{PERSONAL['name']}，电话{PERSONAL['phone']}"
    number = await dispatched(hotline, withheld=True, text=text)
    request = await gas.request(number)
    assert PERSONAL["name"] not in str(request)
    assert PERSONAL["phone"] not in str(request)
    assert request["form"]["service_code"] == "gas-other"
    await until(hotline, number, "signed_in")


async def test_a_long_request_is_cut_to_what_the_protocol_takes(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline, text="煤" * 4000)
    request = await gas.request(number)
    assert len(request["form"]["description"]) == 4000
    await until(hotline, number, "signed_in")


async def test_a_token_is_exchanged_when_the_server_is_ready(hotline: Hotline, gas: Server) -> None:
    await gas.behave("token")
    number = await dispatched(hotline)
    id = await gas.arrived(number)

    async def noted() -> bool:
        return any((message.reference or "").startswith("token:") for message in await hotline.messages(number))

    await eventually(noted)
    assert "signed_in" not in kinds(await hotline.events(number))
    await gas.behave("well")
    await until(hotline, number, "signed_in")
    assert [message.reference for message in await hotline.messages(number) if message.party == "unit"] == [id]


async def test_a_request_closed_before_anybody_looked_is_signed_in_and_answered(hotline: Hotline, gas: Server) -> None:
    await gas.behave("token")
    number = await dispatched(hotline)
    await gas.note(await gas.arrived(number), "closed")
    await gas.behave("well")
    events = await until(hotline, number, "result_submitted")
    assert kinds(events)[2:] == ["signed_in", "result_submitted"]
    assert await text_of(hotline, events[-1]) == DONE


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


async def test_an_order_taken_without_a_reference_is_left_to_people(hotline: Hotline, gas: Server) -> None:
    await gas.behave("malformed")
    number = await dispatched(hotline)
    events = await until(hotline, number, "effect_failed")
    assert (events[-1].unit, events[-1].facts["error"]) == (GAS, "malformed")
    await ended(hotline, number)


async def test_a_server_that_talks_nonsense_is_asked_again(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    id = await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await gas.behave("malformed")
    await gas.note(id, "closed", "已修复")
    before = (await hotline.events(number))[-1].n
    await failing(hotline, number, "malformed")
    assert (await hotline.events(number))[-1].n == before
    await gas.behave("well")
    await until(hotline, number, "result_submitted")


async def failing(hotline: Hotline, number: str, error: str) -> None:
    """Wait until a look has failed in this way."""

    async def failed() -> bool:
        known = await following(hotline, number).describe()
        looks = known.raw_description.pending_activities
        return any(look.last_failure.application_failure_info.type == error for look in looks)

    await eventually(failed)


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


async def test_an_order_is_followed_on_the_queue_that_its_system_has_now(
    server: WorkflowEnvironment,
    street: Street,
    city: City,
    ledger: Ledger,
    gas: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workflows.follow.UNATTENDED", timedelta(seconds=2))
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


async def test_whoever_ends_the_following_of_an_order_ends_it(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await following(hotline, number).cancel()

    async def over() -> bool:
        known = await following(hotline, number).describe()
        return bool(known.status is WorkflowExecutionStatus.CANCELED)

    await eventually(over)


async def test_an_engine_that_does_not_answer_is_asked_again(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temporal.following.PATIENCE", timedelta(seconds=1))
    async with AsyncExitStack() as stack:
        hotline = await Hotline.open(stack, server, city, ledger)
        number = await hotline.receive()
    order = Effect(key=f"{number}:2:unit:{GAS}:dispatch", case=number, event=2, party=Party.UNIT, kind="dispatch")
    with pytest.raises(ApplicationError) as unanswered:
        await Following(server.client, ledger, hotline.task_queue).report(order, "vanished")
    assert (unanswered.value.type, unanswered.value.non_retryable) == ("unanswered", False)


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


async def test_a_unit_that_loses_the_order_is_not_followed(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    await gas.arrived(number)
    await until(hotline, number, "signed_in")
    await hotline.take(number, "redispatch", lead="zz-water")
    await ended(hotline, number)


async def test_a_rework_is_a_new_request_that_names_the_old_one(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    first = await gas.arrived(number)
    await gas.note(first, "closed", "已修复")
    await until(hotline, number, "result_submitted")
    async with hotline.ledger.session() as session:
        by = Actor(role=Role.CALLBACK, id="callback-1")
        await put_note(session, f"why-{number}", number, by, "没有来人", datetime.now(UTC))
    answer: dict[str, Any] = {"reached": True, "rating": 1, "solved": False, "contacted": True}
    taken = await hotline.take(number, "call-back", **answer, note=f"why-{number}")
    second = await gas.arrived(number, 2)
    described = (await gas.filed(number))[second]["form"]["description"].splitlines()
    assert described[1:3] == [f"退回重办，原受理编号{first}", "退回原因：没有来人"]
    await gas.note(second, "closed", "再次修复")

    async def twice() -> bool:
        return kinds(await hotline.events(number)).count("result_submitted") == 2

    await eventually(twice)
    assert taken.status == "handling"


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


async def test_notices_and_recalls_are_for_our_list(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    await gas.arrived(number)
    await hotline.take(number, "hurry")

    async def told() -> bool:
        return [m.status for m in await hotline.messages(number) if m.template == "hurried"] == ["listed"]

    await eventually(told)
    assert len(await gas.filed(number)) == 1

"""An order is filed once at a unit's Open311 server, with what the unit must know."""

from datetime import UTC, datetime
from typing import Any

from activities.following import DONE
from domain.roles import Actor, Role
from ledger.notes import put_note
from tests.workflows.hotline import PERSONAL, Hotline, eventually, kinds
from tests.workflows.open311.unit_server import GAS, Server, dispatched, ended, text_of, until


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


async def test_an_order_taken_without_a_reference_is_left_to_people(hotline: Hotline, gas: Server) -> None:
    await gas.behave("malformed")
    number = await dispatched(hotline)
    events = await until(hotline, number, "effect_failed")
    assert (events[-1].unit, events[-1].facts["error"]) == (GAS, "malformed")
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


async def test_notices_and_recalls_are_for_our_list(hotline: Hotline, gas: Server) -> None:
    number = await dispatched(hotline)
    await gas.arrived(number)
    await hotline.take(number, "hurry")

    async def told() -> bool:
        return [m.status for m in await hotline.messages(number) if m.template == "hurried"] == ["listed"]

    await eventually(told)
    assert len(await gas.filed(number)) == 1

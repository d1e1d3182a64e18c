"""A citizen who asked that their identity be withheld: unit and grid do their part without learning it."""

import json
from datetime import UTC, datetime
from typing import Any

from domain.roles import Actor, Role
from domain.steps import PEOPLE_STEPS
from ledger.notes import put_note
from tests.workflows.hotline import PERSONAL, Hotline, Street, eventually
from workflows.names import Taken

PHONE = PERSONAL["phone"]
WORDS: dict[str, Any] = {
    "title": f"{PERSONAL['name']}家停水",
    "text": f"停水，请回电{PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}",
}


async def test_orders_and_notices_do_not_say_who_it_is(hotline: Hotline, street: Street) -> None:
    number = await hotline.receive(**WORDS, withheld=True)
    await hotline.take(number, "dispatch", lead="zz-water")
    [order] = await eventually(lambda: street.received("water", number))
    [notice] = await eventually(lambda: street.received("grid", number))
    assert order["contact"] == {"name": None, "phone": None, "withheld": True}
    assert (order["title"], order["text"], order["address"]) == ("***家停水", "停水，请回电***", PERSONAL["address"])
    assert notice["text"] == f"***家停水（{PERSONAL['address']}）"
    for told in (order, notice):
        said = json.dumps(told, ensure_ascii=False)
        assert not any(secret in said for secret in (PERSONAL["name"], PHONE, f"{PHONE[3:7]} {PHONE[7:]}"))
    [text] = await eventually(lambda: street.received("sms", number))
    assert text["phone"] == PHONE


async def test_without_that_the_unit_knows_whom_to_ring_and_the_grid_still_does_not(
    hotline: Hotline, street: Street
) -> None:
    number = await hotline.receive(**WORDS)
    await hotline.take(number, "dispatch", lead="zz-water")
    [order] = await eventually(lambda: street.received("water", number))
    [notice] = await eventually(lambda: street.received("grid", number))
    assert order["contact"] == {"name": PERSONAL["name"], "phone": PHONE, "withheld": False}
    assert order["title"] == WORDS["title"]
    assert notice["text"] == f"***家停水（{PERSONAL['address']}）"


async def test_a_supplement_does_not_say_who_it_is_either(hotline: Hotline, street: Street) -> None:
    number = await hotline.receive(withheld=True)
    await hotline.take(number, "dispatch", lead="zz-water")
    by = Actor(role=Role.CITIZEN, id="citizen-1")
    async with hotline.ledger.session() as session:
        words = f"我是{PERSONAL['name']}，电话改为13900001234"
        await put_note(session, f"n-{number}", number, by, words, datetime.now(UTC))
    case = hotline.case(number)
    supplement = PEOPLE_STEPS["supplement"](by=by, note=f"n-{number}")
    await case.execute_update("supplement", supplement, result_type=Taken)

    async def notices() -> list[str]:
        return [order["text"] for order in await street.received("water", number) if order["notice"] == "supplemented"]

    assert await eventually(notices) == ["我是***，电话改为***"]

    async def kept() -> list[str]:
        return [message.text for message in await hotline.messages(number) if message.template == "supplemented"]

    assert await eventually(kept) == ["我是***，电话改为***"]

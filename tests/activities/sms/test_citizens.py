"""When texts go out: once, not at night, not too many a day, and only to numbers that can be texted."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.sms.port import BAD_NUMBER
from tests.activities.sms.conftest import Provider
from tests.activities.sms.desk import MIDNIGHT, MORNING, NOON, OTHER_PHONE, PHONE, Desk

on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"])


async def test_by_day_a_text_goes_out_at_once_and_once_however_often_it_is_tried(
    wired: Desk, provider: Provider
) -> None:
    number = await wired.case()
    for _ in range(3):
        await wired.text(number)
    [entry], message = await provider.texts(), await wired.message(number)
    assert (entry["attempts"], message.status, message.attempts) == (1, "sent", 1)
    assert message.reference == entry["reference"]
    code = str((await wired.row(number)).code)
    assert code in entry["text"]
    assert code not in message.text


async def test_at_night_a_text_waits_for_the_morning_and_an_emergency_does_not(desk: Desk) -> None:
    gateway = desk.through()
    desk.set_clock(MIDNIGHT)
    ordinary, emergency = await desk.case(), await desk.case(OTHER_PHONE, outage=True)
    await desk.text(ordinary)
    await desk.text(emergency)
    assert [text.phone for text in gateway.texts] == [OTHER_PHONE]
    message = await desk.message(ordinary)
    assert (message.status, message.held_until, message.sent_at) == ("held", MORNING, None)
    desk.set_clock(MORNING - timedelta(seconds=1))
    assert await desk.round() == 0
    desk.set_clock(MORNING)
    assert [await desk.round(), await desk.round()] == [1, 0]
    assert gateway.texts[-1].words.startswith("【郑州市12345】我们已收到您的诉求")
    message = await desk.message(ordinary)
    assert (message.status, message.sent_at, message.attempts) == ("sent", MORNING, 1)


async def test_what_the_gateway_did_not_take_by_day_is_not_tried_at_night(desk: Desk) -> None:
    gateway = desk.through("unreachable", "unreachable")
    ordinary, emergency = await desk.case(), await desk.case(OTHER_PHONE, outage=True)
    for number in (ordinary, emergency):
        with pytest.raises(ApplicationError):
            await desk.text(number)
    desk.set_clock(MIDNIGHT)
    for number in (ordinary, emergency, ordinary):
        await desk.text(number)
    assert [text.phone for text in gateway.texts] == [PHONE, OTHER_PHONE, OTHER_PHONE]
    assert (await desk.message(ordinary)).held_until == MORNING
    desk.set_clock(MORNING)
    assert [await desk.round(), await desk.round()] == [1, 0]
    assert gateway.texts[-1].again
    assert gateway.texts[-1].key == gateway.texts[0].key


async def test_over_the_days_number_the_rest_is_one_text_of_the_next_morning(desk: Desk) -> None:
    gateway = desk.through()
    numbers = [await desk.case() for _ in range(13)]
    other = await desk.case(OTHER_PHONE)
    await asyncio.gather(*(desk.text(number) for number in [*numbers, other]))
    assert len(gateway.texts) == 11
    held = [number for number in numbers if (await desk.message(number)).status == "held"]
    assert len(held) == 3
    desk.set_clock(MORNING)
    assert await desk.round() == 3
    *_, merged = gateway.texts
    assert len(gateway.texts) == 12
    codes = [(await desk.row(number)).code for number in held]
    assert all(f"{number}已登记，查询码{code}" in merged.words for number, code in zip(held, codes, strict=True))
    assert {(await desk.message(number)).reference for number in held} == {"r-12"}
    await desk.text(await desk.case())
    assert len(gateway.texts) == 13


@on_one_database
async def test_a_try_after_an_uncertain_one_says_so_to_its_gateway(desk: Desk) -> None:
    number = await desk.case()
    gateway = desk.through("unreachable")
    with pytest.raises(ApplicationError):
        await desk.text(number)
    await desk.text(number)
    assert [text.again for text in gateway.texts] == [False, True]
    message = await desk.message(number)
    assert (message.status, message.attempts) == ("sent", 2)


@on_one_database
async def test_a_number_that_is_none_is_noted_on_the_case(desk: Desk) -> None:
    number, at_night = await desk.case(), await desk.case()
    desk.through(BAD_NUMBER, BAD_NUMBER)
    with pytest.raises(ApplicationError):
        await desk.text(number)
    assert (await desk.row(number)).unreachable_at == NOON
    await desk.text_at_night(at_night)
    await desk.round()
    assert (await desk.row(at_night)).unreachable_at == MORNING
    assert (await desk.message(at_night)).status == "failed"


@on_one_database
async def test_a_landline_is_not_texted_but_noted_on_the_case(desk: Desk) -> None:
    gateway = desk.through()
    number = await desk.case("0371-67170000")
    await desk.text(number)
    assert (gateway.texts, await desk.messages(number)) == ([], [])
    assert (await desk.row(number)).unreachable_at == NOON


@on_one_database
async def test_gateways_are_given_a_number_as_eleven_digits(desk: Desk) -> None:
    gateway = desk.through()
    await desk.text(await desk.case("+86 138-1234-5678"))
    assert [text.phone for text in gateway.texts] == [PHONE]

"""Texts that had to wait: what waited for a number goes out together, once, whoever dies over it."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy import text as sql

from activities.sms.port import Text
from activities.sms.waiting import TAKEN
from sandbox.faults import Fault
from tests.activities.sms.conftest import Provider
from tests.activities.sms.desk import MIDNIGHT, MORNING, OTHER_PHONE, PHONE, Desk, Memory

on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"])


def spoil(connection: Connection, number: str) -> None:
    """Somebody edits the database."""
    connection.execute(sql("UPDATE messages SET event = 99 WHERE case_number = :n"), {"n": number})


async def test_several_texts_of_one_case_wait_together_too(desk: Desk) -> None:
    gateway = desk.through()
    desk.set_clock(MIDNIGHT)
    number = await desk.case()
    for kind in ("received", "rework", "withdrawn"):
        await desk.text(number, kind)
    desk.set_clock(MORNING)
    assert await desk.round() == 3
    [text] = gateway.texts
    assert text.words.count(number) == 3


@on_one_database
async def test_what_does_not_fit_into_one_text_follows_in_the_next(desk: Desk) -> None:
    gateway = desk.through()
    await desk.text_at_night(*[await desk.case() for _ in range(20)])
    while await desk.round():
        pass
    assert sum(text.words.count("已登记") for text in gateway.texts) == 20
    assert 1 < len(gateway.texts) < 4


@on_one_database
async def test_a_gateway_of_short_values_gets_each_text_whole_and_no_more_than_the_day_allows(desk: Desk) -> None:
    gateway = desk.through()
    gateway.longest_value = 35
    numbers = [await desk.case() for _ in range(12)]
    await desk.text_at_night(*numbers)
    while await desk.round():
        pass
    assert {text.kind for text in gateway.texts} == {"received"}
    assert [text.values["number"] for text in gateway.texts] == numbers[:10]
    desk.set_clock(MORNING + timedelta(days=1))
    assert [await desk.round(), await desk.round()] == [1, 1]
    assert [text.values["number"] for text in gateway.texts] == numbers


@on_one_database
async def test_a_round_that_comes_only_at_night_leaves_all_to_the_next_morning(desk: Desk) -> None:
    gateway = desk.through()
    await desk.text_at_night(await desk.case())
    desk.set_clock(MIDNIGHT + timedelta(days=1))
    assert await desk.round() == 0
    desk.set_clock(MORNING + timedelta(days=1))
    assert await desk.round() == 1
    assert len(gateway.texts) == 1


async def test_a_crash_between_the_gateways_yes_and_our_note_repeats_the_same_text_under_the_same_key(
    wired: Desk, provider: Provider
) -> None:
    real = wired.gateway
    await wired.text_at_night(*[await wired.case() for _ in range(2)])
    dead = wired.through("worker_died")
    assert await wired.round() == 0
    # What joins the queue meanwhile does not change what was sent together.
    later = await wired.case()
    wired.set_clock(MIDNIGHT + timedelta(days=1))
    await wired.text(later)
    wired.set_clock(MORNING + timedelta(days=1))
    wired.gateway = real
    assert await wired.round() == 3
    first, second = sorted(await provider.texts(), key=lambda entry: str(entry["key"]))
    assert (first["key"], first["text"]) == (dead.texts[0].key, dead.texts[0].words)
    assert later in second["text"]


@on_one_database
async def test_what_was_sent_together_is_tried_together_again_however_few_are_tried_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.text_at_night(*[await desk.case() for _ in range(4)])
    first = desk.through("worker_died")
    await desk.round()
    monkeypatch.setattr("activities.sms.waiting.BATCH", 2)
    desk.set_clock(MORNING + timedelta(hours=1))
    again = desk.through()
    assert await desk.round() == 4
    assert [(text.key, text.words) for text in again.texts] == [(text.key, text.words) for text in first.texts]


@on_one_database
async def test_a_text_of_which_nothing_is_known_keeps_no_other_waiting_and_is_not_tried_at_every_turn(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt, other = await desk.case(), await desk.case(OTHER_PHONE)
    await desk.text_at_night(spoilt, other)
    await desk.ledger.run(spoil, spoilt)
    monkeypatch.setattr("activities.sms.waiting.BATCH", 1)
    for _ in range(3):
        await desk.round()
    assert (await desk.message(other)).status == "sent"
    assert caplog.text.count("left to a later turn") == 1


async def test_two_rounds_at_once_send_a_text_once(wired: Desk, provider: Provider) -> None:
    await wired.text_at_night(await wired.case())
    assert sorted(await asyncio.gather(wired.round(), wired.round())) == [0, 1]
    assert [entry["attempts"] for entry in await provider.texts()] == [1]


@on_one_database
async def test_a_text_that_waited_is_tried_again_and_given_up_after_days(wired: Desk, provider: Provider) -> None:
    number = await wired.case()
    await wired.text_at_night(number)
    provider.fail(Fault(kind="error"))
    for at in (MORNING, MORNING + timedelta(hours=1), MORNING + timedelta(days=5)):
        wired.set_clock(at)
        assert await wired.round() == 0
    message = await wired.message(number)
    assert (message.status, message.error, message.attempts, message.held_until) == ("failed", "http_500", 3, None)


@on_one_database
async def test_what_waits_for_its_next_try_has_its_place_in_the_day(desk: Desk) -> None:
    await desk.text_at_night(await desk.case())
    desk.through("unreachable")
    await desk.round()
    gateway = desk.through()
    for _ in range(11):
        await desk.text(await desk.case())
    assert len(gateway.texts) == 9
    desk.set_clock(MORNING + timedelta(hours=1))
    assert await desk.round() == 1
    assert len(gateway.texts) == 10


@on_one_database
async def test_whoever_takes_a_text_and_dies_leaves_it_to_the_next_after_a_while(desk: Desk) -> None:
    await desk.text_at_night(await desk.case())

    class Dying(Memory):
        async def send(self, text: Text) -> str | None:
            raise asyncio.CancelledError

    desk.gateway = Dying()
    with pytest.raises(asyncio.CancelledError):
        await desk.round()
    again = desk.through()
    assert await desk.round() == 0
    desk.set_clock(MORNING + TAKEN)
    assert await desk.round() == 1
    assert again.texts[0].again


@on_one_database
async def test_one_text_that_nobody_foresaw_keeps_no_other_waiting(desk: Desk) -> None:
    numbers = [await desk.case(phone) for phone in (PHONE, OTHER_PHONE)]
    await desk.text_at_night(*numbers)

    class Odd(Memory):
        async def send(self, text: Text) -> str | None:
            if text.phone == PHONE:
                raise KeyError("biz_id")
            return await super().send(text)

    desk.gateway = Odd()
    assert await desk.round() == 1
    assert [(await desk.message(number)).status for number in numbers] == ["sending", "sent"]

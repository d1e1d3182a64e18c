"""When texts go out: once, not at night, not too many a day, and those that waited for a number together."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select, text
from sqlmodel import col
from temporalio.exceptions import ApplicationError

from activities.sms.citizens import Sms
from activities.sms.port import BAD_NUMBER, Gateway, Text
from activities.sms.waiting import TAKEN, Waiting
from domain.city import City
from domain.effects import Effect, Party
from domain.events import Event, EventKind, Status, Summary
from domain.roles import Actor, Role
from ledger.cases import get_case, messages_of
from ledger.database import Ledger, open_ledger
from ledger.intake import Intake, open_case
from ledger.messages import save_attempt
from ledger.models import CaseRow, MessageRow, StrayReceiptRow
from ledger.receipts import Receipt, note_receipt
from ledger.recording import record
from sandbox.faults import Fault
from tests.activities.sms.conftest import Open, Provider

PHONE = "13812345678"
NOON = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
MIDNIGHT, MORNING = NOON.replace(hour=23), NOON.replace(hour=7) + timedelta(days=1)


class Slow:
    """A gateway that takes every text and whose answer does not come before the next try."""

    def __init__(self, *errors: str) -> None:
        self.texts: list[Text] = []
        self._errors = list(errors)

    async def send(self, text: Text) -> str | None:
        self.texts.append(text)
        if self._errors:
            error = self._errors.pop(0)
            raise ApplicationError("no", type=error, non_retryable=error == BAD_NUMBER)
        return f"r-{len(self.texts)}"


@dataclass
class Desk:
    """What tests do: open cases of a number, text about them, set the clock."""

    ledger: Ledger
    city: City
    gateway: Gateway
    set_clock: Callable[[datetime], None]

    async def case(self, phone: str = PHONE, *, outage: bool = False) -> str:
        intake = Intake(
            received_at=NOON.astimezone(UTC), channel="phone", category="help", title="停水", text="停水",
            opened_role=Role.AGENT, opened_id="a", rulebook_version="1", phone=phone, outage=outage,
        )  # fmt: skip
        row, _ = await self.ledger.run(open_case, "ZZ", intake, date(2026, 11, 22))
        summary = Summary(number=row.number, status=Status.RECEIVED, category="help", last_event=1, outage=outage)
        by = Actor(role=Role.AGENT, id="a")
        await self.ledger.run(record, summary, [Event(n=1, at=NOON.astimezone(UTC), kind=EventKind.RECEIVED, by=by)])
        return row.number

    async def text(self, number: str, kind: str = "received") -> None:
        key = f"{number}:1:citizen::{kind}"
        effect = Effect(key=key, case=number, event=1, party=Party.CITIZEN, kind=kind)
        await Sms(self.ledger, self.city, self.gateway).text(effect)

    async def round(self) -> int:
        return await Waiting(self.ledger, self.city, self.gateway).send_due()

    async def messages(self, number: str) -> list[MessageRow]:
        async with self.ledger.session() as session:
            return await messages_of(session, number)

    async def row(self, number: str) -> CaseRow:
        async with self.ledger.session() as session:
            row = await get_case(session, number)
        assert row is not None
        return row

    async def receipt(self, receipt: Receipt) -> str:
        return await self.ledger.run(note_receipt, "http", receipt, NOON.astimezone(UTC))


def spoil(connection: Connection, number: str) -> None:
    """Somebody edits the database."""
    connection.execute(text("UPDATE messages SET event = 99 WHERE case_number = :n"), {"n": number})


@pytest.fixture
async def desk(
    ledger_url: str, city: City, provider: Provider, gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    def set_clock(at: datetime) -> None:
        for module in ("citizens", "waiting"):
            monkeypatch.setattr(f"activities.sms.{module}.now", lambda: at.astimezone(UTC))
        monkeypatch.setattr("activities.delivery.datetime", _Clock(at))

    ledger = open_ledger(ledger_url)
    set_clock(NOON)
    yield Desk(ledger, city, await gateway("http"), set_clock)
    await ledger.close()


class _Clock:
    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self, zone: object) -> datetime:
        return self._at.astimezone(UTC)


async def test_by_day_a_text_goes_out_at_once_and_once_however_often_it_is_tried(
    desk: Desk, provider: Provider
) -> None:
    number = await desk.case()
    for _ in range(3):
        await desk.text(number)
    [entry], [message] = await provider.texts(), await desk.messages(number)
    assert (entry["attempts"], message.status, message.attempts) == (1, "sent", 1)
    assert message.reference == entry["reference"]
    code = str((await desk.row(number)).code)
    assert code in entry["text"]
    assert code not in message.text


async def test_at_night_a_text_waits_for_the_morning_and_an_emergency_does_not(desk: Desk, provider: Provider) -> None:
    desk.set_clock(MIDNIGHT)
    ordinary, emergency = await desk.case(), await desk.case("13900000000", outage=True)
    await desk.text(ordinary)
    await desk.text(emergency)
    assert [entry["phone"] for entry in await provider.texts()] == ["13900000000"]
    [message] = await desk.messages(ordinary)
    assert (message.status, message.held_until, message.sent_at) == ("held", MORNING, None)
    desk.set_clock(MORNING - timedelta(seconds=1))
    assert await desk.round() == 0
    desk.set_clock(MORNING)
    assert [await desk.round(), await desk.round()] == [1, 0]
    whole = (await provider.texts())[-1]["text"]
    assert whole.startswith("【郑州市12345】我们已收到您的诉求")
    [message] = await desk.messages(ordinary)
    assert (message.status, message.sent_at, message.attempts) == ("sent", MORNING, 1)


async def test_over_the_days_number_the_rest_is_one_text_of_the_next_morning(desk: Desk, provider: Provider) -> None:
    numbers = [await desk.case() for _ in range(13)]
    other = await desk.case("13900000000")
    await asyncio.gather(*(desk.text(number) for number in [*numbers, other]))
    assert len(await provider.texts()) == 11
    held = [number for number in numbers if (await desk.messages(number))[0].status == "held"]
    assert len(held) == 3
    desk.set_clock(MORNING)
    assert await desk.round() == 3
    *_, merged = await provider.texts()
    assert len(await provider.texts()) == 12
    codes = [(await desk.row(number)).code for number in held]
    assert all(f"{number}已登记，查询码{code}" in merged["text"] for number, code in zip(held, codes, strict=True))
    assert {(await desk.messages(number))[0].reference for number in held} == {merged["reference"]}
    await desk.text(await desk.case())
    assert len(await provider.texts()) == 13


async def test_several_texts_of_one_case_wait_together_too(desk: Desk, provider: Provider) -> None:
    desk.set_clock(MIDNIGHT)
    number = await desk.case()
    for kind in ("received", "rework", "withdrawn"):
        await desk.text(number, kind)
    desk.set_clock(MORNING)
    assert await desk.round() == 3
    [entry] = await provider.texts()
    assert entry["text"].count(number) == 3


async def test_what_does_not_fit_into_one_text_follows_in_the_next(desk: Desk, provider: Provider) -> None:
    desk.set_clock(MIDNIGHT)
    for _ in range(20):
        await desk.text(await desk.case())
    desk.set_clock(MORNING)
    while await desk.round():
        pass
    texts = [entry["text"] for entry in await provider.texts()]
    assert sum(text.count("已登记") for text in texts) == 20
    assert 1 < len(texts) < 4


async def test_a_crash_between_the_gateways_yes_and_our_note_repeats_the_same_text_under_the_same_key(
    desk: Desk, provider: Provider
) -> None:
    desk.set_clock(MIDNIGHT)
    numbers = [await desk.case() for _ in range(2)]
    for number in numbers:
        await desk.text(number)
    desk.set_clock(MORNING)
    desk.gateway, real = Slow("worker_died"), desk.gateway
    assert await desk.round() == 0
    # What joins the queue meanwhile does not change what was sent together.
    later = await desk.case()
    desk.set_clock(MIDNIGHT + timedelta(days=1))
    await desk.text(later)
    desk.set_clock(MORNING + timedelta(days=1))
    desk.gateway, dead = real, desk.gateway
    assert await desk.round() == 3
    assert isinstance(dead, Slow)
    first, second = sorted(await provider.texts(), key=lambda entry: str(entry["key"]))
    assert (first["key"], first["text"]) == (dead.texts[0].key, dead.texts[0].words)
    assert later in second["text"]


async def test_what_was_sent_together_is_tried_together_again_however_few_are_tried_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.set_clock(MIDNIGHT)
    for _ in range(4):
        await desk.text(await desk.case())
    desk.set_clock(MORNING)
    desk.gateway = first = Slow("worker_died")
    await desk.round()
    monkeypatch.setattr("activities.sms.waiting.BATCH", 2)
    desk.set_clock(MORNING + timedelta(hours=1))
    desk.gateway = again = Slow()
    assert await desk.round() == 4
    assert [(text.key, text.words) for text in again.texts] == [(text.key, text.words) for text in first.texts]


async def test_a_text_of_which_nothing_is_known_keeps_no_other_waiting_and_is_not_tried_at_every_turn(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.set_clock(MIDNIGHT)
    spoilt, other = await desk.case(), await desk.case("13900000000")
    for number in (spoilt, other):
        await desk.text(number)
    await desk.ledger.run(spoil, spoilt)
    monkeypatch.setattr("activities.sms.waiting.BATCH", 1)
    desk.set_clock(MORNING)
    for _ in range(3):
        await desk.round()
    assert (await desk.messages(other))[0].status == "sent"
    assert caplog.text.count("left to a later turn") == 1


async def test_two_rounds_at_once_send_a_text_once(desk: Desk, provider: Provider) -> None:
    desk.set_clock(MIDNIGHT)
    await desk.text(await desk.case())
    desk.set_clock(MORNING)
    assert sorted(await asyncio.gather(desk.round(), desk.round())) == [0, 1]
    assert [entry["attempts"] for entry in await provider.texts()] == [1]


async def test_a_text_that_waited_is_tried_again_and_given_up_after_days(desk: Desk, provider: Provider) -> None:
    desk.set_clock(MIDNIGHT)
    number = await desk.case()
    await desk.text(number)
    provider.fail(Fault(kind="error"))
    for at in (MORNING, MORNING + timedelta(hours=1), MORNING + timedelta(days=5)):
        desk.set_clock(at)
        assert await desk.round() == 0
    [message] = await desk.messages(number)
    assert (message.status, message.error, message.attempts, message.held_until) == ("failed", "http_500", 3, None)


async def test_whoever_takes_a_text_and_dies_leaves_it_to_the_next_after_a_while(desk: Desk) -> None:
    desk.set_clock(MIDNIGHT)
    await desk.text(await desk.case())
    desk.set_clock(MORNING)

    class Dying(Slow):
        async def send(self, text: Text) -> str | None:
            self.texts.append(text)
            raise asyncio.CancelledError

    desk.gateway = Dying()
    with pytest.raises(asyncio.CancelledError):
        await desk.round()
    desk.gateway = again = Slow()
    assert await desk.round() == 0
    desk.set_clock(MORNING + TAKEN)
    assert await desk.round() == 1
    assert again.texts[0].again


async def test_one_text_that_nobody_foresaw_keeps_no_other_waiting(desk: Desk) -> None:
    desk.set_clock(MIDNIGHT)
    numbers = [await desk.case(phone) for phone in (PHONE, "13900000000")]
    for number in numbers:
        await desk.text(number)

    class Odd(Slow):
        async def send(self, text: Text) -> str | None:
            if text.phone == PHONE:
                raise KeyError("biz_id")
            return await super().send(text)

    desk.set_clock(MORNING)
    desk.gateway = Odd()
    assert await desk.round() == 1
    assert [(await desk.messages(number))[0].status for number in numbers] == ["sending", "sent"]


async def test_a_try_after_an_uncertain_one_says_so_to_its_gateway(desk: Desk) -> None:
    number = await desk.case()
    desk.gateway = gateway = Slow("unreachable")
    with pytest.raises(ApplicationError):
        await desk.text(number)
    await desk.text(number)
    assert [text.again for text in gateway.texts] == [False, True]
    assert [(m.status, m.attempts) for m in await desk.messages(number)] == [("sent", 2)]


async def test_a_number_that_is_none_is_noted_on_the_case(desk: Desk) -> None:
    number, at_night = await desk.case(), await desk.case()
    desk.gateway = Slow(BAD_NUMBER, BAD_NUMBER)
    with pytest.raises(ApplicationError):
        await desk.text(number)
    assert (await desk.row(number)).unreachable_at == NOON
    desk.set_clock(MIDNIGHT)
    await desk.text(at_night)
    desk.set_clock(MORNING)
    await desk.round()
    assert (await desk.row(at_night)).unreachable_at == MORNING
    assert [m.status for m in await desk.messages(at_night)] == ["failed"]


async def test_receipts_in_any_order_leave_what_was_delivered_delivered(desk: Desk) -> None:
    number = await desk.case()
    await desk.text(number)
    [message] = await desk.messages(number)
    for receipt, found, status in (
        (Receipt(False, key=message.key, code="EXPIRED"), "noted", "undelivered"),
        (Receipt(False, key=message.key), "known", "undelivered"),
        (Receipt(True, reference=message.reference), "noted", "delivered"),
        (Receipt(False, key=message.key), "known", "delivered"),
        (Receipt(True, key="ZZ-20261122-99999:1:citizen::received"), "stray", "delivered"),
    ):
        assert await desk.receipt(receipt) == found
        assert [m.status for m in await desk.messages(number)] == [status]
    await desk.text(number)
    assert [(m.status, m.attempts, m.error) for m in await desk.messages(number)] == [("delivered", 1, None)]


async def test_a_receipt_that_comes_before_the_reference_is_heeded(desk: Desk) -> None:
    number = await desk.case()
    desk.gateway = Slow()
    assert await desk.receipt(Receipt(True, reference="r-1")) == "stray"
    await desk.text(number)
    assert [m.status for m in await desk.messages(number)] == ["delivered"]


async def test_a_receipt_that_comes_while_the_reference_is_being_written_down_is_heeded(desk: Desk) -> None:
    number = await desk.case()
    written, effect = threading.Event(), f"{number}:1:citizen::received"

    def write(connection: Connection) -> None:
        save_attempt(
            connection, effect, case_number=number, event=1, party="citizen", template="received", text="已登记",
            status="sent", at=NOON, reference="r-1",
        )  # fmt: skip
        written.set()
        time.sleep(0.2)

    writing = asyncio.create_task(desk.ledger.run(write))
    await asyncio.to_thread(written.wait)
    await desk.receipt(Receipt(True, reference="r-1"))
    await writing
    assert [m.status for m in await desk.messages(number)] == ["delivered"]


async def test_two_texts_in_a_row_that_do_not_arrive_mark_every_open_case_of_the_number(desk: Desk) -> None:
    numbers = [await desk.case() for _ in range(3)]
    other = await desk.case("13900000000")
    for number in [*numbers, other]:
        await desk.text(number)
    keys = [f"{number}:1:citizen::received" for number in [*numbers, other]]
    await desk.receipt(Receipt(False, key=keys[0]))
    await desk.receipt(Receipt(False, key=keys[3]))
    assert [(await desk.row(number)).unreachable_at for number in numbers] == [None] * 3
    await desk.receipt(Receipt(False, key=keys[1]))
    assert [(await desk.row(number)).unreachable_at for number in numbers] == [NOON] * 3
    assert (await desk.row(other)).unreachable_at is None
    await desk.receipt(Receipt(True, key=keys[2]))
    assert [(await desk.row(number)).unreachable_at for number in numbers] == [None] * 3


async def test_one_receipt_is_for_all_texts_that_were_merged(desk: Desk, provider: Provider) -> None:
    desk.set_clock(MIDNIGHT)
    numbers = [await desk.case() for _ in range(2)]
    for number in numbers:
        await desk.text(number)
    desk.set_clock(MORNING)
    await desk.round()
    [entry] = await provider.texts()
    await desk.receipt(Receipt(True, key=entry["key"]))
    assert [(await desk.messages(number))[0].status for number in numbers] == ["delivered"] * 2


async def test_stray_receipts_are_kept_up_to_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.receipts.STRAYS_KEPT", 3)
    for n in range(5):
        await desk.receipt(Receipt(True, reference=f"r-{n}"))
    async with desk.ledger.session() as session:
        kept = await session.scalars(select(StrayReceiptRow).order_by(col(StrayReceiptRow.id)))
    assert [(row.id, row.reference) for row in kept] == [(3, "r-2"), (4, "r-3"), (5, "r-4")]

"""Receipts: in whatever order they come, what arrived has arrived, and a number is noted as its last texts fared."""

import asyncio
import threading
import time

import pytest
from sqlalchemy import Connection
from sqlmodel import col, select

from ledger.messages import save_attempt
from ledger.models import StrayReceiptRow
from ledger.receipts import Receipt
from tests.activities.sms.desk import NOON, OTHER_PHONE, Desk


async def test_receipts_in_any_order_leave_what_was_delivered_delivered(desk: Desk) -> None:
    number = await desk.case()
    await desk.text(number)
    message = await desk.message(number)
    for receipt, found, status in (
        (Receipt(False, key=message.key, code="EXPIRED"), "noted", "undelivered"),
        (Receipt(False, key=message.key), "known", "undelivered"),
        (Receipt(True, reference=message.reference), "noted", "delivered"),
        (Receipt(False, key=message.key), "known", "delivered"),
        (Receipt(True, key="ZZ-20261122-99999:1:citizen::received"), "stray", "delivered"),
    ):
        assert await desk.receipt(receipt) == found
        assert (await desk.message(number)).status == status
    await desk.text(number)
    message = await desk.message(number)
    assert (message.status, message.attempts, message.error) == ("delivered", 1, None)


async def test_a_receipt_that_comes_before_the_reference_is_heeded(desk: Desk) -> None:
    number = await desk.case()
    assert await desk.receipt(Receipt(True, reference="r-1")) == "stray"
    await desk.text(number)
    assert (await desk.message(number)).status == "delivered"


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
    assert (await desk.message(number)).status == "delivered"


async def test_two_texts_in_a_row_that_do_not_arrive_mark_every_open_case_of_the_number(desk: Desk) -> None:
    numbers = [await desk.case() for _ in range(3)]
    other = await desk.case(OTHER_PHONE)
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


async def test_one_receipt_is_for_all_texts_that_were_merged(desk: Desk) -> None:
    gateway = desk.through()
    numbers = [await desk.case() for _ in range(2)]
    await desk.text_at_night(*numbers)
    await desk.round()
    [text] = gateway.texts
    await desk.receipt(Receipt(True, key=text.key))
    assert [(await desk.message(number)).status for number in numbers] == ["delivered"] * 2


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_stray_receipts_are_kept_up_to_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.receipts.STRAYS_KEPT", 3)
    for n in range(5):
        await desk.receipt(Receipt(True, reference=f"r-{n}"))
    async with desk.ledger.session() as session:
        kept = await session.scalars(select(StrayReceiptRow).order_by(col(StrayReceiptRow.id)))
    assert [(row.id, row.reference) for row in kept] == [(3, "r-2"), (4, "r-3"), (5, "r-4")]

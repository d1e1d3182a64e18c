"""Receipts: whether texts arrived, as the gateway reports it, in any order, repeated, or for texts we do not know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from domain.effects import Party
from ledger.database import queue
from ledger.tables import CASES, MESSAGES, STRAYS

ACCEPTED = ("sent", "delivered", "undelivered")
"""How a message stands that its gateway took."""

STRAYS_KEPT = 10_000

UNDELIVERED_IN_A_ROW = 2
"""After so many texts that did not arrive, a number is unreachable."""

Found = Literal["noted", "known", "stray"]
"""What a receipt was: news, a repetition or late arrival, for no text of ours."""


@dataclass(frozen=True)
class Receipt:
    """What a gateway says of one text; it names the text by our key, or by its own reference."""

    delivered: bool
    key: str | None = None
    reference: str | None = None
    code: str | None = None


def note_receipts(connection: Connection, gateway: str, receipts: Sequence[Receipt], at: datetime) -> list[Found]:
    """Note several receipts, in their order."""
    # All locks first and sorted, or two of these could wait for each other.
    queue(connection, "receipts")
    for reference in sorted({receipt.reference for receipt in receipts if receipt.reference}):
        await_receipts(connection, reference)
    return [note_receipt(connection, gateway, receipt, at) for receipt in receipts]


def note_receipt(connection: Connection, gateway: str, receipt: Receipt, at: datetime) -> Found:
    """Note one receipt. Harmless to repeat; what was delivered stays delivered, whatever an older receipt says.

    A receipt for no text of ours is kept: the text's own reference may be on its way.
    """
    await_receipts(connection, receipt.reference)
    ours = (MESSAGES.c.party == Party.CITIZEN) & _named(receipt)
    known = connection.execute(select(MESSAGES.c.status, MESSAGES.c.case_number).where(ours)).all()
    if not known:
        _keep_stray(connection, gateway, receipt, at)
        return "stray"
    now = "delivered" if receipt.delivered else "undelivered"
    if all(row.status in (now, "delivered") for row in known):
        return "known"
    values = {
        "status": now,
        "error": None if receipt.delivered else receipt.code or "undelivered",
        "reported_at": at,
        "sent_at": func.coalesce(MESSAGES.c.sent_at, at),
        "held_until": None,
    }
    connection.execute(update(MESSAGES).where(ours, MESSAGES.c.status != "delivered").values(values))
    _judge_number(connection, known[0].case_number, at)
    return "noted"


def await_receipts(connection: Connection, reference: str | None) -> None:
    """To be said before a reference is written or looked for: else a receipt and its text could miss each other."""
    if reference:
        queue(connection, f"text {reference}")


def settle_early(connection: Connection, reference: str, at: datetime) -> None:
    """Heed the receipts that came before we knew the gateway's reference."""
    early = connection.execute(select(STRAYS).where(STRAYS.c.reference == reference).order_by(STRAYS.c.id)).all()
    for stray in early:
        note_receipt(connection, stray.gateway, Receipt(stray.delivered, reference=reference, code=stray.code), at)


def mark_unreachable(connection: Connection, number: str, at: datetime) -> None:
    """Note on a case that its phone cannot be texted."""
    this = (CASES.c.number == number) & CASES.c.unreachable_at.is_(None)
    connection.execute(update(CASES).where(this).values(unreachable_at=at))


def _named(receipt: Receipt) -> ColumnElement[bool]:
    """The messages that went out as the text a receipt is for: several, where they were merged."""
    if receipt.key:
        return or_(MESSAGES.c.key == receipt.key, MESSAGES.c.merged_into == receipt.key)
    return MESSAGES.c.reference == receipt.reference


def _judge_number(connection: Connection, number: str, at: datetime) -> None:
    """A text that arrived clears its phone; several in a row that did not mark every open case of it, and this one."""
    phone = select(CASES.c.phone).where(CASES.c.number == number).scalar_subquery()
    last = (
        select(MESSAGES.c.status)
        .join_from(MESSAGES, CASES, CASES.c.number == MESSAGES.c.case_number)
        .where(CASES.c.phone == phone, MESSAGES.c.party == Party.CITIZEN, MESSAGES.c.reported_at.is_not(None))
        # Of texts that were merged, one stands for all.
        .where(func.coalesce(MESSAGES.c.merged_into, MESSAGES.c.key) == MESSAGES.c.key)
        .order_by(MESSAGES.c.sent_at.desc(), MESSAGES.c.key.desc())
        .limit(UNDELIVERED_IN_A_ROW)
    )
    statuses = list(connection.scalars(last))
    if "delivered" in statuses[:1]:
        connection.execute(update(CASES).where(CASES.c.phone == phone).values(unreachable_at=None))
    elif statuses.count("undelivered") == UNDELIVERED_IN_A_ROW:
        of_number = (CASES.c.phone == phone) & (CASES.c.closed_at.is_(None) | (CASES.c.number == number))
        connection.execute(update(CASES).where(of_number, CASES.c.unreachable_at.is_(None)).values(unreachable_at=at))


def _keep_stray(connection: Connection, gateway: str, receipt: Receipt, at: datetime) -> None:
    row = {
        "gateway": gateway, "reference": receipt.reference, "key": receipt.key, "delivered": receipt.delivered,
        "code": receipt.code, "at": at,
    }  # fmt: skip
    (id,) = connection.execute(insert(STRAYS).values(row)).inserted_primary_key or (0,)
    connection.execute(delete(STRAYS).where(STRAYS.c.id <= id - STRAYS_KEPT))

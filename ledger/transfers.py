"""To whom cases were transferred, and under which number they went on there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.events import EventKind
from ledger.models import EventRow
from ledger.readable import read_rows
from ledger.tables import CASES, EVENTS

OFFERS = (EventKind.TRANSFER_REQUESTED, EventKind.TRANSFERRED)
ANSWERS = (EventKind.TRANSFER_ACKNOWLEDGED, EventKind.TRANSFER_REFUSED)


@dataclass(frozen=True)
class Transferred:
    """A transfer that its partner has yet to answer, or has taken."""

    to: str
    at: datetime
    """When it was offered to the partner."""
    number: str | None = None
    """The partner's, if it has said one."""


async def partners_offered(session: AsyncSession, number: str) -> list[str]:
    """The partners to whom a case was offered, by code, in order. Raises Unreadable."""
    offered = select(EventRow).where(
        col(EventRow.case_number) == number, col(EventRow.kind) == EventKind.TRANSFER_REQUESTED
    )
    return [event.facts["to"] for event in await read_rows(session, number, offered.order_by(col(EventRow.n)))]


async def standing_transfer(session: AsyncSession, number: str) -> Transferred | None:
    """The transfer of a case that stands: none once it was refused. Raises Unreadable."""
    about = select(EventRow).where(col(EventRow.case_number) == number, col(EventRow.kind).in_((*OFFERS, *ANSWERS)))
    stands = None
    for event in await read_rows(session, number, about.order_by(col(EventRow.n))):
        if event.kind in OFFERS:
            stands = Transferred(event.facts["to"], event.at)
        elif event.kind == EventKind.TRANSFER_REFUSED:
            stands = None
        elif stands is not None:
            stands = Transferred(stands.to, stands.at, event.facts.get("number"))
    return stands


def goes_on_as(numbers: Collection[str]) -> ColumnElement[bool]:
    """Whether a partner that took a case over calls it by one of those numbers."""
    # Written out: with a parameter SQLite would not use the index on just these.
    acknowledged = EVENTS.c.kind == literal_column(f"'{EventKind.TRANSFER_ACKNOWLEDGED}'")
    theirs = EVENTS.c.facts["number"].as_string().in_(numbers)
    return CASES.c.number.in_(select(EVENTS.c.case_number).where(acknowledged, theirs))

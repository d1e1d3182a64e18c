"""Cases: those to be looked after, and one with all that belongs to it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import not_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.case import Opening
from domain.roles import Actor, Role
from ledger.models import CaseRow, EventRow, MeasureRow, MessageRow, NoteRow
from ledger.readable import read_cases, read_rows
from ledger.sight import Sight
from ledger.tables import CASES


async def unstarted(
    session: AsyncSession, limit: int, before: datetime | None = None, but: Collection[str] = ()
) -> list[CaseRow]:
    """Cases but some of which the engine has recorded nothing yet, received before an instant, lowest number first.

    Raises Unreadable.
    """
    left = not_(CASES.c.started) & CASES.c.number.not_in(but)
    statement = select(CaseRow).where(left).order_by(CASES.c.number).limit(limit)
    if before is not None:
        statement = statement.where(CASES.c.received_at < before)
    return await read_cases(session, statement)


async def open_cases(session: AsyncSession, limit: int, after: str = "", but: Collection[str] = ()) -> list[CaseRow]:
    """Cases but some that are not closed, by number, from the one following `after`. Raises Unreadable."""
    left = CASES.c.closed_at.is_(None) & CASES.c.number.not_in(but)
    statement = select(CaseRow).where(left, CASES.c.number > after)
    return await read_cases(session, statement.order_by(CASES.c.number).limit(limit))


def opening(row: CaseRow) -> Opening:
    """What the engine is told of a case: codes only."""
    return Opening(
        number=row.number,
        received_at=row.received_at,
        by=Actor(role=Role(row.opened_role), id=row.opened_id),
        channel=row.channel,
        category=row.category,
        item=row.item,
        outage=row.outage,
        province=row.province,
        grid=row.grid,
        marks=row.marks,
        ordered=row.ordered,
        nobody_to_call=row.channel == "sensor" and row.phone is None,
    )


async def get_case(session: AsyncSession, number: str) -> CaseRow | None:
    """The case of a number. Raises Unreadable."""
    this = select(CaseRow).where(CASES.c.number == number).execution_options(populate_existing=True)
    found = await read_rows(session, number, this)
    return found[0] if found else None


async def find_case(session: AsyncSession, number: str, sight: Sight) -> CaseRow | None:
    """The case of a number, if it is in sight. Raises Unreadable."""
    found = await read_rows(session, number, select(CaseRow).where(CASES.c.number == number, *sight.conditions()))
    return found[0] if found else None


async def events_of(session: AsyncSession, number: str) -> list[EventRow]:
    """What happened to a case, in order. Raises Unreadable, as what follows does."""
    statement = select(EventRow).where(col(EventRow.case_number) == number)
    return await read_rows(session, number, statement.order_by(col(EventRow.n)))


async def messages_of(session: AsyncSession, number: str) -> list[MessageRow]:
    """The messages about a case, oldest first."""
    statement = select(MessageRow).where(col(MessageRow.case_number) == number)
    return await read_rows(session, number, statement.order_by(col(MessageRow.created_at), col(MessageRow.key)))


async def measures_of(session: AsyncSession, number: str) -> list[MeasureRow]:
    """The measures raised over a case, oldest first."""
    statement = select(MeasureRow).where(col(MeasureRow.case_number) == number)
    return await read_rows(session, number, statement.order_by(col(MeasureRow.at), col(MeasureRow.key)))


async def notes_of(session: AsyncSession, number: str) -> list[NoteRow]:
    """The free texts of a case's steps, oldest first."""
    statement = select(NoteRow).where(col(NoteRow.case_number) == number)
    return await read_rows(session, number, statement.order_by(col(NoteRow.created_at), col(NoteRow.id)))

"""Cases: those to be looked after, and one with all that belongs to it."""

from datetime import datetime

from sqlalchemy import not_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from domain.case import Opening
from domain.roles import Actor, Role
from ledger.models import CaseRow, EventRow, MeasureRow, MessageRow, NoteRow
from ledger.sight import Sight

CASES = SQLModel.metadata.tables["cases"]


async def unstarted(session: AsyncSession, limit: int, before: datetime | None = None) -> list[CaseRow]:
    """Cases of which the engine has recorded nothing yet, received before an instant, lowest number first."""
    statement = select(CaseRow).where(not_(CASES.c.started)).order_by(CASES.c.number).limit(limit)
    if before is not None:
        statement = statement.where(CASES.c.received_at < before)
    return list(await session.scalars(statement))


async def open_cases(session: AsyncSession, limit: int, after: str = "") -> list[CaseRow]:
    """Cases that are not closed, by number, from the one following `after`."""
    statement = select(CaseRow).where(CASES.c.closed_at.is_(None), CASES.c.number > after)
    return list(await session.scalars(statement.order_by(CASES.c.number).limit(limit)))


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
    )


async def get_case(session: AsyncSession, number: str) -> CaseRow | None:
    """The case of a number."""
    return await session.get(CaseRow, number, populate_existing=True)


async def find_case(session: AsyncSession, number: str, sight: Sight) -> CaseRow | None:
    """The case of a number, if it is in sight."""
    return await session.scalar(select(CaseRow).where(CASES.c.number == number, *sight.conditions()))


async def events_of(session: AsyncSession, number: str) -> list[EventRow]:
    """What happened to a case, in order."""
    statement = select(EventRow).where(col(EventRow.case_number) == number).order_by(col(EventRow.n))
    return list(await session.scalars(statement))


async def messages_of(session: AsyncSession, number: str) -> list[MessageRow]:
    """The messages about a case, oldest first."""
    statement = select(MessageRow).where(col(MessageRow.case_number) == number)
    return list(await session.scalars(statement.order_by(col(MessageRow.created_at), col(MessageRow.key))))


async def measures_of(session: AsyncSession, number: str) -> list[MeasureRow]:
    """The measures raised over a case, oldest first."""
    statement = select(MeasureRow).where(col(MeasureRow.case_number) == number)
    return list(await session.scalars(statement.order_by(col(MeasureRow.at), col(MeasureRow.key))))


async def notes_of(session: AsyncSession, number: str) -> list[NoteRow]:
    """The free texts of a case's steps, oldest first."""
    statement = select(NoteRow).where(col(NoteRow.case_number) == number)
    return list(await session.scalars(statement.order_by(col(NoteRow.created_at), col(NoteRow.id))))

"""Reads of personal data by staff, and its erasure: who, which case, when. Written in the same transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.roles import Actor, Role
from ledger.models import ReadRow
from ledger.readable import read_rows

CONSOLE = Actor(role=Role.ADMIN, id="console")
"""Who acts at the console: whoever may use the database itself."""

ERASURE = "erased"
"""`what` of the row that an erasure leaves."""


@dataclass(frozen=True)
class ReadPage:
    """Some reads, newest first, and before which to go on if there are more."""

    items: list[ReadRow]
    next: int | None


async def note_read(session: AsyncSession, actor: Actor, case_number: str, what: str) -> None:
    """Record that somebody reads a case's personal data; `what` names the part, such as `case` or `timeline`."""
    await note_reads(session, actor, [case_number], what)


async def note_reads(session: AsyncSession, actor: Actor, case_numbers: Iterable[str], what: str) -> None:
    """Record that somebody reads that part of several cases."""
    at = datetime.now(UTC)
    session.add_all(
        ReadRow(at=at, case_number=number, role=actor.role, actor_id=actor.id, actor_unit=actor.unit, what=what)
        for number in case_numbers
    )
    await session.flush()


async def reads_of(session: AsyncSession, case_number: str, before: int | None, limit: int) -> ReadPage:
    """A page of the reads of a case, newest first, from the one that follows `before`. Raises Unreadable."""
    statement = select(ReadRow).where(col(ReadRow.case_number) == case_number)
    if before is not None:
        statement = statement.where(col(ReadRow.id) < before)
    found = await read_rows(session, case_number, statement.order_by(col(ReadRow.id).desc()).limit(limit + 1))
    return ReadPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

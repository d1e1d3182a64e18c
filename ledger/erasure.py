"""Erasure (清除个人信息): a closed case's personal data goes after its retention, the anonymous record of it stays.

What stays still proves itself: events carry only salted commitments to the words that are gone, see ledger/chain.py.
SQLite overwrites what is removed with zeros; PostgreSQL frees it with the next VACUUM. Backups keep it until they are
thrown away.
"""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Table, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from ledger.attachments import attachments_of, remove_attachments
from ledger.database import Ledger
from ledger.models import CaseRow, NoteRow, RequestRow
from ledger.requests import ERASED

EMPTY: dict[str, Any] = {
    "name": None, "phone": None, "address": None, "title": "", "text": "", "longitude": None, "latitude": None,
    "vulnerable": [],
}  # fmt: skip
"""Personal columns of a case, and what is left in them."""

TABLES = SQLModel.metadata.tables
TEXTS = ("notes", "messages", "findings")
"""Tables whose `text` is personal."""


@dataclass(frozen=True)
class Personal:
    """How much personal data there is: columns of cases, texts, files."""

    fields: int = 0
    notes: int = 0
    messages: int = 0
    findings: int = 0
    attachments: int = 0

    def __add__(self, other: Self) -> "Personal":
        return Personal(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


async def personal_data(session: AsyncSession, number: str, keep: timedelta, now: datetime) -> Personal:
    """What an erasure of the case would remove. Raises ValueError, in one sentence, if it may not be erased yet."""
    row = await session.scalar(select(CaseRow).where(col(CaseRow.number) == number).with_for_update())
    if row is None:
        raise ValueError(f"there is no case {number}")
    if row.closed_at is None:
        raise ValueError(f"{number} is not closed")
    if now < row.closed_at + keep:
        raise ValueError(f"{number} keeps its personal data until {row.closed_at + keep:%Y-%m-%d %H:%M} UTC")
    return Personal(
        fields=sum(getattr(row, name) != left for name, left in EMPTY.items()),
        attachments=len(await attachments_of(session, number)),
        **{name: await _texts(session, TABLES[name], number) for name in TEXTS},
    )


async def erase(session: AsyncSession, folder: Path, number: str, keep: timedelta, now: datetime) -> Personal:
    """Remove the personal data of a case closed for at least `keep`, its files in `folder` too; returns how much.

    Harmless to repeat: there is nothing more to remove. A request or step repeated under its old key is refused from
    now on, for nobody can tell any more whether it is the same. Raises ValueError as `personal_data` does, and OSError.
    """
    found = await personal_data(session, number, keep, now)
    for table in (TABLES[name] for name in TEXTS):
        await session.execute(update(table).where(table.c.case_number == number).values(text=""))
    await session.execute(update(NoteRow).where(col(NoteRow.case_number) == number).values(salt=None))
    await session.execute(update(RequestRow).where(col(RequestRow.scope) == number).values(body_hash=ERASED))
    emptied = {**EMPTY, "code": None, "salt": None, "intake_hash": ERASED}
    erased_at = func.coalesce(col(CaseRow.erased_at), now)
    await session.execute(update(CaseRow).where(col(CaseRow.number) == number).values(**emptied, erased_at=erased_at))
    await remove_attachments(session, folder, number)
    return found


async def due(session: AsyncSession, keep: timedelta, now: datetime) -> list[str]:
    """Numbers of the cases whose retention is over and whose personal data is still there."""
    over = col(CaseRow.closed_at) <= now - keep
    statement = select(col(CaseRow.number)).where(over, col(CaseRow.erased_at).is_(None)).order_by(col(CaseRow.number))
    return list(await session.scalars(statement))


async def empty_log(ledger: Ledger) -> None:
    """Have SQLite fold its write-ahead log into the database, for the log still holds what was removed."""
    if ledger.engine.dialect.name == "sqlite":
        async with ledger.session() as session:
            await (await session.connection()).exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


async def _texts(session: AsyncSession, table: Table, number: str) -> int:
    there = select(func.count()).where(table.c.case_number == number, table.c.text != "")
    return await session.scalar(there) or 0

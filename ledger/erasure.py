"""Erasure (清除个人信息): a closed case's personal data goes after its retention, the anonymous record of it stays.

What stays still proves itself: events carry only salted commitments to the words that are gone, see ledger/chain.py.
SQLite overwrites what is removed with zeros; PostgreSQL frees it with the next VACUUM. Backups keep it until they are
thrown away.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Row, RowMapping, Table, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ledger.access_log import CONSOLE, ERASURE, note_read
from ledger.attachments import attachments_of, remove_attachments
from ledger.database import hold
from ledger.models import PERSONAL, UNERASED
from ledger.refused import forget_naming
from ledger.requests import ERASED
from ledger.tables import ALERTS, CASES, FINDINGS, MESSAGES, NOTES, REQUESTS

EMPTY: dict[str, Any] = {name: None if CASES.c[name].nullable else "" for name in PERSONAL} | {"vulnerable": []}
"""Personal columns of a case, and what is left in them."""

TEXTS = (NOTES, MESSAGES, FINDINGS)
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
    return await _count(session, number, await _hold_case(session, number, keep, now))


async def erase(session: AsyncSession, folder: Path, number: str, keep: timedelta, now: datetime) -> Personal:
    """Remove the personal data of a case closed for at least `keep`, its files in `folder` too; returns how much.

    That it was erased stands among its reads. Harmless to repeat: there is nothing more to remove. A request or step
    repeated under its old key is refused from now on, for nobody can tell any more whether it is the same. Raises
    ValueError as `personal_data` does, and OSError.
    """
    case = await _hold_case(session, number, keep, now)
    found = await _count(session, number, case)
    if case["erased_at"] is None:
        await note_read(session, CONSOLE, number, ERASURE)
    for table in TEXTS:
        await session.execute(update(table).where(table.c.case_number == number).values(text=""))
    await session.execute(update(NOTES).where(NOTES.c.case_number == number).values(salt=None))
    nowhere = {"longitude": None, "latitude": None}
    await session.execute(update(ALERTS).where(ALERTS.c.case_number == number).values(nowhere))
    await session.execute(update(REQUESTS).where(REQUESTS.c.scope == number).values(body_hash=ERASED))
    emptied = {**EMPTY, "code": None, "salt": None, "intake_hash": ERASED, "erased_at": case["erased_at"] or now}
    await session.execute(update(CASES).where(CASES.c.number == number).values(emptied))
    await forget_naming(session, number)
    await remove_attachments(session, folder, number)
    return found


async def due(
    session: AsyncSession, keep: timedelta, now: datetime, limit: int, after: Row[Any, Any] | None = None
) -> Sequence[Row[Any, Any]]:
    """Cases whose retention is over and whose personal data is still there: `closed_at` and `number`, the oldest first.

    At most `limit` of them, from the one that follows `after`.
    """
    at, number = CASES.c.closed_at, CASES.c.number
    over = select(at, number).where(at <= now - keep, UNERASED).order_by(at, number).limit(limit)
    if after is not None:
        over = over.where(or_(at > after.closed_at, and_(at == after.closed_at, number > after.number)))
    return (await session.execute(over)).all()


async def how_many_due(session: AsyncSession, keep: timedelta, now: datetime) -> int:
    """How many such cases there are."""
    over = select(func.count()).where(CASES.c.closed_at <= now - keep, UNERASED)
    return await session.scalar(over) or 0


async def _hold_case(session: AsyncSession, number: str, keep: timedelta, now: datetime) -> RowMapping:
    of_case = select(CASES).where(CASES.c.number == number).with_for_update(key_share=True)
    case = await (await session.connection()).run_sync(hold, of_case)
    if case is None:
        raise ValueError(f"there is no case {number}")
    if case["closed_at"] is None:
        raise ValueError(f"{number} is not closed")
    if now < case["closed_at"] + keep:
        raise ValueError(f"{number} keeps its personal data until {case['closed_at'] + keep:%Y-%m-%d %H:%M} UTC")
    return case


async def _count(session: AsyncSession, number: str, case: RowMapping) -> Personal:
    return Personal(
        fields=sum(case[name] != left for name, left in EMPTY.items()),
        attachments=len(await attachments_of(session, number)),
        **{table.name: await _texts(session, table, number) for table in TEXTS},
    )


async def _texts(session: AsyncSession, table: Table, number: str) -> int:
    there = select(func.count()).where(table.c.case_number == number, table.c.text != "")
    return await session.scalar(there) or 0

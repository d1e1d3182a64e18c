"""Messages from outside that were refused: counted, and the newest kept for people to look into."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from ledger.database import begin_writing, insert_for, queue
from ledger.models import RefusalCountRow, RefusedRow
from ledger.tables import REFUSAL_COUNTS, REFUSED

KEPT = 1000
"""Messages of each source, so that nobody pushes out those of others."""
KEPT_FOR = timedelta(days=30)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
KEPT_CHARACTERS = 4_000
KEPT_BYTES = 4 * KEPT_CHARACTERS
"""Of a body, of which no more characters are kept than may be in them."""


class Refused(NamedTuple):
    """A message that was refused: the code of the reason, a sentence that repeats nothing of it, and how it came."""

    reason: str
    detail: str
    body: bytes


def note_refused(connection: Connection, source: str, reason: str, detail: str, body: bytes, at: datetime) -> None:
    """Count a refused message and keep the beginning of it, and no more than the newest of its source."""
    note_all_refused(connection, source, [Refused(reason, detail, body)], at)


def note_all_refused(connection: Connection, source: str, refused: Sequence[Refused], at: datetime) -> None:
    """Count refused messages of one source and keep them, as `note_refused` does; the last thing of a transaction."""
    if refused:
        # One at a time, so that no two wait for each other's counts.
        queue(connection, f"refused:{source}")
        _count(connection, source, Counter(one.reason for one in refused), at)
        connection.execute(insert(REFUSED), [_row(source, one, at) for one in refused[-KEPT:]])
        _keep_newest(connection, source)


def _count(connection: Connection, source: str, counts: Counter[str], at: datetime) -> None:
    table: type[SQLModel] = RefusalCountRow
    put = insert_for(connection.dialect.name, table)
    added = {"count": REFUSAL_COUNTS.c.count + put.excluded.count, "last_at": put.excluded.last_at}
    rows = [{"source": source, "reason": reason, "count": count, "last_at": at} for reason, count in counts.items()]
    connection.execute(put.on_conflict_do_update(index_elements=["source", "reason"], set_=added), rows)


def _row(source: str, refused: Refused, at: datetime) -> dict[str, object]:
    # U+0000 is the one character that PostgreSQL cannot keep.
    begun = refused.body[:KEPT_BYTES].decode(errors="replace")[:KEPT_CHARACTERS].replace("\x00", "\ufffd")
    return {"at": at, "source": source, "reason": refused.reason, "detail": refused.detail, "body": begun}


def _keep_newest(connection: Connection, source: str) -> None:
    of_source = REFUSED.c.source == source
    newest = select(REFUSED.c.id).where(of_source).order_by(REFUSED.c.id.desc())
    beyond = newest.offset(KEPT).limit(1).scalar_subquery()
    connection.execute(delete(REFUSED).where(of_source, REFUSED.c.id <= beyond))


def forget_refused(connection: Connection, at: datetime) -> None:
    """Forget messages refused more than a month ago; their number stays."""
    begin_writing(connection)
    old = select(REFUSED.c.id).where(REFUSED.c.at < at - KEPT_FOR).with_for_update(skip_locked=True)
    connection.execute(delete(REFUSED).where(REFUSED.c.id.in_(old)))


async def forget_naming(session: AsyncSession, case_number: str) -> None:
    """Forget refused messages that name a case."""
    naming = select(col(RefusedRow.id)).where(col(RefusedRow.body).contains(case_number))
    # One that somebody else holds is being forgotten by them.
    await session.execute(delete(REFUSED).where(REFUSED.c.id.in_(naming.with_for_update(skip_locked=True))))


async def refused_messages(
    session: AsyncSession, source: str | None, most: int, since: datetime = LONG_AGO
) -> Sequence[RefusedRow]:
    """Messages refused since then, newest first, of one source or of all."""
    rows = select(RefusedRow).where(col(RefusedRow.at) > since).order_by(col(RefusedRow.id).desc()).limit(most)
    return (await session.scalars(rows.where(col(RefusedRow.source) == source) if source else rows)).all()


async def refusal_counts(session: AsyncSession) -> Sequence[RefusalCountRow]:
    """How many were refused, by source and reason."""
    rows = select(RefusalCountRow).order_by(col(RefusalCountRow.source), col(RefusalCountRow.reason))
    return (await session.scalars(rows)).all()

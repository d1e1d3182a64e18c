"""Messages from outside that were refused: counted, and the newest kept for people to look into."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ledger.database import insert_for
from ledger.models import RefusalCountRow, RefusedRow
from ledger.tables import REFUSAL_COUNTS, REFUSED

KEPT = 10_000
KEPT_FOR = timedelta(days=30)
KEPT_CHARACTERS = 4_000


def note_refused(connection: Connection, source: str, reason: str, detail: str, body: bytes, at: datetime) -> None:
    """Count a refused message and keep the beginning of it, and no more than the newest of all for a month."""
    first = {"source": source, "reason": reason, "count": 1, "last_at": at}
    counted = insert_for(connection.dialect.name, RefusalCountRow).values(first)
    connection.execute(
        counted.on_conflict_do_update(
            index_elements=["source", "reason"], set_={"count": REFUSAL_COUNTS.c.count + 1, "last_at": at}
        )
    )
    # U+0000 is the one character that PostgreSQL cannot keep.
    begun = body[: 4 * KEPT_CHARACTERS].decode(errors="replace")[:KEPT_CHARACTERS].replace("\x00", "\ufffd")
    row = {"at": at, "source": source, "reason": reason, "detail": detail, "body": begun}
    (id,) = connection.execute(insert(REFUSED).values(row)).inserted_primary_key or (0,)
    connection.execute(delete(REFUSED).where((REFUSED.c.id <= id - KEPT) | (REFUSED.c.at < at - KEPT_FOR)))


async def refused_messages(session: AsyncSession, source: str | None, most: int) -> Sequence[RefusedRow]:
    """Refused messages, newest first, of one source or of all."""
    rows = select(RefusedRow).order_by(col(RefusedRow.id).desc()).limit(most)
    return (await session.scalars(rows.where(col(RefusedRow.source) == source) if source else rows)).all()


async def refusal_counts(session: AsyncSession) -> Sequence[RefusalCountRow]:
    """How many were refused, by source and reason."""
    rows = select(RefusalCountRow).order_by(col(RefusalCountRow.source), col(RefusalCountRow.reason))
    return (await session.scalars(rows)).all()

"""Sendings of webhooks that were taken: known for as long as their signature is fresh, and no longer."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ledger.database import insert
from ledger.models import SendingRow

KNOWN_FOR = timedelta(minutes=15)
"""A signature is fresh for five minutes before and after its instant (Standard Webhooks); the rest is for clocks."""

FORGOTTEN_AT_ONCE = 100
"""Sendings that one more removes at most."""


async def note_sending(session: AsyncSession, signature: str, at: datetime) -> None:
    """Note that a sending was taken, and forget some that are stale."""
    row = insert(session, SendingRow).values(signature=signature, at=at)
    await session.execute(row.on_conflict_do_nothing(index_elements=["signature"]))
    stale = select(col(SendingRow.signature)).where(col(SendingRow.at) < at - KNOWN_FOR)
    oldest = stale.order_by(col(SendingRow.at)).limit(FORGOTTEN_AT_ONCE).with_for_update(skip_locked=True)
    await session.execute(delete(SendingRow).where(col(SendingRow.signature).in_(oldest)))


async def was_sent(session: AsyncSession, signature: str) -> bool:
    """Whether this very sending was taken."""
    return await session.get(SendingRow, signature) is not None

"""Idempotency keys of steps."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ledger.database import insert
from ledger.errors import KeyReused
from ledger.models import RequestRow


async def claim(session: AsyncSession, scope: str, key: str, body_hash: str) -> bool:
    """Claim a key within a scope: True when it is new, False when the same body claimed it before.

    Raises KeyReused when another body did.
    """
    row = RequestRow(scope=scope, key=key, body_hash=body_hash, at=datetime.now(UTC))
    statement = insert(session, RequestRow).values(row.model_dump())
    new = statement.on_conflict_do_nothing(index_elements=["scope", "key"]).returning(col(RequestRow.key))
    if (await session.execute(new)).first():
        return True
    kept = select(col(RequestRow.body_hash)).where(col(RequestRow.scope) == scope, col(RequestRow.key) == key)
    if await session.scalar(kept) != body_hash:
        raise KeyReused(key)
    return False

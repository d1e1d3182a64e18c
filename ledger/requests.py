"""Idempotency keys of steps, and what refuses a step once its case is erased."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ledger.database import insert
from ledger.errors import CaseErased, KeyReused
from ledger.models import CaseRow, RequestRow

ERASED = "erased"
"""Stands in place of a body's hash from which, without it, somebody might guess the body."""


async def claim(session: AsyncSession, scope: str, key: str, body_hash: str) -> bool:
    """Claim a key within a scope: True when it is new, False when the same body claimed it before.

    Raises KeyReused when another body did, and CaseErased when nobody can tell any more.
    """
    row = RequestRow(scope=scope, key=key, body_hash=body_hash, at=datetime.now(UTC))
    statement = insert(session, RequestRow).values(row.model_dump())
    new = statement.on_conflict_do_nothing(index_elements=["scope", "key"]).returning(col(RequestRow.key))
    if (await session.execute(new)).first():
        return True
    kept = select(col(RequestRow.body_hash)).where(col(RequestRow.scope) == scope, col(RequestRow.key) == key)
    digest = await session.scalar(kept)
    if digest == ERASED:
        raise CaseErased(scope)
    if digest != body_hash:
        raise KeyReused(key)
    return False


async def claimed(session: AsyncSession, scope: str, key: str) -> bool:
    """Whether a key was claimed within a scope."""
    return await session.get(RequestRow, (scope, key)) is not None


async def refuse_erased(session: AsyncSession, case_number: str) -> None:
    """Raise CaseErased if the case's personal data has been removed.

    To be asked after the words have been written: an erasure at the same time has then ended, or comes after us.
    """
    if await session.scalar(select(col(CaseRow.erased_at)).where(col(CaseRow.number) == case_number)):
        raise CaseErased(case_number)

"""API keys: given out once, kept only as hashes."""

import hmac
import secrets
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.roles import Role
from ledger.models import KeyRow


async def create_key(session: AsyncSession, role: Role, unit: str | None, label: str) -> str:
    """Make a key for a post, and return its secret `jk_<id>_<43 characters>`: the only time it can be seen."""
    id = secrets.token_hex(4)
    secret = f"jk_{id}_{secrets.token_urlsafe(32)}"
    session.add(
        KeyRow(id=id, hash=_hash(secret), role=role.value, unit=unit, label=label, created_at=datetime.now(UTC))
    )
    await session.flush()
    return secret


async def find_key(session: AsyncSession, secret: str) -> KeyRow | None:
    """The key of a secret; None when there is none or it was revoked."""
    prefix, _, rest = secret.partition("_")
    id = rest.partition("_")[0]
    row = await session.scalar(select(KeyRow).where(col(KeyRow.id) == id)) if prefix == "jk" and id.isalnum() else None
    # Compared in any case, so that time does not tell whether the id exists.
    same = hmac.compare_digest(row.hash if row else "", _hash(secret))
    return row if row and same and row.revoked_at is None else None


async def list_keys(session: AsyncSession) -> list[KeyRow]:
    """All keys, revoked ones too, oldest first."""
    return list(await session.scalars(select(KeyRow).order_by(col(KeyRow.created_at), col(KeyRow.id))))


async def revoke_key(session: AsyncSession, id: str) -> bool:
    """Revoke a key from now on; False when there is no such key in force."""
    in_force = (col(KeyRow.id) == id, col(KeyRow.revoked_at).is_(None))
    statement = update(KeyRow).where(*in_force).values(revoked_at=datetime.now(UTC)).returning(col(KeyRow.id))
    return (await session.execute(statement)).first() is not None


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

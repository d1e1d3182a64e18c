"""Who may come in, who tried to, and who read what."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from ledger.instant import Instant

OF_CLIENT = sql("subject LIKE 'client:%'")
"""Of `attempts`: those of a client, not of a case."""


class KeyRow(SQLModel, table=True):
    """An API key; of its secret only the SHA-256 is kept."""

    __tablename__ = "keys"

    id: str = Field(primary_key=True)
    hash: str = Field(unique=True, index=True)
    role: str
    unit: str | None = None
    label: str
    created_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class ReadRow(SQLModel, table=True):
    """A read of personal data by staff, or its erasure. Append-only."""

    __tablename__ = "reads"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    )
    at: datetime = Field(sa_type=Instant)
    case_number: str = Field(index=True)
    role: str
    actor_id: str
    actor_unit: str | None = None
    what: str
    """`case`, `timeline`, `search`, `record`, `attachment` …; `erased` when it was removed."""


class AttemptRow(SQLModel, table=True):
    """Wrong codes given for a case, or by a client, since the last right one."""

    __tablename__ = "attempts"
    __table_args__: ClassVar[Any] = (
        Index("ix_attempts_last_at", "last_at"),
        Index("ix_attempts_clients", "last_at", sqlite_where=OF_CLIENT, postgresql_where=OF_CLIENT),
    )

    subject: str = Field(primary_key=True)
    """`case:<number>` or `client:<address>`."""
    failures: int
    last_at: datetime = Field(sa_type=Instant)
    locked_until: datetime | None = Field(default=None, sa_type=Instant)

"""What is sent to us: that the same thing counts once, and what was refused."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from ledger.instant import Instant


class RefusedRow(SQLModel, table=True):
    """A message from outside that was refused, kept for inspection; the newest are kept. Its body may be personal."""

    __tablename__ = "refused"
    __table_args__: ClassVar[Any] = (Index("ix_refused_source_id", "source", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    """Never given twice."""
    at: datetime = Field(sa_type=Instant, index=True)
    source: str
    """Where it came in: `unit:<code>`, `partner:<code>`, `events`, `mqtt`."""
    reason: str
    """Code of the refusal."""
    detail: str
    """What is wrong with it, in one sentence that repeats nothing of it."""
    body: str = Field(sa_type=Text, repr=False)
    """Its beginning, as it came."""


class RefusalCountRow(SQLModel, table=True):
    """How many messages from a source were refused for one reason, those no longer kept too."""

    __tablename__ = "refusal_counts"

    source: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    count: int
    last_at: datetime = Field(sa_type=Instant)


class RequestRow(SQLModel, table=True):
    """An idempotency key that was used for a step."""

    __tablename__ = "requests"

    scope: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    at: datetime = Field(sa_type=Instant)


class SendingRow(SQLModel, table=True):
    """A sending of a webhook that was taken, until it would be stale."""

    __tablename__ = "sendings"

    signature: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant, index=True)

"""What is sent to others, what they confirm, and how their systems fare."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from ledger.instant import Instant

TO_SYSTEMS = sql("party IN ('unit', 'partner')")
"""Of `messages`: those to whoever may have a system of its own."""
TO_PLATFORMS = sql("party IN ('citizen', 'grid')")
"""Those to the platforms that all cases share."""


class MessageRow(SQLModel, table=True):
    """A message to somebody, sent once; its text is personal."""

    __tablename__ = "messages"
    __table_args__: ClassVar[Any] = (
        Index("ix_messages_systems", "unit", "status", "sent_at", sqlite_where=TO_SYSTEMS, postgresql_where=TO_SYSTEMS),
        Index(
            "ix_messages_platforms",
            "party",
            "status",
            "sent_at",
            sqlite_where=TO_PLATFORMS,
            postgresql_where=TO_PLATFORMS,
        ),
    )

    key: str = Field(primary_key=True)
    """`<case>:<event>:<party>…`"""
    case_number: str = Field(foreign_key="cases.number", index=True)
    event: int
    party: str
    """`citizen`, `unit`, `grid` …"""
    unit: str | None = None
    """Code of the receiver, be it a unit, a grid or a partner."""
    template: str
    """The kind of the effect."""
    text: str = Field(sa_type=Text, repr=False)
    status: str
    """`held`, `sending`, `sent`, `failed`, `dropped` or `listed`; after a receipt `delivered` or `undelivered`."""
    attempts: int = 1
    reference: str | None = Field(default=None, index=True)
    """What the gateway calls it."""
    error: str | None = None
    """Code of the last failure, or of the receipt of a text that did not arrive."""
    created_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    held_until: datetime | None = Field(default=None, sa_type=Instant, index=True)
    """When a text that had to wait is tried (again)."""
    merged_into: str | None = Field(default=None, index=True)
    """Key of the message with which it was sent as one text; its own, where it waited alone."""
    reported_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the gateway's receipt came."""


class StrayReceiptRow(SQLModel, table=True):
    """A receipt for a text we know nothing of, or nothing yet; the newest are kept."""

    __tablename__ = "stray_receipts"
    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    """Never given twice: the highest is the number of strays so far."""
    gateway: str
    reference: str | None = Field(default=None, index=True)
    key: str | None = None
    delivered: bool
    code: str | None = None
    at: datetime = Field(sa_type=Instant)


class SystemRow(SQLModel, table=True):
    """How an outside system fared that has failed at least once."""

    __tablename__ = "systems"

    system: str = Field(primary_key=True)
    down_since: datetime | None = Field(default=None, sa_type=Instant)
    """When the first failure was since its last success; None when it works again."""
    failures: int = 0
    """Failures since then."""
    last_failure_at: datetime = Field(sa_type=Instant)
    last_error: str
    """Code of the last failure."""
    reported_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was last reported that it is down."""
    back_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was last found to work again."""

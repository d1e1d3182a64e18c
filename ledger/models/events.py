"""What happened to a case: events, their words, and the measures that were raised."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Index, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from ledger.instant import Instant

BEGINNINGS = sql("kind IN ('dispatched', 'redispatched', 'rework_ordered', 'result_submitted')")
"""Of `events`: those with which a unit begins to have something to do, or has done it."""

TAKEN_OVER = sql("kind = 'transfer_acknowledged'")
"""Of `events`: those with which a partner takes a case over."""


class EventRow(SQLModel, table=True):
    """One thing that happened to a case. Append-only: the database itself refuses to change or lose a row."""

    __tablename__ = "events"
    __table_args__: ClassVar[Any] = (
        Index("ix_events_beginnings", "at", sqlite_where=BEGINNINGS, postgresql_where=BEGINNINGS),
        Index("ix_events_taken_over", "at", sqlite_where=TAKEN_OVER, postgresql_where=TAKEN_OVER),
    )

    case_number: str = Field(primary_key=True, foreign_key="cases.number")
    n: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    kind: str
    role: str
    actor_id: str
    actor_unit: str | None = None
    unit: str | None = None
    clock: str | None = None
    due: datetime | None = Field(default=None, sa_type=Instant)
    provisional: bool = False
    action: str | None = None
    note: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON, nullable=False)
    sealed: str | None = None
    """Hash of the personal words that belong to it: the request's with the first event, else its note's."""
    hash: str | None = None
    """Hash over this event and the hash of the one before: see ledger/chain.py."""


class VoidedEventRow(SQLModel, table=True):
    """An event written for a step that then never happened, because everything died before the engine had kept it."""

    __tablename__ = "voided_events"

    id: int | None = Field(default=None, primary_key=True)
    case_number: str = Field(foreign_key="cases.number", index=True)
    n: int
    at: datetime = Field(sa_type=Instant)
    voided_at: datetime = Field(sa_type=Instant)
    event: dict[str, Any] = Field(default_factory=dict, sa_type=JSON, nullable=False)


class NoteRow(SQLModel, table=True):
    """A free text of a step (a result, a reason); personal."""

    __tablename__ = "notes"

    id: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.number", index=True)
    author_role: str
    author_id: str
    text: str = Field(sa_type=Text, repr=False)
    created_at: datetime = Field(sa_type=Instant)
    salt: str | None = Field(default=None, repr=False)
    """Hides what `sealed` commits to; erased with the text."""
    sealed: str | None = None
    """Hash over salt and text, which the event that names the note carries into the chain."""


class MeasureRow(SQLModel, table=True):
    """A supervision order, circular, interview or discipline referral that was raised."""

    __tablename__ = "measures"

    key: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.number", index=True)
    event: int
    action: str = Field(index=True)
    unit: str | None = Field(default=None, index=True)
    """None when it is raised against the hotline itself."""
    situation: str | None = None
    clock: str | None = None
    due: datetime | None = Field(default=None, sa_type=Instant)
    at: datetime = Field(sa_type=Instant)

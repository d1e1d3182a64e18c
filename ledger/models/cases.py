"""A case as it came in and where it stands, with what belongs to it."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Index, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from ledger.instant import Instant

PERSONAL = ("name", "phone", "address", "title", "text", "longitude", "latitude", "vulnerable")
"""Columns of a case that tell whose it is: masked where they need not be known, sealed, and emptied by an erasure."""

UNERASED = sql("erased_at IS NULL")
"""Of `cases`: those that still have what `PERSONAL` names."""

FILED = sql("channel = 'open311'")
"""Of `cases`: those filed through Open311."""


class CaseRow(SQLModel, table=True):
    """A request as it came in, and where it stands: a projection of the last `Summary` recorded."""

    __tablename__ = "cases"
    __table_args__: ClassVar[Any] = (
        Index("ix_cases_first", "priority", "received_at", "number"),
        Index("ix_cases_unstarted", "number", sqlite_where=sql("started = 0"), postgresql_where=sql("NOT started")),
        Index("ix_cases_open311", "received_at", "number", sqlite_where=FILED, postgresql_where=FILED),
        Index("ix_cases_unerased", "closed_at", sqlite_where=UNERASED, postgresql_where=UNERASED),
    )

    number: str = Field(primary_key=True)
    received_at: datetime = Field(sa_type=Instant)
    channel: str

    name: str | None = Field(default=None, repr=False)
    phone: str | None = Field(default=None, index=True, repr=False)
    address: str | None = Field(default=None, sa_type=Text, repr=False)
    title: str = Field(repr=False)
    text: str = Field(sa_type=Text, repr=False)
    longitude: float | None = Field(default=None, repr=False)
    latitude: float | None = Field(default=None, repr=False)

    original_number: str | None = Field(default=None, index=True)
    """The request's number at the hotline or platform it comes from."""
    marks: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False)
    """Such as `no_contact`, `no_location`."""
    withheld: bool = False
    """Whether the citizen asked that unit and grid do not learn who they are."""
    vulnerable: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False, repr=False)
    """Who needs help: `alone`, `elderly`, `disabled`. Personal."""
    priority: int = 0
    """Lists show the highest first: 1 while a case of a vulnerable resident is open."""
    code: str | None = Field(default=None, repr=False)
    """What the citizen shows to track, supplement, hurry and rate; sent by text message only."""
    intake_key: str | None = Field(default=None, unique=True, index=True)
    intake_hash: str
    started: bool = False
    """Whether the engine has recorded anything of it."""
    rulebook_version: str
    opened_role: str
    opened_id: str
    ordered: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False)
    """Units to which the engine itself sends it as it opens, the lead first: those of a proactive case."""

    status: str = Field(index=True)
    outcome: str | None = None
    category: str = Field(index=True)
    item: str | None = None
    outage: bool = False
    province: bool = False
    lead: str | None = None
    assisting: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False)
    grid: str | None = Field(default=None, index=True)
    due: datetime | None = Field(default=None, sa_type=Instant, index=True)
    due_clock: str | None = None
    provisional: bool = False
    breaches: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False)
    breached: bool = Field(default=False, index=True)
    """Whether `breaches` names any clock: what the list asks for."""
    extended: bool = False
    rework_rounds: int = 0
    hurries: int = 0
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    last_event: int = 0
    """Number of the last event projected; 0 before the first."""

    head: str | None = None
    """Hash of the last event."""
    seal: str | None = None
    """Hash over head and standing: see ledger/chain.py."""
    salt: str | None = Field(default=None, repr=False)
    """Hides what `sealed` commits to; erased with the personal data."""
    sealed: str | None = None
    """Hash over salt and personal data, which the first event carries into the chain."""
    erased_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the personal data was removed."""
    unreachable_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when texts to its phone do not arrive."""


class CaseUnitRow(SQLModel, table=True):
    """A unit that has the case now, leading or assisting."""

    __tablename__ = "case_units"
    __table_args__: ClassVar[Any] = (Index("ix_case_units_unit", "unit", "case_number"),)

    case_number: str = Field(primary_key=True, foreign_key="cases.number")
    unit: str = Field(primary_key=True)
    lead: bool


class AttachmentRow(SQLModel, table=True):
    """A file that belongs to a case; its content is kept outside the database under its SHA-256."""

    __tablename__ = "attachments"

    case_number: str = Field(primary_key=True, foreign_key="cases.number")
    sha256: str = Field(primary_key=True, index=True)
    media_type: str
    size: int
    """Bytes."""
    author_role: str
    author_id: str
    at: datetime = Field(sa_type=Instant)


class FindingRow(SQLModel, table=True):
    """What an inspector found; personal, and read by inspectors only."""

    __tablename__ = "findings"

    id: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.number", index=True)
    author_id: str
    text: str = Field(sa_type=Text, repr=False)
    at: datetime = Field(sa_type=Instant)


class SerialRow(SQLModel, table=True):
    """The last serial number allotted in a city on a local day."""

    __tablename__ = "serials"

    city: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    last: int

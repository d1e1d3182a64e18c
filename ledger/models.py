"""The tables of the ledger. Instants are UTC. What has `repr=False` is personal, and never logged."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from ledger.instant import Instant

PERSONAL = ("name", "phone", "address", "title", "text", "longitude", "latitude", "vulnerable")
"""Columns of a case that tell whose it is: masked where they need not be known, sealed, and emptied by an erasure."""

UNERASED = sql("erased_at IS NULL")
"""Of `cases`: those that still have what `PERSONAL` names."""

FILED = sql("channel = 'open311'")
"""Of `cases`: those filed through Open311."""

UNENDED = sql("ended_at IS NULL")
UNTOLD = sql("recovered_at IS NOT NULL AND told_at IS NULL AND ended_at IS NULL AND case_number IS NOT NULL")
UNCONFIRMED = sql("ended_at IS NULL AND case_number IS NULL")
"""Of `alerts`: those still open, those whose case is to be told that all is well, those that may expire."""

TO_UNITS = sql("party = 'unit'")
"""Of `messages`: those to units."""

OF_CLIENT = sql("subject LIKE 'client:%'")
"""Of `attempts`: those of a client, not of a case."""


BEGINNINGS = sql("kind IN ('dispatched', 'redispatched', 'rework_ordered', 'result_submitted')")
"""Of `events`: those with which a unit begins to have something to do, or has done it."""


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
    """The request's number at the province or at 110."""
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


class EventRow(SQLModel, table=True):
    """One thing that happened to a case. Append-only: the database itself refuses to change or lose a row."""

    __tablename__ = "events"
    __table_args__: ClassVar[Any] = (
        Index("ix_events_beginnings", "at", sqlite_where=BEGINNINGS, postgresql_where=BEGINNINGS),
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


class MessageRow(SQLModel, table=True):
    """A message to somebody, sent once; its text is personal."""

    __tablename__ = "messages"
    __table_args__: ClassVar[Any] = (
        Index("ix_messages_units", "unit", "status", "sent_at", sqlite_where=TO_UNITS, postgresql_where=TO_UNITS),
    )

    key: str = Field(primary_key=True)
    """`<case>:<event>:<party>…`"""
    case_number: str = Field(foreign_key="cases.number", index=True)
    event: int
    party: str
    """`citizen`, `unit`, `grid` …"""
    unit: str | None = None
    template: str
    text: str = Field(sa_type=Text, repr=False)
    status: str
    """`held`, `sending`, `sent` or `failed`; after a receipt `delivered` or `undelivered`."""
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


class RefusedRow(SQLModel, table=True):
    """A message from outside that was refused, kept for inspection; the newest are kept. Its body may be personal."""

    __tablename__ = "refused"
    __table_args__: ClassVar[Any] = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    """Never given twice."""
    at: datetime = Field(sa_type=Instant)
    source: str = Field(index=True)
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


class AssetRow(SQLModel, table=True):
    """A thing that sensors watch: a device, meter, truck or customer account."""

    __tablename__ = "assets"

    code: str = Field(primary_key=True)
    kind: str
    """`device`, `meter`, `truck` or `account`."""
    unit: str = Field(index=True)
    """Whose it is, and who is sent there."""
    grid: str | None = None
    address: str | None = Field(default=None, sa_type=Text, repr=False)
    longitude: float | None = Field(default=None, repr=False)
    latitude: float | None = Field(default=None, repr=False)
    vulnerable: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False, repr=False)
    """Who lives there and needs help: `alone`, `elderly`, `disabled`. Personal."""


class AlertRow(SQLModel, table=True):
    """What sensors say is wrong with an asset, from the first reading on until it has ended; open at most once."""

    __tablename__ = "alerts"
    __table_args__: ClassVar[Any] = (
        Index("ix_alerts_open", "asset", "kind", unique=True, sqlite_where=UNENDED, postgresql_where=UNENDED),
        Index("ix_alerts_joined", "unit", "kind", "area", "confirmed_at"),
        Index("ix_alerts_untold", "case_number", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
        Index("ix_alerts_unconfirmed", "expires_at", sqlite_where=UNCONFIRMED, postgresql_where=UNCONFIRMED),
    )

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    )
    asset: str = Field(foreign_key="assets.code", index=True)
    kind: str
    unit: str
    grid: str | None = None
    area: str | None = None
    """Grid within which alerts of this kind and unit are one case."""
    longitude: float | None = None
    latitude: float | None = None
    """Where a moving asset was, as its latest event said."""
    first_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    """Of its readings that say something is wrong."""
    recent: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False)
    """Instants of the latest of them, oldest first, while they have not confirmed it."""
    readings: int = 1
    last_value: float | None = None
    expires_at: datetime = Field(sa_type=Instant)
    """When it is forgotten, if nothing has confirmed it."""
    case_number: str | None = Field(default=None, foreign_key="cases.number", index=True)
    """Its proactive case, once it is confirmed."""
    opened: bool = False
    """Whether it opened that case; others joined it."""
    collective: bool = False
    """Whether that case is the collective one of its unit's hour."""
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    recovered_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when all is well again."""
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    """When its case was told so."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was over: expired or recovered unconfirmed, or its case was closed."""


class SensorEventRow(SQLModel, table=True):
    """An event that was taken in: a repetition of it changes nothing. Kept for as long as events may come late."""

    __tablename__ = "sensor_events"

    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    taken_at: datetime = Field(sa_type=Instant, index=True)
    alert: int | None = Field(default=None, sa_type=BigInteger)
    case_number: str | None = None


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


class UnitRow(SQLModel, table=True):
    """A handling unit of the city."""

    __tablename__ = "units"

    code: str = Field(primary_key=True)
    name: str
    kind: str
    phone: str | None = None
    reach: str
    """`people` (they sign in with us), `webhook` or `open311` (their system is told)."""
    endpoint: str | None = None
    """Name of the environment variable that holds the address of its system."""
    parent: str | None = None
    active: bool = True


class GridRow(SQLModel, table=True):
    """A grid of the city: `street`, `community`, `micro` or `exclusive`."""

    __tablename__ = "grids"

    code: str = Field(primary_key=True)
    name: str
    level: str
    parent: str | None = Field(default=None, index=True)
    unit: str | None = None
    phone: str | None = None
    keywords: list[str] = Field(default_factory=list, sa_type=JSON, nullable=False)


class SerialRow(SQLModel, table=True):
    """The last serial number allotted in a city on a local day."""

    __tablename__ = "serials"

    city: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    last: int


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


class RequestRow(SQLModel, table=True):
    """An idempotency key that was used for a step."""

    __tablename__ = "requests"

    scope: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    at: datetime = Field(sa_type=Instant)


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


class FindingRow(SQLModel, table=True):
    """What an inspector found; personal, and read by inspectors only."""

    __tablename__ = "findings"

    id: str = Field(primary_key=True)
    case_number: str = Field(foreign_key="cases.number", index=True)
    author_id: str
    text: str = Field(sa_type=Text, repr=False)
    at: datetime = Field(sa_type=Instant)


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


class SystemRow(SQLModel, table=True):
    """How a system of units fared that has failed at least once."""

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

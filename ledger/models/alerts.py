"""What sensors watch, and what they say is wrong with it."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Text
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from ledger.instant import Instant

UNENDED = sql("ended_at IS NULL")
UNTOLD = sql("recovered_at IS NOT NULL AND told_at IS NULL AND ended_at IS NULL AND case_number IS NOT NULL")
UNCONFIRMED = sql("ended_at IS NULL AND case_number IS NULL")
"""Of `alerts`: those still open, those whose case is to be told that all is well, those that may expire."""

SAYS_WELL = sql("well_at IS NOT NULL")
"""Of `sensor_events`: those that say all is well."""


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
        Index("ix_alerts_joined", "unit", "kind", "confirmed_at"),
        Index("ix_alerts_untold", "case_number", sqlite_where=UNTOLD, postgresql_where=UNTOLD),
        Index("ix_alerts_unconfirmed", "expires_at", sqlite_where=UNCONFIRMED, postgresql_where=UNCONFIRMED),
    )

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    )
    asset: str = Field(index=True)
    """Code of the asset, which may have left the register since."""
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
    """Whether that case is a collective one of its unit and kind."""
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    recovered_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was last said that all is well again."""
    steady_at: datetime | None = Field(default=None, sa_type=Instant)
    """From when on that has lasted long enough to close its case."""
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    """When its case was told so."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was over: expired or recovered unconfirmed, or its case was closed."""


class SensorEventRow(SQLModel, table=True):
    """An event that was taken in: a repetition of it changes nothing. Kept for as long as events may come late."""

    __tablename__ = "sensor_events"
    __table_args__: ClassVar[Any] = (
        Index("ix_sensor_events_well", "asset", "kind", "well_at", sqlite_where=SAYS_WELL, postgresql_where=SAYS_WELL),
    )

    asset: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    kind: str
    well_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it happened, if it says that all is well."""
    taken_at: datetime = Field(sa_type=Instant, index=True)
    alert: int | None = Field(default=None, sa_type=BigInteger)
    case_number: str | None = None

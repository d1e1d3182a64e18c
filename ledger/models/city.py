"""The city as its cases refer to it: units, grids, and the numbers of the day."""

from datetime import date

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel


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

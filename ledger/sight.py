"""Which cases somebody may see, as conditions of a query: the same for one case and for a list."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, literal_column, select

from ledger.tables import CASE_UNITS, CASES


@dataclass(frozen=True)
class Sight:
    """The cases of any of these units, in any of these grids; None sets no bounds."""

    units: frozenset[str] | None = None
    grids: frozenset[str] | None = None
    identities: bool = True
    """Whether it shows who a citizen is who asked that it be withheld."""
    open311: bool = False
    """Only what was filed through Open311."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """What holds of a case that is seen."""
        if self.units is not None:
            yield CASES.c.number.in_(select(CASE_UNITS.c.case_number).where(CASE_UNITS.c.unit.in_(self.units)))
        if self.grids is not None:
            yield CASES.c.grid.in_(self.grids)
        if self.open311:
            # Written out: with a parameter SQLite would not use the index on just these.
            yield CASES.c.channel == literal_column("'open311'")


EVERYTHING = Sight()
"""Sight without bounds."""

"""Utilities' own grids on top of the city's, read from `crews.toml`.

A heating company's crews stand for communities and its keepers for micro-grids (004), a water company's stewards for
the grids they walk (000, 003). A unit is told with each order who of its own people the place belongs to.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from domain.grids import Grid, lineage
from domain.rulebook import Frozen
from domain.tables import Code, Name, Phone, by_code, check_known, read_as


class Crew(Frozen):
    """People of a unit who look after certain grids and all below them."""

    code: Code
    unit: Code
    kind: Literal["crew", "keeper", "steward"]
    """班组, 专管员 or 水管家."""
    name: Name
    phone: Phone | None = Field(default=None, repr=False)
    grids: Annotated[tuple[Code, ...], Field(min_length=1)]


class _File(Frozen):
    crew: tuple[Crew, ...] = ()


def load_crews(path: Path, units: Collection[str], grids: Collection[str]) -> dict[str, Crew]:
    """Read the units' own grids, by code, in the order of the file; there may be none.

    Raises ConfigError naming the file, the key and what is wrong, also for a code given twice, and a unit or grid that
    does not exist.
    """
    rows = read_as(path, _File).crew
    for n, crew in enumerate(rows):
        check_known(path, f"crew.{n}.unit", crew.unit, units, "a unit")
        for grid in crew.grids:
            check_known(path, f"crew.{n}.grids", grid, grids, "a grid")
    return by_code(path, "crew", rows)


def crews_at(grid: str | None, crews: Mapping[str, Crew], grids: Mapping[str, Grid]) -> list[Crew]:
    """The units' own people for a grid: those who have the grid itself, then those who have the ones above it."""
    found = {crew.code: crew for place in lineage(grid, grids) for crew in crews.values() if place.code in crew.grids}
    return list(found.values())

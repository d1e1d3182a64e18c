"""网格: the neighbourhoods whose grid workers look after what happens there, read from `grids.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from domain.errors import ConfigError
from domain.matching import Word, plain
from domain.rulebook import Frozen
from domain.tables import Code, Name, Nested, Phone, by_code, check_known, read_as
from domain.units import Unit

Row = TypeVar("Row", bound=Nested)

FINENESS = {"street": 0, "community": 1, "micro": 2, "exclusive": 2}
"""How small the grids of a level are; an exclusive grid (专属网格) serves one busy place, and is as fine as any."""


class Member(Frozen):
    """网格员: somebody who looks after a grid. Name and phone are contacts of work: shown to staff, never logged."""

    name: Name = Field(repr=False)
    role: Literal["head", "worker", "assistant"] = "worker"
    """网格长, 网格员 or 协管员."""
    duty: Name | None = None
    """What of the grid's work is theirs, if not all of it."""
    phone: Phone | None = Field(default=None, repr=False)


class Grid(Frozen):
    """A street, a community, a micro-grid, or an exclusive grid."""

    code: Code
    name: Name
    level: Literal["street", "community", "micro", "exclusive"]
    parent: Code | None = None
    unit: Code | None = None
    """The district or street that leads there (属地); without it, that of the grid it belongs to."""

    phone: Phone | None = None
    words: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Words of an address that mean this grid."""

    members: tuple[Member, ...] = ()
    """Its people; the first goes when something happens."""


class _File(Frozen):
    grid: Annotated[tuple[Grid, ...], Field(min_length=1)]


def load_grids(path: Path) -> dict[str, Grid]:
    """Read a city's grids, by code, in the order of the file.

    Raises ConfigError naming the file, the key and what is wrong, also for a code given twice, and a parent that is
    unknown or not of a coarser level.
    """
    rows = read_as(path, _File).grid
    grids = by_code(path, "grid", rows)
    for n, grid in enumerate(rows):
        if grid.parent is not None:
            key = f"grid.{n}.parent"
            check_known(path, key, grid.parent, grids, "a grid")
            if FINENESS[grids[grid.parent].level] >= FINENESS[grid.level]:
                raise ConfigError(path, key, f"'{grid.parent}' is no coarser grid than '{grid.code}'")
    return grids


def grid_of(address: str | None, grids: Mapping[str, Grid], units: Mapping[str, Unit]) -> Grid | None:
    """The grid one of whose words stands in `address`: an exclusive one before all, else the finest.

    Of several as fine, the one with the longest such word, then the one with which more of the grids above it and of
    the units that lead there are named; between equals the order of the file decides. None when no grid is meant, any
    of several that share a name, or an ordinary one of another district than the address names.
    """
    where = plain(address or "")
    named = _named(where, grids, units)
    if not named:
        return None

    def certainty(code: str) -> tuple[bool, int, int, int]:
        around = sum(grid.code in named for grid in lineage(code, grids))
        leading = sum(plain(unit.name) in where for unit in _leading(code, grids, units))
        return *precedence(grids[code]), len(named[code]), around + leading

    likeliest = max(named, key=certainty)
    equals = [code for code in named if code != likeliest and certainty(code) == certainty(likeliest)]
    return None if any(named[code] == named[likeliest] for code in equals) else grids[likeliest]


def _named(where: str, grids: Mapping[str, Grid], units: Mapping[str, Unit]) -> dict[str, str]:
    """The grids that may be meant, by code, each with the longest of its words in `where`."""
    words = {grid.code: [word for word in grid.words if word in where] for grid in grids.values()}
    districts = {unit.code for unit in units.values() if unit.kind == "district" and plain(unit.name) in where}

    def elsewhere(code: str) -> bool:
        leading = {unit.code for unit in _leading(code, grids, units)}
        # An exclusive grid is known by itself, whichever of the districts around it somebody names.
        return bool(districts and leading) and districts.isdisjoint(leading) and grids[code].level != "exclusive"

    return {code: max(found, key=len) for code, found in words.items() if found and not elsewhere(code)}


def _leading(code: str, grids: Mapping[str, Grid], units: Mapping[str, Unit]) -> list[Unit]:
    return lineage(unit_of(code, grids), units)


def precedence(grid: Grid) -> tuple[bool, int]:
    """What decides between several grids of one place, the greatest: exclusive before ordinary, then the finest."""
    return grid.level == "exclusive", FINENESS[grid.level]


def lineage(code: str | None, rows: Mapping[str, Row]) -> list[Row]:
    """The grid or unit of that code and those above it, nearest first; none for a code that is not the city's."""
    found: list[Row] = []
    row = rows.get(code or "")
    while row is not None:
        found.append(row)
        row = rows.get(row.parent or "")
    return found


def unit_of(code: str, grids: Mapping[str, Grid]) -> str | None:
    """The unit that leads in a grid: its own, or that of the nearest grid above it that has one."""
    return next((grid.unit for grid in lineage(code, grids) if grid.unit is not None), None)


def who_goes(code: str | None, grids: Mapping[str, Grid]) -> Member | None:
    """The member to go to a grid: its first, or the first of the nearest grid above it that has any."""
    return next((member for grid in lineage(code, grids) for member in grid.members), None)

"""网格: the neighbourhoods whose grid workers look after what happens there, read from `grids.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from domain.errors import ConfigError
from domain.matching import Word, plain
from domain.rulebook import Frozen
from domain.tables import Code, Name, Phone, by_code, check_known, read_as

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


def grid_of(address: str | None, grids: Mapping[str, Grid]) -> Grid | None:
    """The grid one of whose words stands in `address`: an exclusive one before all, else the finest.

    Of several as fine, the one with the longest such word, then the one that more of the grids above it are named with;
    between equals the order of the file decides. None when no grid is meant.
    """
    where = plain(address or "")
    words = {grid.code: [word for word in grid.words if word in where] for grid in grids.values()}
    named = {code: max(map(len, found)) for code, found in words.items() if found}

    def certainty(code: str) -> tuple[bool, int, int, int]:
        above = sum(grid.code in named for grid in lineage(code, grids))
        return *precedence(grids[code]), named[code], above

    return grids[max(named, key=certainty)] if named else None


def precedence(grid: Grid) -> tuple[bool, int]:
    """What decides between several grids of one place, the greatest: exclusive before ordinary, then the finest."""
    return grid.level == "exclusive", FINENESS[grid.level]


def lineage(code: str | None, grids: Mapping[str, Grid]) -> list[Grid]:
    """The grid of that code and those above it, nearest first; none for a code that is not the city's."""
    found: list[Grid] = []
    grid = grids.get(code or "")
    while grid is not None:
        found.append(grid)
        grid = grids.get(grid.parent or "")
    return found


def who_goes(code: str | None, grids: Mapping[str, Grid]) -> Member | None:
    """The member to go to a grid: its first, or the first of the nearest grid above it that has any."""
    return next((member for grid in lineage(code, grids) for member in grid.members), None)

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
    """The finest grid one of whose words stands in `address`; of several as fine, the one with the longest such word.

    None when no grid is meant. Between equals the order of the file decides.
    """
    where = plain(address or "")
    matches = [
        (FINENESS[grid.level], len(word), grid) for grid in grids.values() for word in grid.words if word in where
    ]
    return max(matches, key=lambda match: match[:2])[2] if matches else None

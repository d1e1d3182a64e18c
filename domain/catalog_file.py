"""`catalog.toml`: the one place where a city's dispatch catalog is kept, and the checks it must pass."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import tomli_w
from pydantic import Field

from domain.catalog import Item, Matter, VersionedCatalog
from domain.errors import ConfigError
from domain.matching import Word
from domain.rulebook import Frozen, Rulebook
from domain.tables import Code, Name, check_known, read_as

Areas = dict[Name, Annotated[dict[Word, Code], Field(min_length=1)]]
"""Tables, by name, of a word of an address → the unit that leads there."""


class Row(Matter):
    """One `[[item]]`: a version of a matter."""

    areas: Name | None = None
    """Name of one of the file's `[areas.<name>]` tables: many matters are divided in the same way."""


class CatalogFile(Frozen):
    """What stands in the file: tables of areas, and items in the order that decides between equals."""

    areas: Areas = Field(default_factory=dict)
    item: Annotated[tuple[Row, ...], Field(min_length=1)]


class RowFault(NamedTuple):
    """What is wrong with one field of the row with that index."""

    row: int
    field: str
    problem: str


def row_faults(
    rows: Sequence[Row], areas: Collection[str], units: Collection[str], rules: Rulebook
) -> Iterator[RowFault]:
    """Everything in which rows disagree with each other, with the tables of areas, the units and the rulebook."""
    for n, row in enumerate(rows):
        for field, problem in (*_codes(row, areas, units, rules), *_limit(row, rules)):
            yield RowFault(n, field, problem)
    yield from _versions(rows)


def _codes(row: Row, areas: Collection[str], units: Collection[str], rules: Rulebook) -> Iterator[tuple[str, str]]:
    if row.category not in rules.categories:
        yield "category", f"'{row.category}' is not a category of this city"
    if row.lead not in units:
        yield "lead", f"'{row.lead}' is not a unit of this city"
    named = {row.lead}
    for unit in row.assisting:
        if unit not in units:
            yield "assisting", f"'{unit}' is not a unit of this city"
        elif unit in named:
            yield "assisting", f"'{unit}' is named twice"
        named.add(unit)
    if row.areas is not None and row.areas not in areas:
        yield "areas", f"'{row.areas}' is not one of the [areas] tables of this city"


def _limit(row: Row, rules: Rulebook) -> Iterator[tuple[str, str]]:
    # As with a category's: what the province takes off, and an extension adds, are working days.
    if row.limit is not None and (row.limit.unit != "wd" or row.limit.amount <= rules.province_deduction):
        yield "limit", f"{row.limit} is not working days, more than province.deduction ({rules.province_deduction})"
    if row.limit is not None and row.limit_source is None:
        yield "limit_source", "is missing: a limit of its own says where it comes from"
    if row.limit is None and row.limit_source is not None:
        yield "limit", "is missing, though limit_source is given"


def _versions(rows: Sequence[Row]) -> Iterator[RowFault]:
    matters: dict[str, list[int]] = {}
    for n in sorted(range(len(rows)), key=lambda n: rows[n].begins):
        matters.setdefault(rows[n].code, []).append(n)
    for versions in matters.values():
        for n, following in zip(versions, [*versions[1:], None], strict=True):
            yield from _version(rows, n, following)


def _version(rows: Sequence[Row], n: int, following: int | None) -> Iterator[RowFault]:
    row = rows[n]
    if row.ends < row.begins:
        yield RowFault(n, "valid_until", f"{row.valid_until} is before valid_from")
    if following is None:
        return
    if rows[following].begins == row.begins:
        since = f" from {row.valid_from}" if row.valid_from else ""
        yield RowFault(following, "code", f"'{row.code}' is given twice{since}")
    elif row.valid_until and row.valid_until >= rows[following].begins:
        yield RowFault(n, "valid_until", f"{row.valid_until} is in the next version, from {rows[following].valid_from}")


def check_areas(path: Path, areas: Mapping[str, Mapping[str, str]], units: Collection[str]) -> None:
    """Raise ConfigError when a table of areas names a unit that there is not."""
    for name, words in areas.items():
        for word, unit in words.items():
            check_known(path, f"areas.{name}.{word}", unit, units, "a unit")


def read_catalog_file(path: Path) -> CatalogFile:
    """Read the file by itself. Raises ConfigError naming the file, the key and what is wrong."""
    return read_as(path, CatalogFile)


def write_catalog_file(file: CatalogFile) -> str:
    """The file's text: one way to write each content, so that what did not change reads the same, line by line."""
    # Through JSON, in which dates are text, except for those: TOML has dates of its own.
    rows = [
        row.model_dump(mode="json", exclude_defaults=True)
        | {name: day for name in ("valid_from", "valid_until") if (day := getattr(row, name))}
        for row in file.item
    ]
    areas = {"areas": file.areas} if file.areas else {}
    return tomli_w.dumps({**areas, "item": rows})


def load_catalog(path: Path, units: Collection[str], rules: Rulebook) -> VersionedCatalog:
    """Read a city's catalog: `[[item]]` tables, one for each version, and `[areas.<name>]` tables that items name.

    `units` are the codes that exist. Raises ConfigError naming the file, the key and what is wrong, also for a unit,
    category or table of areas that does not exist, and for versions of a matter that leave open which is in force.
    """
    file = read_catalog_file(path)
    check_areas(path, file.areas, units)
    for fault in row_faults(file.item, file.areas, units, rules):
        raise ConfigError(path, f"item.{fault.row}.{fault.field}", fault.problem)
    return VersionedCatalog(versions=tuple(_item(row, file.areas) for row in file.item))


def _item(row: Row, tables: Areas) -> Item:
    areas = tables[row.areas] if row.areas else {}
    return Item(**row.model_dump(exclude={"areas"}), areas=areas)

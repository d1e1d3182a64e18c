"""What would go wrong in dispatch, all of it at once: for `jiesu catalog check`."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.catalog import Catalog, VersionedCatalog
from domain.catalog_file import CatalogFile, load_catalog, row_faults
from domain.city import load_city
from domain.errors import ConfigError, problem_of, read_toml
from domain.grids import Grid, load_grids, unit_of
from domain.open311 import OTHER
from domain.rulebook import Rulebook, load_rulebook
from domain.tables import with_those_below
from domain.units import Unit, load_units


def check_city(folder: Path, since: date) -> Iterator[str]:
    """Everything that stands in the way of dispatch from `since` (local) on, one sentence each.

    Items with no unit or service or shadowed by others, units with no contact, areas with no grid or lead unit,
    communities and micro-grids that cannot pass a case up, and whatever keeps a file from being used.
    """
    found = False
    try:
        rules, units = load_rulebook(folder / "rulebook.toml"), load_units(folder / "units.toml")
        grids = load_grids(folder / "grids.toml")
        for finding in (
            *catalog_findings(folder / "catalog.toml", units, rules, since),
            *without_contact(units),
            *without_grid(units, grids),
            *without_lead(units, grids),
            *without_parent(grids),
        ):
            found = True
            yield finding
        if not found:
            load_city(folder)
    except ConfigError as error:
        yield str(error)


def catalog_findings(path: Path, units: Mapping[str, Unit], rules: Rulebook, since: date) -> Iterator[str]:
    """What is wrong with the items and tables of areas of `catalog.toml`, by service code.

    Raises ConfigError when it is no catalog at all.
    """
    data = read_toml(path)
    try:
        file = CatalogFile.model_validate(data)
    except ValidationError as error:
        for fault in error.errors():
            yield f"{_place(fault['loc'], data)}: {problem_of(fault)}"
        return
    wrong = row_faults(file.item, file.areas, units, rules)
    faults = [f"item {file.item[fault.row].code}: {fault.field}: {fault.problem}" for fault in wrong]
    for table, words in file.areas.items():
        faults += [
            f"area {word} of table {table}: '{unit}' is not a unit of this city"
            for word, unit in words.items()
            if unit not in units
        ]
    yield from faults
    if not faults:
        catalog = load_catalog(path, units, rules)
        yield from unreachable(catalog, since)
        yield from without_service(units, catalog)


def without_contact(units: Mapping[str, Unit]) -> Iterator[str]:
    """Units that neither a telephone nor an order system of their own reaches."""
    for unit in units.values():
        if unit.phone is None and unit.endpoint is None:
            yield f"unit {unit.code} {unit.name}: no contact; give it a phone or an order system in units.toml"


def without_service(units: Mapping[str, Unit], catalog: VersionedCatalog) -> Iterator[str]:
    """Units reached as Open311 servers that have no service for an item they get, or one for no item."""
    items = {item.code for item in catalog.versions}
    for unit in units.values():
        for code in sorted(unit.services.keys() - items - {OTHER}):
            yield f"unit {unit.code} {unit.name}: services: '{code}' is not an item of the catalog"
    sent = {(item.code, to) for item in catalog.versions for to in (item.lead, *item.assisting, *item.areas.values())}
    for code, to in sorted(sent):
        services = units[to].services
        if services and not services.keys() & {code, OTHER}:
            yield f"item {code}: unit {to} has no service for it; name one in units.toml, or `{OTHER}`"


def without_grid(units: Mapping[str, Unit], grids: Mapping[str, Grid]) -> Iterator[str]:
    """Districts and streets in which no grid lies."""
    led = {grid.unit for grid in grids.values()}
    for unit in units.values():
        if unit.kind in ("district", "street") and not led & with_those_below(unit.code, units):
            yield f"area {unit.code} {unit.name}: no grid; name it as `unit` of a grid in grids.toml"


def without_lead(units: Mapping[str, Unit], grids: Mapping[str, Grid]) -> Iterator[str]:
    """Grids in which no unit of the city leads, neither there nor in a grid around them."""
    for grid in grids.values():
        if grid.unit is not None and grid.unit not in units:
            yield f"grid {grid.code} {grid.name}: '{grid.unit}' is not a unit of this city"
        elif unit_of(grid.code, grids) is None:
            yield f"grid {grid.code} {grid.name}: no lead unit; give it or the grid around it a `unit` in grids.toml"


def without_parent(grids: Mapping[str, Grid]) -> Iterator[str]:
    """Communities and micro-grids with no grid above them to which they could pass a case up (上报转单)."""
    for grid in grids.values():
        if grid.level in ("community", "micro") and grid.parent is None:
            yield f"grid {grid.code} {grid.name}: no grid above it; name it as `parent` in grids.toml"


def unreachable(catalog: VersionedCatalog, since: date) -> Iterator[str]:
    """Items in force on `since` (local) or later that no words lead to, because others are always suggested first."""
    days = [since, *(day for day in catalog.changes if day > since)]
    yield from dict.fromkeys(finding for day in days for finding in _shadowed(catalog.on(day)))


def _shadowed(catalog: Catalog) -> Iterator[str]:
    @cache  # many items may share a keyword
    def first(said: str) -> str:
        return catalog.suggest(said, limit=1)[0].item

    for item in catalog.items.values():
        # A full stop between keywords keeps the end of one and the beginning of the next from making a word.
        said = [*item.keywords, "。".join(item.keywords)]
        if not any(first(words) == item.code for words in said):
            others = ", ".join(dict.fromkeys(map(first, said)))
            yield f"item {item.code} {item.name}: cannot be reached; whatever its keywords find, {others} comes first"


def _place(loc: tuple[int | str, ...], data: Mapping[str, Any]) -> str:
    """Where in the file, an item by its service code rather than its number."""
    match loc:
        case ("item", int(n), *keys):
            row = data["item"][n]
            code = row.get("code") if isinstance(row, dict) else None
            return ": ".join([f"item {code or f'no. {n + 1}'}", ".".join(map(str, keys))])
    return ".".join(map(str, loc))

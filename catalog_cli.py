"""`jiesu catalog`: the dispatch catalog to Excel and back, and what is wrong with it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from console import complain, counted, plain_errors, tell_faults
from domain.catalog_check import check_city
from domain.catalog_file import CatalogFile, check_areas, read_catalog_file, write_catalog_file
from domain.catalog_sheet import read_areas, read_items, write_areas, write_items
from domain.errors import ConfigError
from domain.rulebook import load_rulebook
from domain.sheet import BadSheet
from domain.units import load_units
from settings import read_settings

catalog = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The dispatch catalog: to Excel and back, and what is wrong with it.",
)

OfAreas = Annotated[bool, typer.Option("--areas", help="The tables of areas instead of the items.")]


@catalog.command()
def export(
    file: Annotated[typer.FileBinaryWrite | None, typer.Argument(help="File to write instead of printing.")] = None,
    areas: OfAreas = False,
) -> None:
    """Write all versions of all items as CSV (UTF-8) for Excel; `jiesu catalog import` takes it back."""
    with _plain_errors():
        kept = read_catalog_file(_path())
        typer.echo(write_areas(kept.areas) if areas else write_items(kept), file, nl=False)


@catalog.command("import")
def import_sheet(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV in UTF-8 or GB18030.")],
    areas: OfAreas = False,
) -> None:
    """Put the items of FILE in place of those of the city's catalog.toml.

    Only as a whole: whatever is wrong is named, all of it, with line, column and what to do (status 1), and nothing
    changes. Comments stay at the head of catalog.toml only. Worker and API take it up when they start anew; cases that
    run keep what they started under.
    """
    with _plain_errors():
        path = _path()
        kept = read_catalog_file(path)
        try:
            new = _with_areas(kept, file, path) if areas else _with_items(kept, file, path)
        except BadSheet as error:
            tell_faults(file, error.faults, f"{path.name} is as it was")
        if new != kept:
            _replace(path, new)
    typer.echo(f"{path}: {_changes(_entries(kept, areas), _entries(new, areas))}")


@catalog.command()
def check() -> None:
    """Find items with no unit or out of reach, units with no contact, areas with no grid or lead unit (status 1)."""
    with _plain_errors():
        folder = read_settings().city_folder
        zone = load_rulebook(folder / "rulebook.toml").days.zone
        findings = list(check_city(folder, datetime.now(UTC).astimezone(ZoneInfo(zone)).date()))
    for finding in findings:
        typer.echo(finding)
    typer.echo(counted(len(findings), "finding") if findings else "nothing found")
    raise typer.Exit(1 if findings else 0)


def _path() -> Path:
    return read_settings().city_folder / "catalog.toml"


def _with_items(kept: CatalogFile, file: Path, path: Path) -> CatalogFile:
    units, rules = load_units(path.with_name("units.toml")), load_rulebook(path.with_name("rulebook.toml"))
    check_areas(path, kept.areas, units)
    return CatalogFile(areas=kept.areas, item=read_items(file.read_bytes(), kept.areas, units, rules))


def _with_areas(kept: CatalogFile, file: Path, path: Path) -> CatalogFile:
    areas = read_areas(file.read_bytes(), load_units(path.with_name("units.toml")))
    if orphans := [f"{row.code} ({row.areas})" for row in kept.item if row.areas and row.areas not in areas]:
        raise ConfigError(file, "", f"lacks tables of areas that items name; change these first: {', '.join(orphans)}")
    return CatalogFile(areas=areas, item=kept.item)


def _replace(path: Path, file: CatalogFile) -> None:
    """Write the file anew under its old head of comments, at once or not at all."""
    lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    head = "".join(takewhile(lambda line: line.startswith("#") or not line.strip(), lines))
    written = path.with_suffix(".toml.new")
    written.write_text(head + write_catalog_file(file), encoding="utf-8")
    os.replace(written, path)


def _entries(file: CatalogFile, areas: bool) -> dict[Any, Any]:
    if areas:
        return {(table, word): unit for table, words in file.areas.items() for word, unit in words.items()}
    return {(row.code, row.valid_from): row for row in file.item}


def _changes(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> str:
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = sum(before[key] != after[key] for key in before.keys() & after.keys())
    return f"{counted(len(after), 'row')}: {len(added)} added, {changed} changed, {len(removed)} removed"


@contextmanager
def _plain_errors() -> Iterator[None]:
    with plain_errors():
        try:
            yield
        except OSError as error:
            complain(f"{error.filename}: {error.strerror}")

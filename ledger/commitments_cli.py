"""`jiesu commitments`: how a unit kept its own commitments, as a table."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import typer

from console import on_ledger
from domain.city import load_city
from domain.commitment_report import Tally, period_of
from ledger.commitments import commitment_report
from settings import Settings

HEAD = ("unit", "commitment", "orders", "met", "missed", "running", "dropped", "rate", "median", "p90")


def run(settings: Settings, unit: str, first: date | None, last: date | None) -> None:
    """Print what began on those local days (without `last` today's, without `first` of one day), as it stands now.

    Raises ValueError for a unit that the city does not have and for days that make no period.
    """
    city = load_city(settings.city_folder)
    if unit not in city.units:
        raise ValueError("there is no such unit in units.toml")
    now = datetime.now(UTC)
    last = last or city.local_day(now)
    since, until = period_of(first or last, last, city.zone)
    found = on_ledger(lambda ledger: commitment_report(ledger, city, unit, since, until, now))
    if not found:
        typer.echo(f"{unit} has made no commitments; units make them in units.toml")
        return
    for line in _table([HEAD, *map(_row, found)]):
        typer.echo(line)
    for tally in found:
        if tally.missed_cases:
            typer.echo(f"\n{tally.unit} {tally.code}, missed: {' '.join(tally.missed_cases)}")


def _row(tally: Tally) -> tuple[str, ...]:
    rate = "-" if tally.percent is None else f"{tally.percent}% ({tally.met}/{tally.decided})"
    counts = (tally.orders, tally.met, tally.missed, tally.running, tally.dropped)
    return (
        tally.unit, tally.code, *map(str, counts), rate, _time(tally.median_seconds), _time(tally.p90_seconds),
    )  # fmt: skip


def _time(seconds: int | None) -> str:
    return "-" if seconds is None else str(timedelta(seconds=seconds))


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]

"""`jiesu bench`: what it costs and how fast it is."""

import json
from collections.abc import Mapping
from typing import Annotated

import typer

from settings import read_settings

bench = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What it costs and how fast it is.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Clients = Annotated[int, typer.Option(min=1, max=1000, help="Clients that send them at the same time.")]


@bench.command()
def case(
    cases: Annotated[int, typer.Option(min=4, max=100_000, help="Lifecycles to run of each kind.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Measure what an ordinary case costs, and how fast cases go through the embedded engine."""
    from bench.case import run  # imported here, like all that follow, so that other commands start at once

    _print_figures(run(read_settings(), cases, _say).as_dict(), as_json)


@bench.command()
def intake(
    requests: Annotated[int, typer.Option(min=8, max=1_000_000, help="Requests to each of the two.")] = 4000,
    clients: Clients = 16,
    postgres: Annotated[str | None, typer.Option(help="URL of a PostgreSQL server to measure on as well.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast requests are accepted, and what it costs that none of them is ever lost."""
    from bench.intake import run

    _print_figures(run(read_settings(), requests, clients, postgres, _say), as_json)


@bench.command()
def notify(
    cases: Annotated[int, typer.Option(min=10, max=2000, help="Cases of each of the two kinds.")] = 120,
    per_second: Annotated[float, typer.Option(min=0.5, max=100, help="Cases a second.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Measure how soon units have their orders, while all are well, and while one is down and another slow."""
    from bench.notify import run

    _print_figures(run(read_settings(), cases, per_second, _say), as_json)


@bench.command()
def alerts(
    events: Annotated[int, typer.Option(min=200, max=1_000_000, help="Events to send each way.")] = 4000,
    clients: Clients = 16,
    as_json: AsJson = False,
) -> None:
    """Measure how fast events of sensors are taken in, and how few cases a flood of them opens."""
    from bench.alerts import run

    _print_figures(run(read_settings(), events, clients, _say), as_json)


@bench.command()
def codec(
    cases: Annotated[int, typer.Option(min=4, max=100_000, help="Lifecycles to run with the codec and without.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Measure what encryption costs a case, in bytes and milliseconds."""
    from bench.codec import run

    _print_figures(run(read_settings(), cases, _say).as_dict(), as_json)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _print_figures(figures: Mapping[str, float], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            typer.echo(f"{name:<24} {value:,.10g}")

"""The command line: one command, `jiesu`, with a subcommand for each thing a city does with it."""

import json
from datetime import datetime
from secrets import randbelow
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from bench.cli import bench
from catalog_cli import catalog
from console import PlainGroup
from domain.calendar import WorkCalendar, load_calendar
from domain.deadlines import DayRules, Explanation, explain
from domain.limits import Limit
from domain.roles import MAY, Role
from domain.rulebook import load_rulebook
from ledger.asset_cli import assets
from ledger.audit_cli import audit
from ledger.key_cli import keys
from settings import read_settings

DAY = ["%Y-%m-%d"]

app = typer.Typer(
    cls=PlainGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(keys, name="key")
app.add_typer(audit, name="audit")
app.add_typer(catalog, name="catalog")
app.add_typer(assets, name="assets")
app.add_typer(bench, name="bench")

codec = typer.Typer(no_args_is_help=True, help="Keys that encrypt what the engine keeps.")
app.add_typer(codec, name="codec")

calendar = typer.Typer(no_args_is_help=True, help="The working-day calendar.")
app.add_typer(calendar, name="calendar")


@app.callback()
def jiesu() -> None:
    """The engine of a city's 12345 hotline."""


# A limit or start that begins with "-" is no option: our own sentence says what is wrong with it.
@app.command(context_settings={"ignore_unknown_options": True})
def deadline(
    start: Annotated[str, typer.Argument(help="ISO 8601, local to the city unless it has an offset.")],
    limit: Annotated[str, typer.Argument(help="3wd working days, 2h natural hours, 1d natural days, 30min minutes.")],
    province: Annotated[bool, typer.Option("--province", help="Sent by the province: due earlier.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say when LIMIT ends that begins at START, and why, day by day."""
    folder = read_settings().city_folder
    rulebook, calendar = load_rulebook(folder / "rulebook.toml"), load_calendar(folder / "calendar.toml")
    length = Limit.parse(limit)
    if province:
        length = length.less(rulebook.province_deduction)
    explanation = explain(_read_start(start, rulebook.days), length, rulebook.days, calendar)
    if as_json:
        typer.echo(json.dumps(explanation.model_dump(mode="json"), ensure_ascii=False, indent=2))
    else:
        typer.echo(_as_text(explanation, length, rulebook.days, calendar))


@app.command()
def up() -> None:
    """Run everything on this machine in real time until Ctrl-C; a later start goes on where it was."""
    from sandbox.up import run  # imported here, like every service, so that `jiesu deadline` starts at once

    run(read_settings())


@app.command()
def demo() -> None:
    """Show the engine at work on eighteen requests; weeks pass in a minute. KEEP=1 leaves everything up afterwards."""
    from sandbox.demo import run

    status = run(read_settings())
    raise typer.Exit(status)


@app.command()
def chaos(
    cases: Annotated[int, typer.Option(min=1, max=5000, help="Cases of the load.")] = 300,
    kills: Annotated[int, typer.Option(min=0, max=1000, help="Processes killed while it runs.")] = 40,
    seed: Annotated[int | None, typer.Option(help="Load and kills of an earlier run; without it, new ones.")] = None,
) -> None:
    """Kill worker, API, Temporal server and PostgreSQL under a load of cases, then check that nothing was lost."""
    from sandbox.chaos import run

    status = run(read_settings(), cases=cases, kills=kills, seed=randbelow(1_000_000) if seed is None else seed)
    raise typer.Exit(status)


@codec.command("key")
def codec_key() -> None:
    """Print a fresh key, for JIESU_CODEC_KEYS or a file of keys."""
    from temporal.keyring import new_key

    typer.echo(new_key())


@codec.command("rotate")
def codec_rotate() -> None:
    """Put a fresh key in front of those of the file of keys; every process notices by itself."""
    from temporal.keyring import file_to_rotate, rotate

    path = file_to_rotate(read_settings())
    typer.echo(f"{path}: from now on {rotate(path)} encrypts; the keys after it still decrypt.")


@app.command()
def migrate() -> None:
    """Create the ledger's tables, or bring them up to date."""
    from ledger.migrate import upgrade

    upgrade(read_settings().ledger_url)


@calendar.command("apply")
def calendar_apply() -> None:
    """Have every open case count its deadlines under the city's present calendar, and record which moved."""
    from temporal.cli import apply

    reached, missed = apply(read_settings())
    typer.echo(f"{reached} open cases count by the present calendar" + (f"; {missed} did not answer" if missed else ""))
    raise typer.Exit(1 if missed else 0)


@app.command()
def commitments(
    unit: Annotated[str, typer.Argument(help="Code of the unit; those that belong to it are shown too.")],
    first: Annotated[datetime | None, typer.Option("--from", formats=DAY, help="First day; else the last.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=DAY, help="Last day; else today.")] = None,
) -> None:
    """Print how UNIT kept its own service commitments: what began on those days, as it stands now."""
    from ledger.commitments_cli import run

    run(read_settings(), unit, first.date() if first else None, last.date() if last else None)


@app.command()
def erase(
    case: Annotated[str | None, typer.Argument(help="Number of the case.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Every case whose retention is over.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove the personal data of CASE after its retention, and keep the anonymous record. Backups are not reached."""
    from ledger.erase_cli import run

    if due == (case is not None):
        raise ValueError("name a case, or give --due for every case whose retention is over")
    run(read_settings(), case, dry_run=dry_run)


@app.command()
def roles() -> None:
    """Print who may take which step: one row for each, one column for each post."""
    posts = [role for role in Role if role is not Role.SYSTEM]
    width = max(map(len, MAY))
    typer.echo(f"{'':<{width}}  {'  '.join(posts)}")
    for step, may_take in MAY.items():
        marks = (f"{'✓' if post in may_take else '·':^{len(post)}}" for post in posts)
        typer.echo(f"{step:<{width}}  {'  '.join(marks)}".rstrip())


def main() -> None:
    """Run the command line."""
    app()


def _read_start(text: str, rules: DayRules) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a start: write it as 2026-09-24T10:00, with or without an offset such as +08:00"
        ) from None
    return start if start.tzinfo else start.replace(tzinfo=ZoneInfo(rules.zone))


def _as_text(explanation: Explanation, limit: Limit, rules: DayRules, calendar: WorkCalendar) -> str:
    lines = [
        f"start     {explanation.start} {rules.zone}",
        f"limit     {limit} {limit.text}",
        "",
        *(f"  {day.date} {'✓' if day.counted else '✗'} {day.why}" for day in explanation.days),
        "",
        f"due       {explanation.due_text} {rules.zone}",
        f"calendar  {explanation.calendar}",
    ]
    if explanation.provisional:
        lines.append(
            f"provisional: the official arrangement is known from {calendar.covers_from} to {calendar.covers_until}; "
            "any other day is counted on weekends and statutory holidays, and may change"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

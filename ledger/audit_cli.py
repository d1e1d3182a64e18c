"""`jiesu audit`: prove that the ledger still says what it said, and hand out the full record of a case."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console import complain, on_ledger
from domain.city import load_city
from settings import read_settings

if TYPE_CHECKING:
    from ledger.audit import Findings
    from ledger.database import Ledger
    from ledger.dossier import Record

audit = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Prove that the ledger still says what it said; export records."
)


@audit.command()
def verify(
    case: Annotated[str | None, typer.Argument(help="Number of a case; without it, all are checked.")] = None,
    heads: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What `jiesu audit heads` wrote at an earlier day.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check every case's events, texts, standing and measures, and name the first bad event of each bad case.

    Status 1 if any is bad. It finds whatever was changed by somebody who does not make the hashes anew. Who owns the
    database could cut a chain back, or write it anew whole; that shows only in heads that were kept elsewhere.
    """
    found = on_ledger(lambda ledger: _verify(ledger, case, heads))
    if case is not None and not found.cases and not found.flaws:
        complain(f"there is no case {case}")
    if as_json:
        flaws = [{"case": f.case, "event": f.event, "what": f.what, "what_zh": f.what_zh} for f in found.flaws.values()]
        counts = {"cases": found.cases, "events": found.events, "voided": found.voided, "erased": found.erased}
        typer.echo(json.dumps({"whole": not flaws, **counts, "flaws": flaws}, ensure_ascii=False, indent=2))
    else:
        for flaw in found.flaws.values():
            typer.echo(str(flaw))
        typer.echo(
            f"{found.cases} cases, {found.events} events, {found.voided} voided events, {found.erased} erased cases: "
            + (f"{len(found.flaws)} cases are not as recorded" if found.flaws else "all as recorded")
        )
    raise typer.Exit(1 if found.flaws else 0)


@audit.command()
def heads() -> None:
    """Write a line per case: its number, the number of its last event, its head. Keep them where nobody can reach them.

    `jiesu audit verify --heads FILE` checks that every one of them is still in its chain.
    """
    from ledger.audit import list_heads

    on_ledger(lambda ledger: list_heads(ledger, typer.echo))


@audit.command()
def export(
    case: Annotated[str, typer.Argument(help="Number of the case.")],
    html: Annotated[bool, typer.Option("--html", help="A page to read and print instead of JSON.")] = False,
    output: Annotated[Path | None, typer.Option(dir_okay=False, help="File to write instead of printing.")] = None,
) -> None:
    """Write the full record of CASE, personal data included; that it was read is recorded. Without findings."""
    record = on_ledger(lambda ledger: _read(ledger, case))
    if record is None:
        complain(f"there is no case {case}")
    text = _page(record) if html else record.model_dump_json(indent=2)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        complain(f"{output} cannot be written: {error.strerror}")


async def _verify(ledger: "Ledger", case: str | None, heads: Path | None) -> "Findings":
    from ledger.audit import count_cases, verify

    total = await count_cases(ledger) if case is None else 1
    with typer.progressbar(length=total, label="cases", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.pos)

        if heads is None:
            return await verify(ledger, case, progress=show)
        with heads.open(encoding="utf-8", errors="replace") as lines:
            return await verify(ledger, case, lines, show)


async def _read(ledger: "Ledger", case: str) -> "Record | None":
    from ledger.access_log import CONSOLE, note_read
    from ledger.dossier import gather

    city = load_city(read_settings().city_folder)
    record = await ledger.run(gather, case, city, findings=False, reads=True)
    if record is not None and record.request.erased_at is None:
        async with ledger.session() as session:
            await note_read(session, CONSOLE, case, "record")
    return record


def _page(record: "Record") -> str:
    from ledger.dossier_page import render

    return render(record, load_city(read_settings().city_folder))

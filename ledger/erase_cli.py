"""`jiesu erase`: one case, or every case whose retention is over."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import typer

from console import on_ledger
from ledger.database import Ledger, empty_log
from ledger.erasure import Personal, due, erase, how_many_due, personal_data
from settings import Settings

BATCH = 500
"""Cases looked up at once."""


def run(settings: Settings, number: str | None, *, dry_run: bool) -> None:
    """Erase a case, or without a number all that are due, each in a transaction of its own; say what was removed.

    Raises ValueError in one sentence for a case that may not be erased, and what `on_ledger` raises.
    """
    try:
        on_ledger(lambda ledger: _run(ledger, settings, number, dry_run=dry_run))
    except OSError as error:
        raise ValueError(f"an attached file cannot be removed ({type(error).__name__}); repeat it") from None


async def _run(ledger: Ledger, settings: Settings, number: str | None, *, dry_run: bool) -> None:
    keep, now = timedelta(days=settings.keep_personal_days), datetime.now(UTC)

    async def one(number: str) -> Personal:
        async with ledger.session() as session:
            if dry_run:
                return await personal_data(session, number, keep, now)
            return await erase(session, settings.attachments_folder, number, keep, now)

    async def all_due() -> tuple[Personal, int]:
        total, count, last = Personal(), 0, None
        async with ledger.session() as session:
            length = await how_many_due(session, keep, now)
        with typer.progressbar(length=length, file=sys.stderr, hidden=not sys.stderr.isatty()) as progress:
            while True:
                async with ledger.session() as session:
                    page = await due(session, keep, now, BATCH, last)
                if not page:
                    return total, count
                for case in page:
                    total += await one(case.number)
                    progress.update(1)
                count, last = count + len(page), page[-1]

    if number:
        total, whose = await one(number), number
    else:
        total, count = await all_due()
        whose = f"{count} cases"
    if not dry_run:
        await empty_log(ledger)
    amounts = ", ".join(f"{amount} {name}" for name, amount in asdict(total).items())
    typer.echo(f"{whose}: {amounts} {'would be removed' if dry_run else 'removed'}")

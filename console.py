"""What the commands of `jiesu` have in common: whatever stands against one is told in one sentence, with status 2."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer
from typer.core import TyperGroup

from domain.errors import ConfigError
from ledger.errors import Unreadable
from settings import read_settings

if TYPE_CHECKING:
    from domain.sheet import Fault
    from ledger.database import Ledger

T = TypeVar("T")

NO_TABLES = re.compile(r"no such (table|column)|has no column|UndefinedTable|UndefinedColumn")


class PlainGroup(TyperGroup):
    """Commands that may raise what says in one sentence why they cannot go on."""

    def invoke(self, ctx: Any) -> Any:
        with plain_errors():
            return super().invoke(ctx)


@contextmanager
def plain_errors() -> Iterator[None]:
    """End with what a foreseen error says, or with what a ledger that cannot be used needs."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except (ConfigError, Unreadable, ValueError, RuntimeError) as error:
        complain(str(error))
    except _ledger_errors() as error:
        if NO_TABLES.search(str(error)):
            complain("the ledger's tables are missing or not up to date: run `jiesu migrate` first")
        complain(f"the ledger does not answer ({type(error).__name__}); see JIESU_DATABASE_URL")


def complain(sentence: str) -> NoReturn:
    """End with one sentence and status 2."""
    typer.echo(f"jiesu: {sentence}", err=True)
    raise typer.Exit(2)


def counted(number: int, what: str) -> str:
    """`1 mistake`, `2 mistakes`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def tell_faults(file: Path, faults: Sequence["Fault"], then: str) -> NoReturn:
    """End with all that is wrong with a file, a line each, with what became of it, and with status 1."""
    for fault in faults:
        typer.echo(f"{file.name}: {fault}", err=True)
    typer.echo(f"{counted(len(faults), 'mistake')}; {then}", err=True)
    raise typer.Exit(1)


def on_ledger(work: Callable[["Ledger"], Awaitable[T]]) -> T:
    """Do some work on the ledger of this installation. Raises what SQLAlchemy does when it cannot be used."""
    from ledger.database import open_ledger  # SQLAlchemy takes long, and most commands do without

    async def run() -> T:
        ledger = open_ledger(read_settings().ledger_url)
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    return asyncio.run(run())


def _ledger_errors() -> tuple[type[Exception], ...]:
    if "sqlalchemy" not in sys.modules:
        return ()
    from sqlalchemy.exc import ProgrammingError

    from ledger.database import LEDGER_ERRORS

    return (*LEDGER_ERRORS, ProgrammingError)

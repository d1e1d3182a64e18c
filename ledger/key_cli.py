"""`jiesu key`: give out, list and revoke the API keys of people and systems."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from console import on_ledger
from domain.grids import load_grids
from domain.roles import Role
from domain.units import load_units
from settings import read_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from ledger.database import Ledger
    from ledger.models import KeyRow

T = TypeVar("T")

keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Give out, list and revoke API keys.")


@keys.command()
def create(
    role: Annotated[str, typer.Option(help="The post it is for; `jiesu roles` shows what each may do.")],
    unit: Annotated[str | None, typer.Option(help="The unit it is for; with --role grid, the grid.")] = None,
    label: Annotated[str, typer.Option(help="Whose key it is, for `jiesu key list`; no person's name.")] = "",
) -> None:
    """Make a key and print it on the last line; it cannot be seen again."""
    from ledger.keys import create_key

    post = _post(role, unit)
    secret = _in_session(lambda session: create_key(session, post, unit, " ".join(label.split())))
    typer.echo(f"A key for {post}{f' {unit}' if unit else ''}; keep it now, it is not shown again:")
    typer.echo(secret)


@keys.command(name="list")
def show() -> None:
    """List all keys, revoked ones too, oldest first; never their secrets."""
    from ledger.keys import list_keys

    rows = _in_session(list_keys)
    for row in rows:
        typer.echo(_line(row))


@keys.command()
def revoke(id: Annotated[str, typer.Argument(help="As `jiesu key list` shows it.")]) -> None:
    """Revoke a key from now on."""
    from ledger.keys import revoke_key

    if not _in_session(lambda session: revoke_key(session, id)):
        raise ValueError(f"there is no key {id!r} in force; see `jiesu key list`")
    typer.echo(f"{id} is revoked.")


def _post(role: str, unit: str | None) -> Role:
    """The role, if a key can be for it and the unit fits. Raises ValueError or ConfigError saying why not."""
    known = sorted(set(Role) - {Role.SYSTEM})
    if role not in known:
        raise ValueError(f"no key can be for role {role!r}, only for {', '.join(known)}")
    if role == Role.UNIT and unit is None:
        raise ValueError("role unit acts for a unit: name it with --unit")
    if unit is not None and unit not in _codes(role):
        raise ValueError(f"there is no {role} {unit!r} in this city")
    return Role(role)


def _codes(role: str) -> Collection[str]:
    folder = read_settings().city_folder
    if role == Role.UNIT:
        return load_units(folder / "units.toml")
    if role == Role.GRID:
        return load_grids(folder / "grids.toml")
    raise ValueError(f"role {role} acts for no unit: leave out --unit")


def _in_session(work: Callable[["AsyncSession"], Awaitable[T]]) -> T:
    async def run(ledger: "Ledger") -> T:
        async with ledger.session() as session:
            return await work(session)

    return on_ledger(run)


def _line(row: "KeyRow") -> str:
    state = f"revoked {_minute(row.revoked_at)}" if row.revoked_at else "in force"
    return (
        f"{row.id}  {row.role:<11}  {row.unit or '-':<20}  {_minute(row.created_at)}  {state:<25}  {row.label}".rstrip()
    )


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%MZ}"

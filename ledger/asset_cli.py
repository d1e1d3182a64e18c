"""`jiesu assets`: the register of what sensors watch, from Excel and back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console import counted, on_ledger, tell_faults
from domain.sheet import BadSheet
from settings import read_settings

assets = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Devices, meters, trucks and accounts that sensors watch."
)


@assets.command("import")
def import_sheet(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV in UTF-8 or GB18030.")],
) -> None:
    """Register the assets of FILE, changing those known already.

    Only as a whole: whatever is wrong is named, all of it, with line, column and what to do (status 1).
    """
    from domain.assets import read_assets
    from domain.city import load_city
    from ledger.assets import put_assets

    try:
        read = read_assets(file.read_bytes(), load_city(read_settings().city_folder))
    except BadSheet as error:
        tell_faults(file, error.faults, "nothing was registered")
    on_ledger(lambda ledger: ledger.run(put_assets, read))
    typer.echo(f"{counted(len(read), 'asset')}; {sum(asset.grid is None for asset in read)} of them in no grid")


@assets.command()
def export(
    file: Annotated[typer.FileBinaryWrite | None, typer.Argument(help="File to write instead of printing.")] = None,
) -> None:
    """Write all assets as CSV (UTF-8) for Excel; `jiesu assets import` takes it back. Addresses are personal."""
    from domain.assets import write_assets
    from ledger.assets import all_assets

    typer.echo(write_assets(on_ledger(lambda ledger: ledger.run(all_assets))), file, nl=False)


@assets.command()
def remove(codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="Assets that are out of use.")]) -> None:
    """Take assets out of the register; their alerts end, and cases opened for them stay with whoever has them."""
    from ledger.assets import remove_assets

    removed = on_ledger(lambda ledger: ledger.run(remove_assets, codes, datetime.now(UTC)))
    typer.echo(f"{removed} of {len(codes)} removed")

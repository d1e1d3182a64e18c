"""The register of assets that sensors watch."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from domain.assets import Asset
from ledger.database import begin_writing, insert_for
from ledger.models import AssetRow
from ledger.tables import ALERTS, ASSETS


def put_assets(connection: Connection, assets: Sequence[Asset]) -> None:
    """Register assets; one known already is changed, and those not named stay."""
    if not assets:
        return
    put = insert_for(connection.dialect.name, AssetRow)
    given = {column.name: put.excluded[column.name] for column in ASSETS.c if column.name != "code"}
    # In the order in which readings hold them, so that nobody waits for each other.
    ordered = sorted(assets, key=lambda asset: asset.code)
    rows = [asset.model_dump() | {"vulnerable": list(asset.vulnerable)} for asset in ordered]
    connection.execute(put.on_conflict_do_update(index_elements=["code"], set_=given), rows)


def remove_assets(connection: Connection, codes: Collection[str], at: datetime) -> int:
    """Take assets out of the register, and end their alerts at `at` (UTC); returns how many there were.

    Cases opened for them go on: whoever has them ends them.
    """
    begin_writing(connection)
    held = select(ASSETS.c.code).where(ASSETS.c.code.in_(codes)).order_by(ASSETS.c.code).with_for_update()
    found = connection.scalars(held).all()
    unended = ALERTS.c.asset.in_(found) & ALERTS.c.ended_at.is_(None)
    connection.execute(update(ALERTS).where(unended).values(ended_at=at))
    connection.execute(delete(ASSETS).where(ASSETS.c.code.in_(found)))
    return len(found)


def all_assets(connection: Connection) -> list[Asset]:
    """All assets, by code."""
    rows = connection.execute(select(ASSETS).order_by(ASSETS.c.code)).mappings()
    return [Asset.model_validate(dict(row)) for row in rows]

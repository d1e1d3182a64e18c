"""The register of assets that sensors watch."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from domain.assets import Asset
from ledger.database import insert_for
from ledger.models import AssetRow
from ledger.tables import ASSETS


def put_assets(connection: Connection, assets: Sequence[Asset]) -> None:
    """Register assets; one known already is changed, and those not named stay."""
    if not assets:
        return
    put = insert_for(connection.dialect.name, AssetRow)
    given = {column.name: put.excluded[column.name] for column in ASSETS.c if column.name != "code"}
    rows = [asset.model_dump() | {"vulnerable": list(asset.vulnerable)} for asset in assets]
    connection.execute(put.on_conflict_do_update(index_elements=["code"], set_=given), rows)


def all_assets(connection: Connection) -> list[Asset]:
    """All assets, by code."""
    rows = connection.execute(select(ASSETS).order_by(ASSETS.c.code)).mappings()
    return [Asset.model_validate(dict(row)) for row in rows]

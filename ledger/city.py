"""Units and grids of the city, as its files say."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from ledger.database import insert
from ledger.models import GridRow, UnitRow

CityRow = Mapping[str, Any] | BaseModel
Row = TypeVar("Row", bound=SQLModel)


async def sync_units(session: AsyncSession, rows: Iterable[CityRow]) -> None:
    """Make the units those of the city's files; one no longer there becomes inactive, for cases still name it.

    Fields a unit's row does not know are left out; a row that lacks one it needs raises pydantic.ValidationError.
    """
    given = await _upsert(session, UnitRow, rows)
    known = set(await session.scalars(select(col(UnitRow.code)).where(col(UnitRow.active))))
    for code in known - given:
        await session.execute(update(UnitRow).where(col(UnitRow.code) == code).values(active=False))


async def sync_grids(session: AsyncSession, rows: Iterable[CityRow]) -> None:
    """Make the grids those of the city's files; one no longer there is removed. Raises pydantic.ValidationError."""
    given = await _upsert(session, GridRow, rows)
    known = set(await session.scalars(select(col(GridRow.code))))
    for code in known - given:
        await session.execute(delete(GridRow).where(col(GridRow.code) == code))


async def _upsert(session: AsyncSession, table: type[Row], rows: Iterable[CityRow]) -> set[str]:
    values = [table.model_validate(_fields(row)).model_dump() for row in rows]
    if values:
        statement = insert(session, table)
        fresh = {name: statement.excluded[name] for name in values[0] if name != "code"}
        upsert = statement.on_conflict_do_update(index_elements=["code"], set_=fresh)
        await (await session.connection()).execute(upsert, values)
    return {row["code"] for row in values}


def _fields(row: CityRow) -> dict[str, Any]:
    return row.model_dump(mode="json") if isinstance(row, BaseModel) else dict(row)

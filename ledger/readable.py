"""Reading rows that somebody may have changed in the database: for what cannot be read, Unreadable names the case."""

from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import Connection, Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from domain.events import EventKind, Outcome, Status
from domain.roles import Role
from domain.rulebook import Action, ClockName
from ledger.errors import Unreadable
from ledger.models import CaseRow, EventRow, ReadRow
from ledger.tables import CASES

Row = TypeVar("Row", bound=SQLModel)

FOREIGN = (ValueError, TypeError)
"""What reading a value raises that is none of ours."""


class Facts(BaseModel):
    """Facts of an event that are read back; there are others."""

    now: datetime | None = None
    until: datetime | None = None
    outcome: Outcome | None = None
    ordered: list[str] = []
    recalled: list[str] = []


CODES: dict[type[SQLModel], dict[str, Any]] = {
    CaseRow: {
        "status": Status,
        "outcome": Outcome | None,
        "due_clock": ClockName | None,
        "breaches": list[ClockName],
        "opened_role": Role,
    },
    EventRow: {
        "kind": EventKind,
        "role": Role,
        "clock": ClockName | None,
        "action": Action | None,
        "facts": Facts,
    },
    ReadRow: {"role": Role},
}
"""What columns hold, where their type does not tell."""


async def read_rows(session: AsyncSession, number: str, rows: Select[Row]) -> list[Row]:
    """Rows that belong to a case. Raises Unreadable."""
    try:
        return [_known(row) for row in await session.scalars(rows)]
    except FOREIGN:
        raise Unreadable(number) from None


async def read_cases(session: AsyncSession, cases: Select[CaseRow]) -> list[CaseRow]:
    """Cases. Raises Unreadable for the first that is, if any: to leave it out would be to hide it."""
    try:
        return [_known(row) for row in await session.scalars(cases)]
    except FOREIGN:
        for number in list(await session.scalars(cases.with_only_columns(CASES.c.number))):
            await read_rows(session, number, cases.where(CASES.c.number == number))
        raise


def read_case(connection: Connection, case: Select[Any], values: dict[str, Any]) -> CaseRow | None:
    """The case that a prepared SELECT of all its columns finds, if any. Raises Unreadable."""
    try:
        found = connection.execute(case, values).mappings().first()
        return _known(CaseRow(**found)) if found else None
    except FOREIGN:
        number = connection.scalar(case.with_only_columns(CASES.c.number), values)
        raise Unreadable(str(number)) from None


def _known(row: Row) -> Row:
    _shape(type(row)).model_validate(row)
    return row


@cache
def _shape(row: type[SQLModel]) -> type[BaseModel]:
    codes = CODES.get(row, {})
    fields: dict[str, Any] = {name: (codes.get(name, of.annotation), ...) for name, of in row.model_fields.items()}
    return create_model(row.__name__, __config__=ConfigDict(from_attributes=True), **fields)

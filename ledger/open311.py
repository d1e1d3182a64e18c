"""Requests as Open311 apps search them: by service, time and whether they are closed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import EventKind
from domain.expectation import TELLING
from ledger.errors import Unreadable
from ledger.listing import ORDER
from ledger.models import CaseRow
from ledger.readable import FOREIGN, read_cases
from ledger.sight import Sight
from ledger.tables import CASES, EVENTS, NOTES

REPORTS = (EventKind.PROGRESS_REPORTED, EventKind.RESULT_SUBMITTED)

NEWEST = (CASES.c.received_at, CASES.c.number)


@dataclass(frozen=True)
class Wanted:
    """Which requests, and how many of them: after the first `skip`, at most `most`."""

    received_from: datetime
    received_to: datetime
    """The last instant that counts."""
    most: int
    skip: int = 0
    items: frozenset[str | None] | None = None
    """Catalog items, None among them for requests of no item; without it, any."""
    closed: bool | None = None


async def search(session: AsyncSession, wanted: Wanted, sight: Sight) -> list[CaseRow]:
    """Requests in sight, those filed through Open311 newest first, all others in the order of lists.

    Raises Unreadable.
    """
    # Each is the order of an index; that of lists would tell everybody who is vulnerable.
    order = NEWEST if sight.open311 else ORDER
    statement = select(CaseRow).where(*_conditions(wanted), *sight.conditions())
    page = statement.order_by(*(column.desc() for column in order)).offset(wanted.skip).limit(wanted.most)
    return await read_cases(session, page)


async def of_numbers(session: AsyncSession, numbers: Collection[str], sight: Sight) -> list[CaseRow]:
    """Those of the requests of these numbers that are in sight, newest first. Raises Unreadable."""
    statement = select(CaseRow).where(CASES.c.number.in_(numbers), *sight.conditions())
    return await read_cases(session, statement.order_by(*(column.desc() for column in NEWEST)))


async def last_changes(session: AsyncSession, numbers: Collection[str]) -> dict[str, datetime]:
    """When something happened last to each case of which anything is recorded."""
    statement = select(EVENTS.c.case_number, func.max(EVENTS.c.at, type_=EVENTS.c.at.type).label("at"))
    found = await session.execute(statement.where(EVENTS.c.case_number.in_(numbers)).group_by(EVENTS.c.case_number))
    return {row.case_number: row.at for row in found}


async def last_words(session: AsyncSession, numbers: Collection[str]) -> dict[str, str]:
    """What units reported last to each case, of its progress or as its result. Personal."""
    said = (
        select(EVENTS.c.case_number, NOTES.c.text)
        .join_from(EVENTS, NOTES, NOTES.c.id == EVENTS.c.note)
        .where(EVENTS.c.case_number.in_(numbers), EVENTS.c.kind.in_(REPORTS))
    )
    return {row.case_number: row.text for row in await session.execute(said.order_by(EVENTS.c.n))}


async def telling_events(session: AsyncSession, numbers: Collection[str]) -> dict[str, list[Row[Any]]]:
    """What is on record of until when units have time, of each case in order. Raises Unreadable."""
    columns = (EVENTS.c[name] for name in ("case_number", "kind", "at", "clock", "due", "facts"))
    told = select(*columns).where(EVENTS.c.case_number.in_(numbers), EVENTS.c.kind.in_(TELLING))
    try:
        rows = (await session.execute(told.order_by(EVENTS.c.case_number, EVENTS.c.n))).all()
    except FOREIGN:
        if len(numbers) == 1:
            raise Unreadable(*numbers) from None
        for number in numbers:
            await telling_events(session, [number])
        raise
    return {number: list(of_case) for number, of_case in groupby(rows, key=lambda row: str(row.case_number))}


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    yield CASES.c.received_at.between(wanted.received_from, wanted.received_to)
    if wanted.closed is not None:
        yield CASES.c.closed_at.is_not(None) if wanted.closed else CASES.c.closed_at.is_(None)
    if wanted.items is not None:
        named = CASES.c.item.in_(wanted.items - {None})
        yield or_(named, CASES.c.item.is_(None)) if None in wanted.items else named

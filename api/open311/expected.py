"""When requests can be expected to be handled, from their dispatch to their result."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from api.service import Service
from domain.events import Status
from domain.expectation import Matter, Recorded, handled_by
from domain.rulebook import ClockName
from ledger.errors import Unreadable
from ledger.models import CaseRow
from ledger.open311 import telling_events
from ledger.readable import FOREIGN

AT_WORK = (Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED)


async def expected_of(session: AsyncSession, rows: Sequence[CaseRow], jiesu: Service) -> dict[str, datetime]:
    """By number, the end of the handling limit of the requests that a unit has; the latest, before it is certain.

    None of a request that goes by an older rulebook, unless the ledger has it as the nearest limit. Raises Unreadable.
    """
    at_work = [row for row in rows if row.status in AT_WORK]
    nearest = {row.number: row.due for row in at_work if row.due_clock == ClockName.HANDLING and row.due}
    version = jiesu.city.rulebook.version
    others = {row.number: row for row in at_work if row.number not in nearest and row.rulebook_version == version}
    told = await telling_events(session, others)
    ends = {number: _end(others[number], events, jiesu) for number, events in told.items()}
    return nearest | {number: end for number, end in ends.items() if end}


def _end(row: CaseRow, events: Sequence[Recorded], jiesu: Service) -> datetime | None:
    matter = Matter(row.lead or "", row.category, row.outage, row.province, row.received_at)
    try:
        return handled_by(matter, events, jiesu.city.rulebook, jiesu.city.calendar)
    except (*FOREIGN, AttributeError, LookupError):
        raise Unreadable(row.number) from None

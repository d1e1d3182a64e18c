"""The list of alerts, newest first, page by page."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ledger.errors import BadCursor
from ledger.models import AlertRow
from ledger.tables import ALERTS


class AlertStatus(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    """Nothing has confirmed it yet."""
    CONFIRMED = "confirmed"
    RECOVERED = "recovered"
    """All is well again; its case is still open."""
    ENDED = "ended"


UNENDED = ALERTS.c.ended_at.is_(None)
CONFIRMED = ALERTS.c.confirmed_at.is_not(None)
WELL = ALERTS.c.recovered_at.is_not(None)

MEANINGS = {
    AlertStatus.OPEN: and_(UNENDED, ~CONFIRMED),
    AlertStatus.CONFIRMED: and_(UNENDED, CONFIRMED, ~WELL),
    AlertStatus.RECOVERED: and_(UNENDED, CONFIRMED, WELL),
    AlertStatus.ENDED: ~UNENDED,
}


class AlertFilter(BaseModel):
    """Which alerts to list; every field given narrows the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str | None = None
    status: AlertStatus | None = None
    asset: str | None = None
    case: str | None = None
    """Number of the proactive case they belong to."""


def status_of(alert: AlertRow) -> AlertStatus:
    """Where an alert stands."""
    if alert.ended_at is not None:
        return AlertStatus.ENDED
    if alert.confirmed_at is None:
        return AlertStatus.OPEN
    return AlertStatus.RECOVERED if alert.recovered_at is not None else AlertStatus.CONFIRMED


async def list_alerts(
    session: AsyncSession, filters: AlertFilter, units: Collection[str] | None, cursor: str | None, limit: int
) -> tuple[list[AlertRow], str | None]:
    """One page of the alerts of some units (of all, if None), and the cursor of the next. Raises BadCursor."""
    rows = select(AlertRow).where(*_conditions(filters, units))
    if cursor is not None:
        rows = rows.where(ALERTS.c.id < _decode(cursor))
    found = list(await session.scalars(rows.order_by(ALERTS.c.id.desc()).limit(limit + 1)))
    return found[:limit], str(found[limit - 1].id) if len(found) > limit else None


def _conditions(filters: AlertFilter, units: Collection[str] | None) -> Iterator[ColumnElement[bool]]:
    if units is not None:
        yield ALERTS.c.unit.in_(units)
    for name, column in (("kind", ALERTS.c.kind), ("asset", ALERTS.c.asset), ("case", ALERTS.c.case_number)):
        if (value := getattr(filters, name)) is not None:
            yield column == value
    if filters.status is not None:
        yield MEANINGS[filters.status]


def _decode(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise BadCursor("no page of ours gave out this cursor")
    return int(cursor)

"""Reading alerts of sensors: what is wrong with which asset, and which case it became."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import allowed
from api.events import units_of
from api.fields import OptionalLine
from api.service import Jiesu
from api.sight import reads_personal
from domain.city import City
from domain.roles import Actor
from ledger.alert_listing import AlertFilter, AlertStatus, list_alerts, status_of
from ledger.alert_overview import CaseAlerts, case_alerts
from ledger.models import AlertRow, CaseRow

router = APIRouter(tags=["sensors"])


class AlertLine(BaseModel):
    """One asset's alert of one kind. Where the asset is, its case tells those who may know."""

    id: int
    kind: str
    kind_zh: str
    asset: str
    unit: str
    grid: str | None
    status: AlertStatus
    first_at: AwareDatetime
    last_at: AwareDatetime
    readings: int = Field(description="How many events said that something is wrong.")
    last_value: float | None
    confirmed_at: AwareDatetime | None
    recovered_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    case: str | None = Field(description="Its proactive case, once it is confirmed.")
    opened: bool = Field(description="Whether it opened that case; others joined it.")


class AlertList(BaseModel):
    """One page of alerts, newest first."""

    items: list[AlertLine]
    next: str | None = Field(description="Cursor of the next page.")


class AlertQuery(AlertFilter):
    """Filters of the list, and where to go on."""

    kind: OptionalLine = None
    asset: OptionalLine = None
    case: OptionalLine = Field(default=None, description="Number of the proactive case they belong to.")
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


@router.get("/alerts", summary="List alerts of sensors, newest first")
async def many(
    actor: Annotated[Actor, Depends(allowed("read-alerts"))],
    jiesu: Jiesu,
    filters: Annotated[AlertQuery, Query()],
) -> AlertList:
    """Alerts that meet every filter given; a unit sees those of its own assets and of its sub-units'."""
    wanted = AlertFilter(**filters.model_dump(exclude={"cursor", "limit"}))
    units = units_of(actor, jiesu.city)
    async with jiesu.ledger.session() as session:
        rows, following = await list_alerts(session, wanted, units, filters.cursor, filters.limit)
    return AlertList(items=[_line(row, jiesu.city) for row in rows], next=following)


async def alerts_of(session: AsyncSession, row: CaseRow, actor: Actor, city: City) -> CaseAlerts | None:
    """What sensors say of a case by now, as the actor may read it; None where they say nothing of it."""
    places = reads_personal(actor) and row.erased_at is None
    connection = await session.connection()
    return await connection.run_sync(case_alerts, city, row.number, places=places)


def _line(row: AlertRow, city: City) -> AlertLine:
    kind = city.sensors.kinds.get(row.kind)
    shown = row.model_dump(include=set(AlertLine.model_fields))
    return AlertLine(**shown, kind_zh=kind.name if kind else row.kind, status=status_of(row), case=row.case_number)

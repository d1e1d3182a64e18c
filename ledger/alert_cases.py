"""Proactive cases (未诉先办): which case a confirmed alert belongs to, and opening it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from domain.alerts import HOUR, Alert
from domain.city import City
from domain.events import Status
from domain.roles import Role
from domain.rulebook import pause
from domain.sensors import Kind
from ledger.database import queue
from ledger.intake import Intake, open_case
from ledger.tables import ALERTS, CASES

OPENED_BY = "sensors"

JOINABLE = (Status.RECEIVED, Status.DISPATCHED, Status.HANDLING)
"""Where a case stands while somebody will still see to what joins it."""


def give_cases(
    connection: Connection, city: City, alerts: Sequence[Alert], assets: Mapping[str, Row[Any]], at: datetime
) -> None:
    """Have alerts just confirmed join the case of their like or open one, so few that nobody drowns in them.

    Whose assets they are the register says now. What concerns somebody who needs help always opens a case.
    """
    for alert in alerts:
        alert.unit = assets[alert.asset].unit
    # One unit at a time, everywhere in the same order: what one transaction opens, the next one joins.
    for unit in sorted({alert.unit for alert in alerts}):
        queue(connection, f"alerts:{unit}")
    for alert in alerts:
        kind, asset = city.sensors.kinds[alert.kind], assets[alert.asset]
        if not kind.concerns_somebody(asset.vulnerable):
            _join(connection, city, alert, kind, at)
        if alert.case_number is None:
            _open(connection, city, alert, asset, at)
        joined = {name: getattr(alert, name) for name in ("unit", "case_number", "opened", "collective")}
        connection.execute(update(ALERTS).where(ALERTS.c.id == alert.id).values(joined))


def _join(connection: Connection, city: City, alert: Alert, kind: Kind, at: datetime) -> None:
    alert.case_number = _of_its_like(connection, alert, kind, at)
    if alert.case_number is None:
        collective = ALERTS.c.collective & (CASES.c.received_at > at - HOUR)
        alert.case_number = _open_case(connection, alert, at - HOUR, collective)
        alert.collective = bool(alert.case_number) or _opened(connection, alert, at) >= city.sensors.cases_an_hour


def _of_its_like(connection: Connection, alert: Alert, kind: Kind, at: datetime) -> str | None:
    if kind.join is None or alert.area is None:
        return None
    since = at - pause(kind.join.within)
    return _open_case(connection, alert, since, ALERTS.c.area == alert.area)


def _open_case(connection: Connection, alert: Alert, since: datetime, which: ColumnElement[bool]) -> str | None:
    """The latest case of alerts of its unit and kind in which somebody will still see to more of them."""
    numbers = (
        select(ALERTS.c.case_number)
        .join_from(ALERTS, CASES, CASES.c.number == ALERTS.c.case_number)
        .where(_of_its_kind(alert, since), ALERTS.c.ended_at.is_(None), CASES.c.status.in_(JOINABLE), which)
        .order_by(ALERTS.c.confirmed_at.desc(), ALERTS.c.id.desc())
    )
    number: str | None = connection.scalar(numbers.limit(1))
    return number


def _opened(connection: Connection, alert: Alert, at: datetime) -> int:
    opened = select(func.count()).select_from(ALERTS).where(_of_its_kind(alert, at - HOUR), ALERTS.c.opened)
    return connection.scalar(opened) or 0


def _of_its_kind(alert: Alert, since: datetime) -> ColumnElement[bool]:
    return (ALERTS.c.unit == alert.unit) & (ALERTS.c.kind == alert.kind) & (ALERTS.c.confirmed_at > since)


def _open(connection: Connection, city: City, alert: Alert, asset: Row[Any], at: datetime) -> None:
    row, _ = open_case(connection, city.rulebook.code, _intake(city, alert, asset, at), city.local_day(at))
    alert.case_number, alert.opened = row.number, True


def _intake(city: City, alert: Alert, asset: Row[Any], at: datetime) -> Intake:
    kind, collective = city.sensors.kinds[alert.kind], city.sensors.collective
    item = city.catalog_at(at).items.get(kind.item)
    text = kind.words(asset.code, asset.address, alert.last_value, alert.readings)
    # Where what stands still is, only its register says: an alert outlives the erasure of its case.
    place = alert if alert.longitude is not None else asset
    marks = {"no_location": not asset.address and place.longitude is None, "no_grid": alert.grid is None}
    return Intake(
        received_at=at,
        channel="sensor",
        address=asset.address,
        title=collective.title if alert.collective else kind.name,
        text=f"{collective.text}{text}" if alert.collective else text,
        longitude=place.longitude,
        latitude=place.latitude,
        vulnerable=list(dict.fromkeys((*kind.vulnerable, *asset.vulnerable))),
        category=city.sensors.category,
        item=kind.item,
        outage=kind.urgent or (item is not None and item.outage),
        grid=alert.grid,
        marks=[mark for mark, holds in marks.items() if holds],
        opened_role=Role.SYSTEM,
        opened_id=OPENED_BY,
        rulebook_version=city.rulebook.version,
        ordered=[asset.unit, *(unit for unit in (item.assisting if item else ()) if unit != asset.unit)],
    )

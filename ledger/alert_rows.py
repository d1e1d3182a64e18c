"""The rows that readings touch: assets and their alerts, held; events taken in before; all written together."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_, update
from sqlmodel import SQLModel

from domain.alerts import Alert
from domain.readings import Reading
from ledger.database import insert_for
from ledger.models import SensorEventRow
from ledger.tables import ALERTS, ASSETS, SENSOR_EVENTS

Key = tuple[str, str]
Name = tuple[str, str, str]
"""Asset, source and id of an event: nobody silences another's asset by guessing the last two."""

COUNTED = (
    "first_at", "last_at", "recent", "readings", "last_value", "longitude", "latitude", "expires_at", "confirmed_at",
    "recovered_at", "steady_at", "told_at", "ended_at", "grid", "area",
)  # fmt: skip
"""Of an alert: what readings change."""

ADDED = tuple(name for name in Alert.__dataclass_fields__ if name != "id")

SAVE = update(ALERTS).where(ALERTS.c.id == bindparam("of"))


def held_assets(connection: Connection, codes: Collection[str]) -> dict[str, Row[Any]]:
    """Assets by code, held until the transaction ends."""
    # In the order of their codes, so that no two transactions wait for each other.
    rows = select(ASSETS).where(ASSETS.c.code.in_(codes)).order_by(ASSETS.c.code).with_for_update(key_share=True)
    return {row.code: row for row in connection.execute(rows)}


def open_alerts(connection: Connection, assets: Iterable[str]) -> dict[Key, Alert]:
    """The open alerts of assets, held until the transaction ends."""
    rows = select(ALERTS).where(ALERTS.c.asset.in_(assets), ALERTS.c.ended_at.is_(None))
    rows = rows.order_by(ALERTS.c.id).with_for_update(key_share=True)
    return {(row["asset"], row["kind"]): Alert(**row) for row in connection.execute(rows).mappings()}


def stale_until(connection: Connection, assets: Iterable[str]) -> dict[Key, datetime]:
    """Until when what readings say is old news: an alert that has ended, or a reading that all is well, came later."""
    last = func.max(func.coalesce(ALERTS.c.recovered_at, ALERTS.c.last_at), type_=ALERTS.c.last_at.type)
    ended = select(ALERTS.c.asset, ALERTS.c.kind, last).where(
        ALERTS.c.asset.in_(assets), ALERTS.c.ended_at.is_not(None)
    )
    event = SENSOR_EVENTS.c
    well = select(event.asset, event.kind, func.max(event.well_at, type_=event.well_at.type))
    well = well.where(event.asset.in_(assets), event.well_at.is_not(None))
    found = [
        *connection.execute(ended.group_by(ALERTS.c.asset, ALERTS.c.kind)),
        *connection.execute(well.group_by(event.asset, event.kind)),
    ]
    return {(asset, kind): at for asset, kind, at in sorted(found, key=itemgetter(2))}


def event_name(reading: Reading) -> Name:
    """What tells an event apart."""
    return reading.asset, reading.source, reading.id


def seen(connection: Connection, readings: Sequence[Reading]) -> dict[Name, str | None]:
    """The readings taken in before, and their cases."""
    event = SENSOR_EVENTS.c
    named = tuple_(event.asset, event.source, event.id).in_([event_name(reading) for reading in readings])
    rows = select(event.asset, event.source, event.id, event.case_number).where(named)
    return {(asset, source, id): case for asset, source, id, case in connection.execute(rows)}


def save(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Write what readings changed."""
    if alerts:
        connection.execute(SAVE, [{"of": alert.id, **_values(alert, COUNTED)} for alert in alerts])


def insert(connection: Connection, alerts: Sequence[Alert]) -> None:
    """Write new alerts; they know their ids then."""
    if alerts:
        rows = [_values(alert, ADDED) for alert in alerts]
        added = connection.scalars(ALERTS.insert().returning(ALERTS.c.id, sort_by_parameter_order=True), rows)
        for alert, id in zip(alerts, added.all(), strict=True):
            alert.id = id


def _values(alert: Alert, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in names}


def note_taken(connection: Connection, events: Iterable[tuple[Reading, bool, Alert | None]], at: datetime) -> None:
    """Note events as taken in at `at`: each with whether it says that all is well, and its alert."""
    rows = [
        {
            "asset": reading.asset,
            "source": reading.source,
            "id": reading.id,
            "kind": reading.kind,
            "well_at": reading.at if well else None,
            "taken_at": at,
            "alert": alert.id if alert else None,
            "case_number": alert.case_number if alert else None,
        }
        for reading, well, alert in events
    ]
    if rows:
        table: type[SQLModel] = SensorEventRow
        connection.execute(insert_for(connection.dialect.name, table).on_conflict_do_nothing(), rows)

"""Taking in what sensors say: many readings in one transaction, each to the one open alert of its asset and kind."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_, update
from sqlmodel import SQLModel

from domain.alerts import Alert, Became, Outcome, refusal, untimely
from domain.city import City
from domain.readings import REASONS, Reading
from domain.sensors import Kind
from ledger.alert_cases import give_cases
from ledger.database import begin_writing, insert_for
from ledger.models import SensorEventRow
from ledger.refused import note_refused
from ledger.tables import ALERTS, ASSETS, SENSOR_EVENTS

Key = tuple[str, str]

COUNTED = (
    "first_at", "last_at", "recent", "readings", "last_value", "longitude", "latitude", "expires_at", "confirmed_at",
    "recovered_at", "told_at", "ended_at",
)  # fmt: skip
"""Of an alert: what readings change."""

ADDED = tuple(name for name in Alert.__dataclass_fields__ if name != "id")

SAVE = update(ALERTS).where(ALERTS.c.id == bindparam("of"))


def take_in(
    connection: Connection,
    city: City,
    readings: Sequence[Reading],
    at: datetime,
    *,
    units: Collection[str] | None = None,
    source: str = "events",
) -> list[Outcome]:
    """Take readings in as they came at `at` (UTC), and say of each what became of it, in their order.

    `units` are those whose assets the sender may speak for; None for all. A reading that is refused is counted and kept
    under `source`. Alerts that are confirmed have a case when the transaction commits: `temporal.proactive` starts it.
    """
    if not readings:
        return []
    begin_writing(connection)
    desk = _Desk(connection, city, readings, at, units)
    taken = [desk.take(reading) for reading in readings]
    desk.write()
    for reading, outcome in sorted(zip(readings, (one for one, _ in taken), strict=True), key=_reason):
        if outcome.code:
            note_refused(connection, source, outcome.code, REASONS[outcome.code][0], reading.body, at)
    return _with_cases(taken)


class _Desk:
    """The assets that readings speak of, held until the transaction ends, with their alerts."""

    def __init__(
        self,
        connection: Connection,
        city: City,
        readings: Sequence[Reading],
        at: datetime,
        units: Collection[str] | None,
    ) -> None:
        self._connection, self._city, self._at, self._units = connection, city, at, units
        self._assets = _held_assets(connection, {reading.asset for reading in readings})
        self._open = _open_alerts(connection, self._assets)
        self._over = _over(connection, self._assets)
        self._seen = _seen(connection, readings)
        self._old, self._new = list(self._open.values()), list[Alert]()
        self._events: list[tuple[Reading, Alert | None]] = []

    def take(self, reading: Reading) -> tuple[Outcome, Alert | None]:
        """What becomes of a reading, and the alert it belongs to."""
        name = (reading.source, reading.id)
        asset, kind = self._assets.get(reading.asset), self._city.sensors.kinds.get(reading.kind)
        if code := self._refused(reading, asset, kind):
            return refusal(code), None
        if name in self._seen:
            return Outcome(became=Became.REPEATED, case=self._seen[name]), None
        assert asset is not None, "else it was refused"
        assert kind is not None, "else it was refused"
        became, alert = self._judge(reading, asset, kind)
        self._seen[name] = alert.case_number if alert else None
        self._events.append((reading, alert))
        return Outcome(became=became), alert

    def _refused(self, reading: Reading, asset: Row[Any] | None, kind: Kind | None) -> str | None:
        if kind is None:
            return "unknown_type"
        if asset is None or (self._units is not None and asset.unit not in self._units):
            return "unknown_asset"
        return untimely(reading, self._at)

    def _judge(self, reading: Reading, asset: Row[Any], kind: Kind) -> tuple[Became, Alert | None]:
        key = (asset.code, kind.code)
        alert = self._open.get(key)
        if alert is not None and alert.expire(reading.at):
            alert = None
        if kind.says_well(reading):
            well = alert is not None and alert.recover(reading)
            if alert is not None and alert.ended_at is not None:
                self._over[key] = self._open.pop(key).ended_at or reading.at
            return (Became.RECOVERED if well else Became.RECORDED), alert
        over = self._over.get(key)
        if alert is None and over is not None and reading.at <= over:
            return Became.RECORDED, None
        first = alert is None
        if alert is None:
            alert = self._open[key] = self._begun(reading, asset, kind)
            self._new.append(alert)
        if alert.count(kind, reading, self._at):
            return Became.CONFIRMED, alert
        return (Became.RECORDED if first else Became.JOINED), alert

    def _begun(self, reading: Reading, asset: Row[Any], kind: Kind) -> Alert:
        longitude, latitude = reading.position or (None, None)
        moved = self._city.areas.at(*reading.position) if reading.position else None
        grid = moved.code if moved else asset.grid
        return Alert(
            asset=asset.code, kind=kind.code, unit=asset.unit, grid=grid, area=kind.area(grid, self._city.grids),
            longitude=longitude, latitude=latitude, first_at=reading.at, last_at=reading.at, expires_at=reading.at,
        )  # fmt: skip

    def write(self) -> None:
        """Write the alerts, give those just confirmed their cases, and note the events as taken in."""
        _save(self._connection, self._old)
        _insert(self._connection, self._new)
        confirmed = [alert for alert in (*self._old, *self._new) if alert.confirmed_at and not alert.case_number]
        give_cases(self._connection, self._city, confirmed, self._assets, self._at)
        _note_taken(self._connection, self._events, self._at)


def _held_assets(connection: Connection, codes: Collection[str]) -> dict[str, Row[Any]]:
    # In the order of their codes, so that no two transactions wait for each other.
    rows = select(ASSETS).where(ASSETS.c.code.in_(codes)).order_by(ASSETS.c.code).with_for_update(key_share=True)
    return {row.code: row for row in connection.execute(rows)}


def _open_alerts(connection: Connection, assets: Iterable[str]) -> dict[Key, Alert]:
    rows = select(ALERTS).where(ALERTS.c.asset.in_(assets), ALERTS.c.ended_at.is_(None))
    rows = rows.order_by(ALERTS.c.id).with_for_update(key_share=True)
    return {(row["asset"], row["kind"]): Alert(**row) for row in connection.execute(rows).mappings()}


def _over(connection: Connection, assets: Iterable[str]) -> dict[Key, datetime]:
    """Until when what readings say is old news: it belongs to an alert that has ended."""
    last = func.max(func.coalesce(ALERTS.c.recovered_at, ALERTS.c.last_at), type_=ALERTS.c.last_at.type)
    rows = select(ALERTS.c.asset, ALERTS.c.kind, last).where(ALERTS.c.asset.in_(assets), ALERTS.c.ended_at.is_not(None))
    found = connection.execute(rows.group_by(ALERTS.c.asset, ALERTS.c.kind))
    return {(asset, kind): at for asset, kind, at in found}


def _seen(connection: Connection, readings: Sequence[Reading]) -> dict[Key, str | None]:
    """The readings taken in before, and their cases."""
    event = SENSOR_EVENTS.c
    named = tuple_(event.source, event.id).in_([(reading.source, reading.id) for reading in readings])
    rows = select(event.source, event.id, event.case_number).where(named)
    return {(source, id): case for source, id, case in connection.execute(rows)}


def _save(connection: Connection, alerts: Sequence[Alert]) -> None:
    if alerts:
        connection.execute(SAVE, [{"of": alert.id, **_values(alert, COUNTED)} for alert in alerts])


def _insert(connection: Connection, alerts: Sequence[Alert]) -> None:
    if alerts:
        rows = [_values(alert, ADDED) for alert in alerts]
        added = connection.scalars(ALERTS.insert().returning(ALERTS.c.id, sort_by_parameter_order=True), rows)
        for alert, id in zip(alerts, added.all(), strict=True):
            alert.id = id


def _values(alert: Alert, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in names}


def _note_taken(connection: Connection, events: Iterable[tuple[Reading, Alert | None]], at: datetime) -> None:
    rows = [
        {
            "source": reading.source,
            "id": reading.id,
            "taken_at": at,
            "alert": alert.id if alert else None,
            "case_number": alert.case_number if alert else None,
        }
        for reading, alert in events
    ]
    if rows:
        table: type[SQLModel] = SensorEventRow
        connection.execute(insert_for(connection.dialect.name, table).on_conflict_do_nothing(), rows)


def _reason(refused: tuple[Reading, Outcome]) -> str:
    return refused[1].code or ""


def _with_cases(taken: Iterable[tuple[Outcome, Alert | None]]) -> list[Outcome]:
    return [
        outcome.model_copy(
            update={
                "alert": alert.id,
                "case": alert.case_number,
                "opened": alert.opened and outcome.became is Became.CONFIRMED,
            }
        )
        if alert
        else outcome
        for outcome, alert in taken
    ]

"""Taking in what sensors say: many readings in one transaction, each to the one open alert of its asset and kind."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.alerts import Alert, Became, Outcome, clocks_ahead, refusal, untimely
from domain.city import City
from domain.readings import REASONS, BadEvent, Reading
from domain.sensors import Kind
from ledger.alert_cases import give_cases
from ledger.alert_rows import (
    event_name,
    held_assets,
    insert,
    note_taken,
    open_alerts,
    save,
    seen,
    stale_until,
)
from ledger.database import begin_writing
from ledger.refused import Refused, note_all_refused


def take_in(
    connection: Connection,
    city: City,
    events: Sequence[Reading | BadEvent],
    at: datetime,
    *,
    units: Collection[str] | None = None,
    source: str = "events",
) -> list[Outcome]:
    """Take events in as they came at `at` (UTC), and say of each what became of it, in their order.

    `units` are those whose assets the sender may speak for; None for all. An event that is refused is counted and kept
    under `source`. Alerts that are confirmed have a case when the transaction commits: `temporal.proactive` starts it.
    """
    readings = [event for event in events if isinstance(event, Reading)]
    taken = iter(_take_readings(connection, city, readings, at, units))
    outcomes = [refusal(event.code) if isinstance(event, BadEvent) else next(taken) for event in events]
    refused = [
        Refused(outcome.code, REASONS[outcome.code][0], event.body)
        for event, outcome in zip(events, outcomes, strict=True)
        if outcome.code
    ]
    note_all_refused(connection, source, refused, at)
    return outcomes


def _take_readings(
    connection: Connection, city: City, readings: Sequence[Reading], at: datetime, units: Collection[str] | None
) -> list[Outcome]:
    if not readings:
        return []
    begin_writing(connection)
    batch = _Batch(connection, city, readings, at, units)
    taken = [batch.take(reading) for reading in readings]
    batch.write()
    return _with_cases(taken)


class _Batch:
    """Readings taken in together: the assets they speak of, held until the transaction ends, and their alerts."""

    def __init__(
        self,
        connection: Connection,
        city: City,
        readings: Sequence[Reading],
        at: datetime,
        units: Collection[str] | None,
    ) -> None:
        self._connection, self._city, self._at, self._units = connection, city, at, units
        self._assets = held_assets(connection, {reading.asset for reading in readings})
        self._open = open_alerts(connection, self._assets)
        self._stale_until = stale_until(connection, self._assets)
        self._seen = seen(connection, readings)
        self._ahead = clocks_ahead(readings, at)
        self._old, self._new = list(self._open.values()), list[Alert]()
        self._events: list[tuple[Reading, bool, Alert | None]] = []

    def take(self, reading: Reading) -> tuple[Outcome, Alert | None]:
        """What becomes of a reading, and the alert it belongs to."""
        name = event_name(reading)
        asset, kind = self._assets.get(reading.asset), self._city.sensors.kinds.get(reading.kind)
        if code := self._refused(reading, asset, kind):
            return refusal(code), None
        if name in self._seen:
            return Outcome(became=Became.REPEATED, case=self._seen[name]), None
        assert asset is not None, "else it was refused"
        assert kind is not None, "else it was refused"
        reading = reading.model_copy(update={"at": reading.at - self._ahead[reading.asset]})
        became, alert = self._judge(reading, asset, kind)
        self._seen[name] = alert.case_number if alert else None
        self._events.append((reading, kind.says_well(reading), alert))
        return Outcome(became=became), alert

    def _refused(self, reading: Reading, asset: Row[Any] | None, kind: Kind | None) -> str | None:
        if kind is None:
            return "unknown_type"
        if asset is None or (self._units is not None and asset.unit not in self._units):
            return "unknown_asset"
        return kind.unfit(asset.kind, reading) or untimely(reading, self._at)

    def _judge(self, reading: Reading, asset: Row[Any], kind: Kind) -> tuple[Became, Alert | None]:
        key = (asset.code, kind.code)
        alert = self._open.get(key)
        if alert is not None and alert.expire(reading.at):
            del self._open[key]
            alert = None
        if kind.says_well(reading):
            return self._well(reading, kind, alert), alert
        if alert is not None:
            confirmed = alert.count(kind, reading, self._at)
            return (Became.CONFIRMED if confirmed else Became.JOINED), alert
        if key in self._stale_until and reading.at <= self._stale_until[key]:
            return Became.RECORDED, None
        alert = self._open[key] = self._begun(reading, asset, kind)
        self._new.append(alert)
        confirmed = alert.count(kind, reading, self._at)
        return (Became.CONFIRMED if confirmed else Became.RECORDED), alert

    def _well(self, reading: Reading, kind: Kind, alert: Alert | None) -> Became:
        key = (reading.asset, kind.code)
        self._stale_until[key] = max(reading.at, self._stale_until.get(key, reading.at))
        if alert is None:
            return Became.RECORDED
        new = alert.recover(kind, reading)
        if alert.ended_at is not None:
            del self._open[key]
        return Became.RECOVERED if new else Became.RECORDED

    def _begun(self, reading: Reading, asset: Row[Any], kind: Kind) -> Alert:
        longitude, latitude = reading.position or (None, None)
        alert = Alert(
            asset=asset.code, kind=kind.code, unit=asset.unit, grid=None, area=None, longitude=longitude,
            latitude=latitude, first_at=reading.at, last_at=reading.at, expires_at=reading.at,
        )  # fmt: skip
        self._place(alert)
        return alert

    def write(self) -> None:
        """Write the alerts, give those just confirmed their cases, and note the events as taken in."""
        for alert in self._awaiting_case():
            self._place(alert)
        save(self._connection, self._old)
        insert(self._connection, self._new)
        give_cases(self._connection, self._city, self._awaiting_case(), self._assets, self._at)
        note_taken(self._connection, self._events, self._at)

    def _awaiting_case(self) -> list[Alert]:
        """Alerts that are to have a case: those just confirmed, and those that lost theirs and are not well."""
        known = [alert for alert in (*self._old, *self._new) if alert.kind in self._city.sensors.kinds]
        waiting = [alert for alert in known if alert.confirmed_at and not alert.case_number]
        return [alert for alert in waiting if alert.confirmed_at == self._at or alert.recovered_at is None]

    def _place(self, alert: Alert) -> None:
        """Where an alert is by now: what moves is where its latest reading says."""
        asset, kind = self._assets[alert.asset], self._city.sensors.kinds[alert.kind]
        here = self._city.areas.at(*alert.position) if alert.position else None
        if here is not None:
            alert.grid = here.code
        elif asset.kind == "truck" and alert.position is not None:
            alert.grid = None
        else:
            alert.grid = asset.grid
        alone = kind.concerns_somebody(asset.vulnerable)
        alert.area = None if alone else kind.area(alert.grid, self._city.grids)


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

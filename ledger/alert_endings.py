"""How alerts end: their case closes, all is well again, or nothing confirms them in time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, not_, select, update

from domain.alerts import EARLY, LATE
from domain.events import Outcome, Summary
from ledger.database import begin_writing
from ledger.tables import ALERTS, SENSOR_EVENTS

OTHERS = ALERTS.alias("others")
OPEN = ALERTS.c.ended_at.is_(None)
RECOVERED = OPEN & ALERTS.c.recovered_at.is_not(None)

AT_ONCE = 1000
"""Alerts that one turn of the sweep ends."""


def end_alerts(connection: Connection, summary: Summary) -> None:
    """End the alerts of a case that is closed.

    One that joined a case while that was closing by itself is not well: it is open again, and waits for a reading.
    """
    of_case = OPEN & (ALERTS.c.case_number == summary.number)
    if summary.outcome is Outcome.RECOVERED:
        alone = {"case_number": None, "confirmed_at": None, "opened": False, "collective": False}
        _change(connection, of_case & ALERTS.c.recovered_at.is_(None), alone)
    _change(connection, of_case, {"ended_at": summary.closed_at})


def expire_alerts(connection: Connection, at: datetime) -> None:
    """End alerts that nothing confirmed in time, and forget events so old that a repetition of them is refused."""
    begin_writing(connection)
    unconfirmed = OPEN & ALERTS.c.case_number.is_(None) & (ALERTS.c.expires_at < at)
    _change(connection, unconfirmed, {"ended_at": ALERTS.c.expires_at}, most=AT_ONCE)
    connection.execute(delete(SENSOR_EVENTS).where(SENSOR_EVENTS.c.taken_at < at - LATE - EARLY - timedelta(hours=1)))


def untold(connection: Connection, most: int, cases: Collection[str] | None = None) -> list[tuple[str, datetime]]:
    """Cases all of whose alerts have recovered and that have not been told, with the instant of the last recovery."""
    still = exists().where(
        OTHERS.c.case_number == ALERTS.c.case_number, OTHERS.c.ended_at.is_(None), OTHERS.c.recovered_at.is_(None)
    )
    among = [ALERTS.c.case_number.in_(cases)] if cases is not None else []
    waiting = select(ALERTS.c.case_number, ALERTS.c.recovered_at).where(
        RECOVERED, ALERTS.c.told_at.is_(None), ALERTS.c.case_number.is_not(None), not_(still), *among
    )
    latest: dict[str, datetime] = {}
    for case, at in connection.execute(waiting.order_by(ALERTS.c.recovered_at).limit(most)):
        latest[case] = at
    return list(latest.items())


def mark_told(connection: Connection, case: str, recovered_at: datetime, at: datetime) -> None:
    """Note that a case has been told of all recoveries up to an instant."""
    begin_writing(connection)
    told = RECOVERED & (ALERTS.c.case_number == case) & (ALERTS.c.recovered_at <= recovered_at)
    _change(connection, told & ALERTS.c.told_at.is_(None), {"told_at": at})


def _change(
    connection: Connection, which: ColumnElement[bool], values: dict[str, Any], most: int | None = None
) -> None:
    # Rows are held in the order in which readings hold them, so that nobody waits for each other.
    these: Sequence[int] = connection.scalars(
        select(ALERTS.c.id).where(which).order_by(ALERTS.c.id).limit(most).with_for_update()
    ).all()
    if these:
        connection.execute(update(ALERTS).where(ALERTS.c.id.in_(these)).values(values))

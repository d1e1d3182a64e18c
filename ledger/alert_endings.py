"""How alerts end: their case closes, all is well again, or nothing confirms them in time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, not_, select, true, update

from domain.alerts import EARLY, LATE
from domain.events import Outcome, Summary
from ledger.database import begin_writing
from ledger.tables import ALERTS, CASES, SENSOR_EVENTS

OTHERS = ALERTS.alias("others")
OPEN = ALERTS.c.ended_at.is_(None)
RECOVERED = OPEN & ALERTS.c.recovered_at.is_not(None)
OF_CLOSED = OPEN & exists().where(CASES.c.number == ALERTS.c.case_number, CASES.c.closed_at.is_not(None))
ALONE = {"case_number": None, "opened": False, "collective": False}

AT_ONCE = 1000
"""Alerts that one turn of the sweep ends."""


def end_alerts(connection: Connection, summary: Summary) -> None:
    """End the alerts of a case that is closed.

    One that joined a case while that was closing by itself is not well: it stays confirmed, to have another case.
    """
    held = _hold(connection, OPEN & (ALERTS.c.case_number == summary.number))
    if summary.outcome is Outcome.RECOVERED:
        _change(connection, held, ALERTS.c.recovered_at.is_(None), ALONE)
    _change(connection, held, ALERTS.c.case_number == summary.number, {"ended_at": summary.closed_at})


def free_alerts(connection: Connection, at: datetime) -> None:
    """See to alerts that joined a case in the very moment that closed: it knew nothing of them.

    One that is not well stays confirmed, to have another case; one that is well ends.
    """
    begin_writing(connection)
    held = _hold(connection, OF_CLOSED, most=AT_ONCE)
    _change(connection, held, ALERTS.c.recovered_at.is_not(None), {"ended_at": at})
    _change(connection, held, ALERTS.c.recovered_at.is_(None), ALONE)


def expire_alerts(connection: Connection, at: datetime) -> None:
    """End alerts that nothing confirmed in time, and forget events so old that a repetition of them is refused."""
    begin_writing(connection)
    unconfirmed = OPEN & ALERTS.c.case_number.is_(None) & ALERTS.c.confirmed_at.is_(None) & (ALERTS.c.expires_at < at)
    _change(connection, _hold(connection, unconfirmed, most=AT_ONCE), true(), {"ended_at": ALERTS.c.expires_at})
    connection.execute(delete(SENSOR_EVENTS).where(SENSOR_EVENTS.c.taken_at < at - LATE - EARLY - timedelta(hours=1)))


def untold(
    connection: Connection, at: datetime, most: int, cases: Collection[str] | None = None
) -> list[tuple[str, datetime]]:
    """Cases all of whose alerts have been well for long enough at `at`, and that have not been told.

    With the instant of the last recovery.
    """
    steady = OTHERS.c.recovered_at.is_not(None) & (OTHERS.c.steady_at <= at)
    still = exists().where(OTHERS.c.case_number == ALERTS.c.case_number, OTHERS.c.ended_at.is_(None), not_(steady))
    among = [ALERTS.c.case_number.in_(cases)] if cases is not None else []
    last = func.max(ALERTS.c.recovered_at)
    waiting = select(ALERTS.c.case_number, last).where(
        RECOVERED, ALERTS.c.told_at.is_(None), ALERTS.c.case_number.is_not(None), not_(still), *among
    )
    found = connection.execute(waiting.group_by(ALERTS.c.case_number).order_by(last).limit(most))
    return [(case, at) for case, at in found]


def mark_told(connection: Connection, case: str, recovered_at: datetime, at: datetime) -> None:
    """Note that a case has been told of all recoveries up to an instant."""
    begin_writing(connection)
    of_case = RECOVERED & (ALERTS.c.case_number == case) & (ALERTS.c.recovered_at <= recovered_at)
    _change(connection, _hold(connection, of_case), ALERTS.c.told_at.is_(None), {"told_at": at})


def _hold(connection: Connection, which: ColumnElement[bool], most: int | None = None) -> Sequence[int]:
    # In the order in which readings hold them, and all at once, so that nobody waits for each other.
    rows = select(ALERTS.c.id).where(which).order_by(ALERTS.c.id).limit(most).with_for_update()
    return connection.scalars(rows).all()


def _change(connection: Connection, held: Sequence[int], which: ColumnElement[bool], values: dict[str, Any]) -> None:
    if held:
        connection.execute(update(ALERTS).where(ALERTS.c.id.in_(held), which).values(values))

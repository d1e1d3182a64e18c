"""Recording what happens to a case: events appended, the case row made to show where it stands."""

import logging
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, bindparam, delete, select, update
from sqlmodel import SQLModel

from domain.events import Event, EventKind, Summary
from ledger.database import Insert, insert_for
from ledger.models import CaseUnitRow, EventRow

CASES = SQLModel.metadata.tables["cases"]
CASE_UNITS = SQLModel.metadata.tables["case_units"]
EVENTS = SQLModel.metadata.tables["events"]
VOIDED = SQLModel.metadata.tables["voided_events"]

log = logging.getLogger("jiesu.ledger")

# Built once: these run for every step of every case.
PROJECT = update(CASES).where(CASES.c.number == bindparam("of"), CASES.c.last_event <= bindparam("upto"))
RELEASE_UNITS = delete(CASE_UNITS).where(
    CASE_UNITS.c.case_number == bindparam("of"), CASE_UNITS.c.unit.not_in(bindparam("but", expanding=True))
)

MOVES = frozenset({EventKind.DISPATCHED, EventKind.REDISPATCHED, EventKind.RETURN_ACCEPTED})
"""Events after which other units have the case."""


def record(connection: Connection, summary: Summary, events: list[Event]) -> None:
    """Append what happened to a case and show where it stands now.

    Harmless to repeat: an event already there stays as it is, and a summary older than the one shown is not shown.
    Raises IntegrityError for a case that was never opened.
    """
    rows = [_event_values(summary.number, event) for event in events]
    appended = connection.execute(_append(connection.dialect.name), rows).rowcount if rows else 0
    if appended != len(rows) and not _happened(connection, summary.number, rows):
        return
    shown = connection.execute(PROJECT, _projection(summary))
    if shown.rowcount and any(event.kind in MOVES for event in events):
        _show_units(connection, summary)


def _happened(connection: Connection, number: str, rows: list[dict[str, Any]]) -> bool:
    """Whether these events, whose numbers are taken, happened; if so, others kept under those numbers are voided.

    The events of a step are written beside the engine's own record of it. Killed between the two, the engine goes on
    as if the step had not been taken: what it records under the same numbers at a later instant is what happened.
    """
    following = (EVENTS.c.case_number == number) & (EVENTS.c.n >= rows[0]["n"])
    kept = [dict(row) for row in connection.execute(select(EVENTS).where(following).order_by(EVENTS.c.n)).mappings()]
    known = {row["n"]: row for row in kept}
    if all(known.get(row["n"]) == row for row in rows):
        return True
    if rows[0]["at"] <= kept[0]["at"]:
        return False
    log.error("case %s: %d events of a step that was never taken are voided", number, len(kept))
    connection.execute(VOIDED.insert(), [_voided(row) for row in kept])
    connection.execute(EVENTS.delete().where(following))
    connection.execute(EVENTS.insert(), rows)
    connection.execute(update(CASES).where(CASES.c.number == number).values(last_event=rows[0]["n"] - 1))
    return True


def _voided(row: dict[str, Any]) -> dict[str, Any]:
    names = {name: row[name] for name in ("case_number", "n", "at")}
    return {**names, "voided_at": datetime.now(UTC), "event": to_jsonable_python(row)}


@cache
def _append(dialect: str) -> Insert:
    return insert_for(dialect, EventRow).on_conflict_do_nothing(index_elements=["case_number", "n"])


@cache
def _assign(dialect: str) -> Insert:
    assign = insert_for(dialect, CaseUnitRow)
    return assign.on_conflict_do_update(index_elements=["case_number", "unit"], set_={"lead": assign.excluded.lead})


def _projection(summary: Summary) -> dict[str, Any]:
    return {
        "of": summary.number,
        "upto": summary.last_event,
        **to_jsonable_python(summary, exclude={"number", "due", "closed_at"}),
        "due": summary.due,
        "closed_at": summary.closed_at,
        "breached": bool(summary.breaches),
        "started": True,
    }


def _event_values(number: str, event: Event) -> dict[str, Any]:
    return {
        "case_number": number,
        "n": event.n,
        "at": event.at,
        "kind": event.kind.value,
        "role": event.by.role.value,
        "actor_id": event.by.id,
        "actor_unit": event.by.unit,
        "unit": event.unit,
        "clock": event.clock and event.clock.value,
        "due": event.due,
        "provisional": event.provisional,
        "action": event.action and event.action.value,
        "note": event.note,
        "facts": to_jsonable_python(event.facts),
        "sealed": None,
        "hash": None,
    }


def _show_units(connection: Connection, summary: Summary) -> None:
    has = dict.fromkeys(summary.assisting, False)
    if summary.lead:
        has[summary.lead] = True
    connection.execute(RELEASE_UNITS, {"of": summary.number, "but": list(has)})
    if has:
        rows = [{"case_number": summary.number, "unit": unit, "lead": lead} for unit, lead in has.items()]
        connection.execute(_assign(connection.dialect.name), rows)

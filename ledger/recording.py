"""Recording what happens to a case: events appended to its chain, the case row made to show where it stands."""

import logging
from datetime import UTC, datetime
from functools import cache
from itertools import dropwhile
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, bindparam, delete, select, update

from domain.events import Event, EventKind, Summary
from ledger.alert_endings import end_alerts
from ledger.chain import ORIGIN, first_link, link, seal_case
from ledger.database import Insert, hold, insert_for
from ledger.errors import EventsMissing
from ledger.models import CaseUnitRow
from ledger.tables import CASE_UNITS, CASES, EVENTS, NOTES, VOIDED

log = logging.getLogger("jiesu.ledger")

Values = dict[str, Any]

# Built once: these run for every step of every case.
HOLD = (
    select(CASES.c.last_event, CASES.c.head, *(CASES.c[name] for name in ORIGIN), NOTES.c.sealed.label("note"))
    .outerjoin_from(CASES, NOTES, (NOTES.c.case_number == CASES.c.number) & (NOTES.c.id == bindparam("named")))
    .where(CASES.c.number == bindparam("of"))
    .with_for_update(key_share=True, of=CASES)
)
APPEND = EVENTS.insert()
PROJECT = update(CASES).where(CASES.c.number == bindparam("of"))
RELEASE_UNITS = delete(CASE_UNITS).where(
    CASE_UNITS.c.case_number == bindparam("of"), CASE_UNITS.c.unit.not_in(bindparam("but", expanding=True))
)

MOVES = frozenset({EventKind.DISPATCHED, EventKind.REDISPATCHED, EventKind.RETURN_ACCEPTED})
"""Events after which other units have the case."""


def record(connection: Connection, summary: Summary, events: list[Event]) -> None:
    """Append what a step made happen to a case and show where it stands now; a step has one text at most.

    Harmless to repeat: an event already there stays as it is, and a summary older than the one shown is not shown.
    Raises EventsMissing when an event before these was never recorded, IntegrityError for a case never opened.
    """
    (note,) = {event.note for event in events} - {None} or {None}
    case = _hold(connection, summary.number, note)
    rows = [_event_values(summary.number, event) for event in events]
    head = case.get("head")
    if rows[0]["n"] <= case.get("last_event", 0):
        rows, head = _not_yet_kept(connection, summary.number, rows)
    elif rows[0]["n"] > case.get("last_event", 0) + 1:
        raise EventsMissing(summary.number, case.get("last_event", 0), rows[0]["n"])
    if rows:
        head = _chain(case, head or first_link(summary.number), rows)
        connection.execute(APPEND, rows)
        if summary.closed_at:
            end_alerts(connection, summary)
        _show(connection, case, summary, head)
        if any(event.kind in MOVES for event in events):
            _show_units(connection, summary)


def _hold(connection: Connection, number: str, note: str | None) -> Values:
    """The case as it is and the commitment of the step's text; nobody else appends to the case before we have.

    Empty when the case was never opened.
    """
    return dict(hold(connection, HOLD, {"of": number, "named": note}) or {})


def _not_yet_kept(connection: Connection, number: str, rows: list[Values]) -> tuple[list[Values], str | None]:
    """Those of the events that are still to be written, and the hash that they follow.

    The events of a step are written beside the engine's own record of it. Killed between the two, the engine goes on
    as if the step had not been taken: what it records under the same numbers at a later instant is what happened, and
    what was kept under those numbers is voided.
    """
    from_before = (EVENTS.c.case_number == number) & (EVENTS.c.n >= rows[0]["n"] - 1)
    kept = {row["n"]: dict(row) for row in connection.execute(select(EVENTS).where(from_before)).mappings()}
    new = list(dropwhile(lambda row: _holds(kept.get(row["n"], {}), row), rows))
    if not new:
        return [], None
    n = new[0]["n"]
    if n in kept:
        if new[0]["at"] <= kept[n]["at"]:
            return [], None
        _void(connection, number, [kept[later] for later in sorted(kept) if later >= n])
    return new, kept[n - 1]["hash"] if n > 1 else None


def _holds(kept: Values, row: Values) -> bool:
    return kept | row == kept


def _void(connection: Connection, number: str, kept: list[Values]) -> None:
    log.error("case %s: %d events of a step that was never taken are voided", number, len(kept))
    connection.execute(VOIDED.insert(), [_voided(row) for row in kept])
    connection.execute(EVENTS.delete().where(EVENTS.c.case_number == number, EVENTS.c.n >= kept[0]["n"]))


def _voided(row: Values) -> Values:
    names = {name: row[name] for name in ("case_number", "n", "at")}
    return {**names, "voided_at": datetime.now(UTC), "event": to_jsonable_python(row)}


def _chain(case: Values, head: str, rows: list[Values]) -> str:
    """Give events their commitments and hashes, and return the last hash."""
    for row in rows:
        row["sealed"] = _commitment(case, row)
        row["hash"] = head = link(head, row)
    return head


def _commitment(case: Values, row: Values) -> str | None:
    """That of the intake for the first event, later that of the step's text, if the event has it."""
    if row["n"] == 1:
        return case.get("sealed")
    return case.get("note") if row["note"] else None


@cache
def _assign(dialect: str) -> Insert:
    assign = insert_for(dialect, CaseUnitRow)
    return assign.on_conflict_do_update(index_elements=["case_number", "unit"], set_={"lead": assign.excluded.lead})


def _show(connection: Connection, case: Values, summary: Summary, head: str) -> None:
    standing = {
        **to_jsonable_python(summary, exclude={"number", "due", "closed_at"}),
        "due": summary.due,
        "closed_at": summary.closed_at,
        "breached": bool(summary.breaches),
        "started": True,
    }
    if summary.closed_at:
        standing["priority"] = 0
    seal = seal_case(head, case | standing)
    connection.execute(PROJECT, {"of": summary.number, **standing, "head": head, "seal": seal})


def _event_values(number: str, event: Event) -> Values:
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
    }


def _show_units(connection: Connection, summary: Summary) -> None:
    has = dict.fromkeys(summary.assisting, False)
    if summary.lead:
        has[summary.lead] = True
    connection.execute(RELEASE_UNITS, {"of": summary.number, "but": list(has)})
    if has:
        rows = [{"case_number": summary.number, "unit": unit, "lead": lead} for unit, lead in has.items()]
        connection.execute(_assign(connection.dialect.name), rows)

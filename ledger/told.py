"""What a message is about: the request, the event and the text that belong to it, in one read."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, select

from domain.events import EventKind
from ledger.tables import CASES, EVENTS, NOTES

Told = Row[Any]
"""Columns as named below; those of the request are personal."""

REQUEST = (
    "code", "name", "phone", "address", "title", "withheld", "vulnerable", "marks", "category", "item", "lead", "grid",
    "due", "outage", "longitude", "latitude", "closed_at",
)  # fmt: skip
EVENT = ("at", "unit", "clock", "facts")

COLUMNS: tuple[ColumnElement[Any], ...] = (
    *(CASES.c[name] for name in REQUEST),
    CASES.c.text.label("request"),
    *(EVENTS.c[name] for name in EVENT),
    EVENTS.c.due.label("event_due"),
    NOTES.c.text.label("note"),
)

BEFORE = EVENTS.alias()
REWORK = EVENTS.c.kind == EventKind.REWORK_ORDERED
"""An event without words of its own: those of the callback or rating right before it say why."""

LOOK_UP = (
    select(*COLUMNS)
    .join_from(CASES, EVENTS, and_(EVENTS.c.case_number == CASES.c.number, EVENTS.c.n == bindparam("event")))
    .outerjoin(BEFORE, and_(BEFORE.c.case_number == CASES.c.number, BEFORE.c.n == EVENTS.c.n - 1, REWORK))
    .outerjoin(NOTES, NOTES.c.id == func.coalesce(EVENTS.c.note, BEFORE.c.note))
    .where(CASES.c.number == bindparam("case"))
)


def look_up(connection: Connection, number: str, event: int) -> Told | None:
    """The request, an event of it and the event's text; None if there is no such event."""
    return connection.execute(LOOK_UP, {"case": number, "event": event}).one_or_none()

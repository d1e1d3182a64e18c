"""What a message is about: the request, the event and the text that belong to it, in one read."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, select
from sqlmodel import SQLModel

import ledger.models  # noqa: F401  the tables below are its

CASES, EVENTS, NOTES = (SQLModel.metadata.tables[name] for name in ("cases", "events", "notes"))

Told = Row[Any]
"""Columns as named below; those of the request are personal."""

REQUEST = (
    "code", "name", "phone", "address", "title", "withheld", "marks", "category", "item", "lead", "due", "outage",
)  # fmt: skip
EVENT = ("at", "unit", "clock", "facts")

COLUMNS: tuple[ColumnElement[Any], ...] = (
    *(CASES.c[name] for name in REQUEST),
    CASES.c.text.label("request"),
    *(EVENTS.c[name] for name in EVENT),
    EVENTS.c.due.label("event_due"),
    NOTES.c.text.label("note"),
)

LOOK_UP = (
    select(*COLUMNS)
    .join_from(CASES, EVENTS, and_(EVENTS.c.case_number == CASES.c.number, EVENTS.c.n == bindparam("event")))
    .outerjoin(NOTES, NOTES.c.id == EVENTS.c.note)
    .where(CASES.c.number == bindparam("case"))
)


def look_up(connection: Connection, number: str, event: int) -> Told | None:
    """The request, an event of it and the event's text; None if there is no such event."""
    return connection.execute(LOOK_UP, {"case": number, "event": event}).one_or_none()

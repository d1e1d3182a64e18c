"""Orders filed with units' own systems: under which reference, and what has come back since."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, select, update

from domain.effects import WORK, Effect
from domain.events import EventKind, Status
from ledger.tables import CASE_UNITS, CASES, EVENTS, MESSAGES, NOTES


@dataclass(frozen=True)
class Order:
    """How an order stands with us."""

    ended: bool
    """Whether nothing that its system says counts any more."""
    lead: bool
    reference: str | None
    signed_in: bool
    said: frozenset[str]
    """What was reported of its progress."""
    last: int
    """Number of the last event that its system caused, or of the order itself."""
    reported: frozenset[str]
    """Codes of the errors for which people have been asked to see to it."""


def filed_as(connection: Connection, key: str) -> str | None:
    """The reference under which an order was filed, by the key of its message."""
    return connection.scalar(select(MESSAGES.c.reference).where(MESSAGES.c.key == key))


def filed_before(connection: Connection, order: Effect) -> str | None:
    """The reference of the unit's order before this one on the same case."""
    before = _of_unit(order) & (MESSAGES.c.event < order.event) & MESSAGES.c.reference.is_not(None)
    return connection.scalar(select(MESSAGES.c.reference).where(before).order_by(MESSAGES.c.event.desc()).limit(1))


def refer(connection: Connection, key: str, reference: str) -> None:
    """Note the reference that an order has got in the end."""
    connection.execute(update(MESSAGES).where(MESSAGES.c.key == key).values(reference=reference))


def order_of(connection: Connection, order: Effect) -> Order:
    """How an order stands."""
    part = and_(CASE_UNITS.c.case_number == order.case, CASE_UNITS.c.unit == order.unit)
    case = connection.execute(
        select(CASES.c.status, CASE_UNITS.c.lead, MESSAGES.c.reference, MESSAGES.c.status.label("sending"))
        .outerjoin_from(CASES, CASE_UNITS, part)
        .outerjoin(MESSAGES, MESSAGES.c.key == order.key)
        .where(CASES.c.number == order.case)
    ).mappings()
    later = select(MESSAGES.c.key).where(_of_unit(order), MESSAGES.c.event > order.event).limit(1)
    standing, events = case.one(), _events(connection, order)
    progress = [event for event in events if event["kind"] == EventKind.PROGRESS_REPORTED]
    return Order(
        ended=_ended(standing) or connection.scalar(later) is not None,
        lead=bool(standing["lead"]),
        reference=standing["reference"],
        signed_in=any(event["kind"] == EventKind.SIGNED_IN for event in events),
        said=frozenset(event["text"] for event in progress),
        last=progress[-1]["n"] if progress else order.event,
        reported=frozenset(event["facts"]["error"] for event in events if event["facts"].get("effect") == order.key),
    )


def _of_unit(order: Effect) -> ColumnElement[bool]:
    """The orders that the unit has had on the case."""
    return and_(
        MESSAGES.c.case_number == order.case,
        MESSAGES.c.unit == order.unit,
        MESSAGES.c.party == order.party,
        MESSAGES.c.template.in_(WORK),
    )


def _ended(standing: RowMapping) -> bool:
    lost = standing["lead"] is None or standing["status"] == Status.CLOSED
    # What people do after the result, they do by a new order.
    answered = standing["lead"] and standing["status"] == Status.CALLBACK
    return lost or answered or standing["sending"] == "failed"


def _events(connection: Connection, order: Effect) -> list[RowMapping]:
    """What happened to the unit's part since the order; a rework goes on with a sign-in from before."""
    kinds = (EventKind.SIGNED_IN, EventKind.PROGRESS_REPORTED, EventKind.EFFECT_FAILED)
    since = EVENTS.c.n > order.event
    if order.kind == "rework":
        since |= EVENTS.c.kind == EventKind.SIGNED_IN
    rows = (
        select(EVENTS.c.n, EVENTS.c.kind, EVENTS.c.facts, NOTES.c.text)
        .outerjoin_from(EVENTS, NOTES, NOTES.c.id == EVENTS.c.note)
        .where(EVENTS.c.case_number == order.case, EVENTS.c.unit == order.unit, EVENTS.c.kind.in_(kinds), since)
    )
    return list(connection.execute(rows.order_by(EVENTS.c.n)).mappings())

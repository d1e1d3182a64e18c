"""What an event makes happen outside: whom to tell, and in which words. Codes only; activities fetch the rest."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from domain.events import Event, EventKind, Outcome, Summary
from domain.rulebook import Action

if TYPE_CHECKING:
    from domain.case import Case


class Party(StrEnum):
    """Outside parties, one activity each."""

    UNIT = "unit"
    GRID = "grid"
    CITIZEN = "citizen"
    SUPERVISION = "supervision"
    DISCIPLINE = "discipline"
    PARTNER = "partner"


RECORD = "record_events"
"""Name of the activity that writes events to the ledger."""

TELL: dict[Party, str] = {
    Party.UNIT: "tell_unit",
    Party.GRID: "tell_grid",
    Party.CITIZEN: "text_citizen",
    Party.SUPERVISION: "raise_measure",
    Party.DISCIPLINE: "refer_to_discipline",
    Party.PARTNER: "tell_partner",
}
"""Name of the activity that reaches each party."""


TELL_TOGETHER = "tell_together"
"""Name of the activity that tries several parties at once and says who could not be told."""


class Batch(BaseModel):
    """Events of one case that belong in the ledger together, with the case as they leave it."""

    summary: Summary
    events: list[Event]


class Effect(BaseModel):
    """One thing to tell one party. `key` makes a repetition harmless: the same key is the same message."""

    model_config = ConfigDict(frozen=True)

    key: str
    case: str
    event: int
    party: Party
    kind: str
    """For a unit: dispatch, rework, recall or notice. For the others: the event or rung."""
    unit: str | None = None
    grid: str | None = None
    partner: str | None = None
    role: str | None = None
    note: str | None = None
    about: int | None = None
    """The earlier event of which it tells, where it is not the one that makes it happen."""

    @property
    def lane(self) -> str:
        """Effects of one lane are carried out in order: a recall never overtakes its order."""
        return f"{self.party}:{self.unit or self.grid or self.partner or ''}"


class Untold(BaseModel):
    """An effect whose party could not be told; `final` when saying it again is no use."""

    key: str
    error: str
    final: bool
    queue: str | None = None
    """Task queue on which the party is told from now on, where it has one of its own."""


FOLLOW_ORDER = "follow_order"
"""Name of the activity that looks how an order stands in a system that does not report by itself."""

ELSEWHERE = "elsewhere"
"""Type of the error by which an activity asks to be run on the queue in its details; what failed here comes second."""


WORK = frozenset({"dispatch", "rework"})
"""Kinds of orders to a unit to do something."""

SUPERVISED = frozenset(
    {
        Action.SUPERVISION_ORDER,
        Action.JOINT_MEETING,
        Action.CIRCULAR,
        Action.INTERVIEW,
        Action.GOVERNMENT_INSPECTION,
    }
)

TEXTS = {
    EventKind.RECEIVED: "received",
    EventKind.REJECTED: "rejected",
    EventKind.ANSWERED: "answered",
    EventKind.TRANSFERRED: "transferred",
    EventKind.TRANSFER_ACKNOWLEDGED: "transferred",
    EventKind.EXTENSION_GRANTED: "extended",
    EventKind.SUSPENSION_GRANTED: "suspended",
    EventKind.RESULT_SUBMITTED: "result",
    EventKind.GRID_RESOLVED: "result",
    EventKind.REWORK_ORDERED: "rework",
    EventKind.WITHDRAWN: "withdrawn",
}
"""Events of which the citizen is told, with the template of the city's texts."""

NOTICES = frozenset(
    {
        EventKind.RETURN_ACCEPTED,
        EventKind.RETURN_REFUSED,
        EventKind.EXTENSION_GRANTED,
        EventKind.EXTENSION_REFUSED,
        EventKind.SUSPENSION_GRANTED,
        EventKind.SUSPENSION_REFUSED,
        EventKind.RESUMED,
        EventKind.DEADLINE_MOVED,
    }
)
"""Events of which the unit they concern is told."""

BROADCASTS = frozenset(
    {
        EventKind.SUPPLEMENTED,
        EventKind.HURRIED,
        EventKind.WITHDRAWN,
        EventKind.GRID_REPORTED,
        EventKind.GRID_RESOLVED,
        EventKind.GRID_ESCALATED,
    }
)
"""Events of which every unit that has the case is told."""


FORWARDED = frozenset({EventKind.SUPPLEMENTED, EventKind.HURRIED, EventKind.WITHDRAWN})
"""Events of which a partner is told to whom the case is being transferred."""


def effects_of(event: Event, case: "Case") -> list[Effect]:
    """Everything an event makes happen outside, in the order in which it is told."""
    return [
        Effect(key=f"{case.number}:{event.n}:{effect.lane}:{effect.kind}", **effect.model_dump(exclude={"key"}))
        for effect in _effects(event, case)
    ]


def _effects(event: Event, case: "Case") -> Iterator[Effect]:
    base = Effect(key="", case=case.number, event=event.n, party=Party.CITIZEN, kind=event.kind, note=event.note)
    if event.kind in (EventKind.DISPATCHED, EventKind.REDISPATCHED):
        yield from _orders(base, event, case)
    elif event.kind is EventKind.RETURN_ACCEPTED:
        yield from _to_units(base, event.facts.get("recalled", []), "recall")
    elif event.kind is EventKind.REWORK_ORDERED:
        yield from _to_units(base, [case.lead], "rework")
    elif event.kind is EventKind.RESENT:
        for order in event.facts["orders"]:
            yield base.model_copy(update=order | {"party": Party.UNIT})
    elif event.kind is EventKind.ESCALATED:
        yield from _escalation(base, event)
    elif event.kind is EventKind.RECOVERED:
        yield from _all_is_well(base, event, case)
    elif event.kind in BROADCASTS or _decided(event):
        yield from _to_units(base, [a.unit for a in case.assignments], event.kind)
    if event.kind is EventKind.TRANSFER_REQUESTED:
        yield base.model_copy(update={"party": Party.PARTNER, "kind": "transfer", "partner": event.facts["to"]})
    elif case.transfer and (event.kind in FORWARDED or _decided(event)):
        yield base.model_copy(update={"party": Party.PARTNER, "partner": case.transfer.to})
    if event.kind in (EventKind.GRID_ESCALATED, EventKind.GRID_ASSIGNED):
        yield from _to_another_grid(base, event, case)
    if event.kind in NOTICES:
        yield from _to_units(base, [event.unit], event.kind)
    if _decided(event):
        yield base.model_copy(update={"kind": "closed"})
    if event.kind in TEXTS:
        yield base.model_copy(update={"kind": TEXTS[event.kind]})


def _decided(event: Event) -> bool:
    return event.kind is EventKind.CLOSED and event.facts["outcome"] == Outcome.DECIDED


def _orders(base: Effect, event: Event, case: "Case") -> Iterator[Effect]:
    yield from _to_units(base, event.facts.get("recalled", []), "recall")
    for unit in event.facts["ordered"]:
        yield from _to_units(base, [unit], "dispatch", role="lead" if unit == event.unit else "assisting")
    if event.kind is EventKind.DISPATCHED:
        yield from _to_grid(base, case.at_grid, event.kind)


def _all_is_well(base: Effect, event: Event, case: "Case") -> Iterator[Effect]:
    kind = "recall" if event.facts["closes"] else event.kind
    yield from _to_units(base, [a.unit for a in case.assignments], kind)
    if case.assignments:
        yield from _to_grid(base, case.at_grid, kind)


def _to_another_grid(base: Effect, event: Event, case: "Case") -> Iterator[Effect]:
    # A grid hears of a case when units do: at the dispatch.
    if case.assignments:
        yield from _to_grid(base, event.facts.get("was"), "recall")
        yield from _to_grid(base, case.at_grid, event.kind)


def _to_grid(base: Effect, grid: str | None, kind: str) -> Iterator[Effect]:
    if grid:
        yield base.model_copy(update={"party": Party.GRID, "grid": grid, "kind": kind})


def _escalation(base: Effect, event: Event) -> Iterator[Effect]:
    # A discipline referral is told to nobody but the inspectors.
    if event.action is Action.DISCIPLINE_REFERRAL:
        yield base.model_copy(update={"party": Party.DISCIPLINE, "kind": event.facts["situation"], "unit": event.unit})
        return
    if event.action in SUPERVISED:
        yield base.model_copy(update={"party": Party.SUPERVISION, "kind": event.action, "unit": event.unit})
    if event.facts["to"] == "unit" and event.action is not None:
        yield from _to_units(base, [event.unit], event.action)


def _to_units(base: Effect, units: list[str | None], kind: str, role: str | None = None) -> Iterator[Effect]:
    for unit in units:
        if unit:
            yield base.model_copy(update={"party": Party.UNIT, "kind": kind, "unit": unit, "role": role})

"""When a matter can be expected to be handled, from what is on record of it: the clocks themselves run elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.calendar import WorkCalendar
from domain.clock import INSTANT_BEFORE, count
from domain.events import EventKind
from domain.limits import Limit
from domain.rulebook import ClockName, Rulebook

TELLING = (
    EventKind.RECEIVED,
    EventKind.RECLASSIFIED,
    EventKind.DISPATCHED,
    EventKind.REDISPATCHED,
    EventKind.SIGNED_IN,
    EventKind.REWORK_ORDERED,
    EventKind.EXTENSION_REQUESTED,
    EventKind.EXTENSION_GRANTED,
    EventKind.SUSPENSION_REQUESTED,
    EventKind.SUSPENSION_GRANTED,
    EventKind.RESUMED,
    EventKind.DEADLINE_MOVED,
)
"""The kinds of events that say until when a unit has time."""


class Recorded(Protocol):
    """An event on record."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def clock(self) -> str | None: ...
    @property
    def due(self) -> datetime | None: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Matter:
    """A case at a unit, as the ledger lists it."""

    lead: str
    category: str
    outage: bool
    province: bool
    received_at: datetime


def handled_by(matter: Matter, events: Iterable[Recorded], rules: Rulebook, calendar: WorkCalendar) -> datetime | None:
    """The end (UTC) of the handling limit; before the sign-in, or in a suspension, the latest that it can be.

    `events` are those of the kinds in `TELLING`, in order. None before the case is with a unit.
    """
    told, starts = list(events), rules.clocks.handling.starts
    handling = [_handling(matter, told, rules)]
    first, left = [_sign_in(matter, rules), *handling] if starts == "sign_in" else handling, handling
    # A tuple until all is told: counting is what takes time.
    end: datetime | tuple[datetime, list[Limit]] | None = None
    signed_in = False
    for event in told:
        if matter.lead in event.facts.get("ordered", ()):
            end, signed_in = (matter.received_at if starts == "receipt" else event.at, first), False
        elif event.kind == EventKind.SIGNED_IN and event.facts.get("lead"):
            end, signed_in = (event.at, handling) if starts == "sign_in" else end, True
        elif event.kind == EventKind.REWORK_ORDERED:
            end = event.at, handling if signed_in else first
        elif event.kind == EventKind.EXTENSION_GRANTED:
            end = datetime.fromisoformat(event.facts["now"])
        elif event.kind == EventKind.SUSPENSION_GRANTED:
            left = [Limit(amount=event.facts["days_left"], unit="wd")]
            end = max(event.at, datetime.fromisoformat(event.facts["until"])) - INSTANT_BEFORE, left
        elif event.kind == EventKind.RESUMED and event.due is not None:
            end = min(event.at, event.due - INSTANT_BEFORE), left
        elif event.clock == ClockName.HANDLING:
            end = event.due
    return count(*end, rules, calendar)[0] if isinstance(end, tuple) else end


def _sign_in(matter: Matter, rules: Rulebook) -> Limit:
    rule = rules.clocks.sign_in
    return rule.outage if matter.outage and rule.outage else rule.limit


def _handling(matter: Matter, told: Iterable[Recorded], rules: Rulebook) -> Limit:
    named = [event.facts.get("limit") for event in told if event.kind in (EventKind.RECEIVED, EventKind.RECLASSIFIED)]
    of_item = Limit.parse(named[-1]) if named and named[-1] else None
    return rules.handling_limit(matter.category, of_item, province=matter.province)

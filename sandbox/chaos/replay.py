"""What must have come of a case: its recorded steps taken once more by the pure core, at the instants in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.case import Case, Opening
from domain.city import City
from domain.command import Command
from domain.effects import Effect, effects_of
from domain.events import Event, EventKind
from domain.refusals import Refused
from domain.roles import Role
from domain.steps import PEOPLE_STEPS
from domain.steps.transfer import Transfer
from sandbox.chaos.record import Step
from temporal.start import travelling_calendar
from workflows.names import Taken


@dataclass
class Replay:
    """A case as the core has it, everything that must have been told, and where ledger or answers differ from it."""

    case: Case
    effects: list[Effect] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rungs: int = 0
    late: timedelta = timedelta()
    """The longest that the engine let pass before it did what was due."""


def replay(city: City, opening: Opening, steps: Sequence[Step], events: Sequence[Event]) -> Replay:
    """Let the core take `steps` (recorded, in order) and compare with the `events` of the ledger, numbered from 1."""
    received = opening.received_at.date()
    rulebook, calendar = city.rulebook.travelling, travelling_calendar(city.calendar, received, received)
    case, happened = Case.open(city.complete(opening), rulebook, calendar)
    found = Replay(case)
    waiting, position = list(steps), 0
    while True:
        found.effects += [effect for event in happened for effect in effects_of(event, case)]
        kept = events[position : position + len(happened)]
        if _plain(kept) != _plain(happened):
            found.faults.append(f"events {_names(happened)} must stand in the ledger, not {_names(kept)}")
            return found
        position += len(happened)
        if position == len(events):
            break
        try:
            happened = _go_on(city, found, waiting, events[position - 1].at, events[position])
        except (Refused, LookupError) as error:
            found.faults.append(f"event {position + 1} {events[position].kind}: {error}")
            return found
    found.faults += [f"{step.name} was answered, but the ledger has no event of it" for step in waiting]
    return found


def _go_on(city: City, found: Replay, waiting: list[Step], since: datetime, following: Event) -> list[Event]:
    """Let happen what the next event in the ledger tells of. Raises Refused or LookupError when it cannot have."""
    if following.by.role is Role.SYSTEM:
        return _lapse(found, since, following.at)
    if not waiting:
        raise LookupError("nobody asked for it")
    step = waiting.pop(0)
    happened = found.case.handle(_command(city, step, following), following.at)
    answer, wanted = Taken.model_validate(step.answer), _answer(found.case)
    if answer != wanted:
        found.faults.append(f"{step.name} was answered {answer!r}, not {wanted!r}")
    return happened


def _lapse(found: Replay, since: datetime, at: datetime) -> list[Event]:
    deadline = found.case.due()
    if deadline is None or deadline.at > at:
        raise LookupError(f"nothing is due at {at}")
    # What a waiting request held up is due once that is decided, not before.
    found.late = max(found.late, at - max(since, deadline.at))
    happened = found.case.lapse(at)
    found.rungs += sum(event.kind is EventKind.ESCALATED for event in happened)
    return happened


def _command(city: City, step: Step, event: Event) -> Command:
    fields = {name: value for name, value in step.body.items() if name != "text"}
    if step.name == Transfer.step:
        fields["terms"] = city.partners[fields["to"]].terms
    return PEOPLE_STEPS[step.name].model_validate({**fields, "by": event.by, "note": event.note})


def _answer(case: Case) -> Taken:
    summary = case.summary()
    return Taken(event=summary.last_event, **summary.model_dump(include=set(Taken.model_fields)))


def _plain(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [event.model_dump(mode="json") for event in events]


def _names(events: Sequence[Event]) -> str:
    return ", ".join(f"{event.n} {event.action or event.kind}" for event in events) or "none"

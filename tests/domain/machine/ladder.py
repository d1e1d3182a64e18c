"""What always holds of the rungs that fire."""

from collections.abc import Iterable

from hypothesis.stateful import invariant

from domain.events import Event, EventKind
from domain.rulebook import Action, ClockName
from tests.domain.machine.life import Life
from tests.domain.machine.steps import UNITS

STARTS = {
    ClockName.DISPATCH: {EventKind.RECEIVED, EventKind.RETURN_ACCEPTED},
    ClockName.ACKNOWLEDGEMENT: {EventKind.TRANSFER_REQUESTED},
    ClockName.SIGN_IN: {
        EventKind.DISPATCHED, EventKind.REDISPATCHED, EventKind.RETURN_REFUSED, EventKind.REWORK_ORDERED,
    },
    ClockName.HANDLING: {
        EventKind.DISPATCHED, EventKind.REDISPATCHED, EventKind.SIGNED_IN, EventKind.REWORK_ORDERED,
    },
    ClockName.OPINION: {
        EventKind.SIGNED_IN, EventKind.REWORK_ORDERED, EventKind.RESUMED, EventKind.RECLASSIFIED,
    },
    ClockName.CALLBACK: {EventKind.RESULT_SUBMITTED, EventKind.GRID_RESOLVED},
    ClockName.DECISION: {
        EventKind.RETURN_REQUESTED, EventKind.EXTENSION_REQUESTED, EventKind.SUSPENSION_REQUESTED,
    },
}  # fmt: skip
"""What starts a clock anew. An extension, a suspension, another category or calendar do not: the same rungs go on."""
ASKED = {EventKind.EXTENSION_REQUESTED, EventKind.SUSPENSION_REQUESTED}
DECIDED = {
    EventKind.EXTENSION_GRANTED, EventKind.EXTENSION_REFUSED, EventKind.SUSPENSION_GRANTED,
    EventKind.SUSPENSION_REFUSED, EventKind.RESULT_SUBMITTED, EventKind.GRID_RESOLVED,
}  # fmt: skip


class LadderHolds(Life):
    """A rung fires once, and none while the hotline owes a decision."""

    @invariant()
    def a_rung_fires_once(self) -> None:
        begun: dict[tuple[ClockName, str | None], int] = {}
        extensions = 0
        fired = set()
        for event in self.events:
            for clock, kinds in STARTS.items():
                if event.kind in kinds:
                    begun |= {(clock, unit): event.n for unit in self.starts_for(clock, event)}
            extensions += event.kind is EventKind.EXTENSION_GRANTED
            if event.kind is EventKind.ESCALATED and event.clock is not None:
                run = event.due if event.clock is ClockName.PROGRESS else begun[event.clock, event.unit]
                limit = extensions if (event.clock, event.action) == (ClockName.HANDLING, Action.YELLOW) else None
                rung = (event.clock, event.unit, run, limit, event.action, event.facts.get("situation"))
                assert rung not in fired
                fired.add(rung)

    def starts_for(self, clock: ClockName, event: Event) -> Iterable[str | None]:
        """The units whose clock an event of such a kind starts; None for the hotline's own."""
        if clock in (ClockName.DISPATCH, ClockName.CALLBACK, ClockName.DECISION, ClockName.ACKNOWLEDGEMENT):
            return [None]
        if clock is ClockName.SIGN_IN:
            return UNITS if event.kind is EventKind.REWORK_ORDERED else event.facts.get("ordered", [event.unit])
        if clock is ClockName.HANDLING and event.kind is not EventKind.REWORK_ORDERED:
            by_sign_in = event.kind is EventKind.SIGNED_IN
            if by_sign_in != (self.starts == "sign_in") or event.unit not in event.facts.get("ordered", [event.unit]):
                return []
        return [event.unit] if event.facts.get("lead", True) else []

    @invariant()
    def the_ladder_waits_for_the_hotline(self) -> None:
        waiting = False
        for event in self.events:
            waiting = event.kind in ASKED or (waiting and event.kind not in DECIDED)
            if event.kind is EventKind.ESCALATED and event.clock is ClockName.HANDLING:
                assert not (waiting and self.case.rulebook.extension.holds)

    @invariant()
    def breaches_are_what_turned_red(self) -> None:
        reds = [event.clock for event in self.events if event.action is Action.RED]
        assert self.case.breaches == list(dict.fromkeys(reds))

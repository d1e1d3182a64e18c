"""What always holds of the clocks of a case."""

from hypothesis.stateful import invariant

from domain.clock import Clock
from domain.events import EventKind, Status
from domain.rulebook import ClockName, Rulebook
from tests.domain.machine.life import Life

MUST_RUN = {
    Status.RECEIVED: ClockName.DISPATCH,
    Status.RETURNED: ClockName.DISPATCH,
    Status.TRANSFERRING: ClockName.DISPATCH,
    Status.HANDLING: ClockName.HANDLING,
    Status.SUSPENDED: ClockName.SUSPENSION,
    Status.CALLBACK: ClockName.CALLBACK,
}


class ClocksHold(Life):
    """Each stage has its clocks, and each clock somebody to run for."""

    @invariant()
    def every_stage_has_its_clocks(self) -> None:
        running = {clock.name for clock in self.case.clocks}
        status = self.case.status
        assert (status is Status.CLOSED) == (self.case.closed_at is not None) == (self.case.outcome is not None)
        if status is Status.CLOSED:
            assert (running, self.case.due(), self.case.request) == (set(), None, None)
        elif status is Status.DISPATCHED:
            request = self.case.request
            returning = request is not None and request.kind == "return"
            assert returning != (self.case.clock(ClockName.SIGN_IN, self.case.lead) is not None)
        else:
            assert MUST_RUN[status] in running
        assert (self.case.request is not None) == (ClockName.DECISION in running)
        assert ClockName.ACKNOWLEDGEMENT not in running or status is Status.TRANSFERRING
        assert (self.case.paused is not None) == (status is Status.SUSPENDED)
        if status is Status.HANDLING and self.case.outage:
            assert ClockName.PROGRESS in running
            assert (ClockName.OPINION in running) == (self.case.opinion_at is None)

    @invariant()
    def clocks_run_for_units_that_have_the_case(self) -> None:
        units = {assignment.unit for assignment in self.case.assignments}
        assert {clock.unit for clock in self.case.clocks} <= units | {None}
        assert len({(clock.name, clock.unit) for clock in self.case.clocks}) == len(self.case.clocks)
        assert sum(assignment.lead for assignment in self.case.assignments) == bool(self.case.assignments)
        assert all(_aims_well(clock, self.case.rulebook) for clock in self.case.clocks)

    @invariant()
    def who_has_not_signed_in_has_a_clock_for_it(self) -> None:
        request = self.case.request
        at_work = self.case.status in (Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED)
        owing = {a.unit for a in self.case.assignments if at_work and a.signed_in_at is None}
        returning = {request.unit} if request is not None and request.kind == "return" else set()
        assert {clock.unit for clock in self.case.clocks if clock.name is ClockName.SIGN_IN} == owing - returning

    @invariant()
    def a_warning_comes_before_its_limit_and_after_its_start(self) -> None:
        for clock in self.case.clocks:
            rung = clock.next_rung(self.case.rulebook)
            if rung is not None and rung.at < 0:
                assert clock.next_at is not None
                assert (clock.counted_from or clock.started) < clock.next_at < clock.due

    @invariant()
    def no_limit_ends_before_the_change_that_set_it(self) -> None:
        for event in self.events:
            if event.kind is EventKind.DEADLINE_MOVED and event.facts["why"].startswith("reclassified"):
                assert event.due is not None
                assert event.due > event.at or event.facts["was"] <= event.at

    @invariant()
    def a_limit_moved_by_the_calendar_names_the_days(self) -> None:
        for event in self.events:
            if event.kind is EventKind.DEADLINE_MOVED and not event.facts["why"].startswith("reclassified"):
                assert event.facts["why"].startswith("calendar: 202"), event.facts["why"]


def _aims_well(clock: Clock, rules: Rulebook) -> bool:
    if clock.name is ClockName.SUSPENSION:
        return clock.next_at == clock.due
    return (clock.next_at is None) == (clock.fired == len(rules.ladder(clock.name)))

"""Whatever happens in the life of a case, what is on record tells the end of its handling limit as the clock has it."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant
from pydantic_core import to_jsonable_python

from domain.events import Status
from domain.expectation import TELLING, Matter, handled_by
from domain.rulebook import ClockName
from tests.domain.machine.life import Life


class Expected(Life):
    """One life, and until when a citizen is told to wait."""

    @invariant()
    def told_as_the_clock_has_it(self) -> None:
        case = getattr(self, "case", None)
        if case is None or case.status not in (Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED):
            return
        matter = Matter(case.lead or "", case.category, case.outage, case.province, case.received_at)
        recorded = (event.model_copy(update={"facts": to_jsonable_python(event.facts)}) for event in self.events)
        told = handled_by(matter, [event for event in recorded if event.kind in TELLING], case.rulebook, case.calendar)
        clock = case.clock(ClockName.HANDLING)
        assert told is not None if clock is None else told == clock.due


Expected.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestExpected = Expected.TestCase

"""Random lives of a case: whatever people ask, whenever the engine wakes, what must always hold holds.

`machine/steps.py` lists the steps, `machine/life.py` takes them; the other files there say what must hold.
"""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings

from domain.case import Case, Opening
from domain.rulebook import Action, ClockName
from tests.domain.machine.clocks import ClocksHold
from tests.domain.machine.ladder import LadderHolds
from tests.domain.machine.life import AGENT
from tests.domain.machine.record import RecordHolds
from tests.domain.machine.steps import CALENDAR, RULEBOOK, command_of


class Lives(RecordHolds, ClocksHold, LadderHolds):
    """One life, and all that must hold of it."""


Lives.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestLives = Lives.TestCase


def test_years_of_sleep_in_an_outage_take_no_time() -> None:
    """Three years of missed daily reports, found at once: about a thousand days, three thousand rungs, and it ends."""
    start = datetime(2026, 9, 1, tzinfo=UTC)
    opening = Opening(
        number="ZZ-1", received_at=start, by=AGENT, channel="phone", category="help", outage=True
    )  # fmt: skip
    case, _ = Case.open(opening, RULEBOOK, CALENDAR)
    case.handle(command_of("dispatch", None, {"lead": "water"}), start)
    case.handle(command_of("sign-in", "water", {}), start)
    began = datetime.now(UTC)
    events = case.lapse(start + timedelta(days=1000))
    assert datetime.now(UTC) - began < timedelta(seconds=5)
    assert sum(event.action is Action.RED and event.clock is ClockName.PROGRESS for event in events) == 999

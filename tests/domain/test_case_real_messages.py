"""Real messages with the instants of their replies, replayed as cases: nothing raises, and late is late."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import WorkCalendar
from domain.deadlines import due_at
from domain.limits import Limit
from domain.rulebook import Action, ClockName, Rulebook

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

REPLIED = Path(__file__).parents[3] / "shared" / "data" / "replied-messages.csv"
pytestmark = pytest.mark.skipif(not REPLIED.exists(), reason=f"real messages are absent: {REPLIED}")


def replies() -> Iterator[tuple[datetime, datetime]]:
    """When each fifth message was received and replied to."""
    with REPLIED.open(encoding="utf-8-sig", newline="") as file:
        for row in list(csv.DictReader(file))[::5]:
            received, replied = (
                datetime.fromisoformat(row[name]).replace(tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
                for name in ("received_at", "replied_at")
            )
            yield received, replied


@pytest.mark.parametrize(("category", "limit"), [("consultation", "3wd"), ("help", "5wd"), ("complaint", "10wd")])
def test_replies_are_late_exactly_when_their_limit_has_passed(
    handling: Callable[..., "Desk"], rulebook: Rulebook, calendar: WorkCalendar, category: str, limit: str
) -> None:
    seen = []
    for received, replied in replies():
        desk = handling(received, category)
        events = desk.take("submit-result", replied)
        due, provisional = due_at(received, Limit.parse(limit), rulebook.days, calendar)
        assert (events[-1].due, events[-1].late, provisional) == (due, replied >= due, False)
        assert (desk.case.breaches == [ClockName.HANDLING]) is (replied >= due)
        assert any(event.action is Action.RED for event in events) is (replied >= due)
        desk.take("rate", replied, rating=4, solved=True, contacted=True)
        assert desk.case.status == "closed"
        seen.append(events[-1].late)
    assert len(seen) > 300
    assert {True, False} == set(seen)


def test_daily_progress_over_the_longest_waits(handling: Callable[..., "Desk"]) -> None:
    longest = sorted(replies(), key=lambda pair: pair[1] - pair[0])[-20:]
    for received, replied in longest:
        desk = handling(received, "help", outage=True)
        desk.take("submit-result", replied)
        reds = [due for due, action in desk.rungs("progress") if action == "red"]
        assert len(reds) == len(set(reds))
        zone = ZoneInfo("Asia/Shanghai")
        days = (replied.astimezone(zone).date() - received.astimezone(zone).date()).days
        assert len(reds) == days - 1

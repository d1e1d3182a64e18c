from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from domain import story
from domain.roles import ENGINE

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


@pytest.mark.parametrize(
    ("at", "callback"),
    [
        ("2026-09-30 15:00", "2026-10-10 24:00"),
        ("2026-10-03 15:00", "2026-10-10 24:00"),
        ("2026-02-13 15:00", "2026-02-25 24:00"),
        ("2026-12-31 15:00", "2027-01-06 24:00"),
    ],
)
def test_a_result_stops_every_clock_and_starts_the_callback(
    handling: Callable[..., "Desk"], at: str, callback: str
) -> None:
    desk = handling(at, "complaint", outage=True, assisting=("gas",))
    (event,) = desk.take("submit-result", at, note="result-1")
    assert (event.kind, event.unit, event.note, event.facts["round"]) == ("result_submitted", "water", "result-1", 0)
    assert (desk.case.status, desk.clocks(), desk.due("callback")) == ("callback", {"callback"}, callback)
    assert desk.case.clocks[0].provisional == callback.startswith("2027")


@pytest.mark.parametrize(("microseconds", "late"), [(-1, False), (0, True)])
def test_exactly_at_the_limit_is_late(
    handling: Callable[..., "Desk"], local: Callable[[str], datetime], microseconds: int, late: bool
) -> None:
    desk = handling("2026-09-24 10:00")
    events = desk.take("submit-result", local("2026-10-09 24:00") + timedelta(microseconds=microseconds))
    assert events[-1].kind == "result_submitted"
    assert (events[-1].late, desk.read(events[-1].due)) == (late, "2026-10-09 24:00")
    assert (desk.case.breaches == ["handling"]) is late
    assert (desk.referrals() == [("water", "handling_overdue")]) is late


def test_only_the_lead_at_work_submits(handling: Callable[..., "Desk"], dispatched: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    desk.take("sign-in", "2026-09-24 11:00", "gas")
    assert desk.refused("submit-result", "2026-09-24 12:00", "gas") == (
        "not_the_lead",
        "Only the lead unit, water, may take this step; assisting units report progress.",
    )
    assert desk.refused("submit-result", "2026-09-24 12:00", "heat")[0] == "not_your_case"
    assert dispatched("2026-09-24 10:00").refused("submit-result", "2026-09-24 11:00") == (
        "not_in_this_stage",
        "This step is for a case that is handling; this one is dispatched.",
    )
    desk.take("submit-result", "2026-09-24 12:00")
    assert desk.refused("submit-result", "2026-09-24 13:00")[0] == "not_in_this_stage"


def test_where_there_is_nobody_to_call_the_result_ends_the_case(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", channel="sensor", nobody_to_call=True)
    result, closed = desk.take("submit-result", "2026-09-24 15:00")
    assert (result.kind, closed.kind, closed.by) == ("result_submitted", "closed", ENGINE)
    assert (desk.case.status, desk.case.outcome, desk.case.clocks) == ("closed", "resolved", [])
    assert story.line(closed, desk.case).endswith("已解决，无诉求人可回访")

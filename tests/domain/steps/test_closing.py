from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


@pytest.mark.parametrize("stage", ["received", "dispatched", "handling", "answered"])
def test_a_supervisor_ends_a_case_with_a_reason(request: pytest.FixtureRequest, stage: str) -> None:
    make: Callable[..., Desk] = request.getfixturevalue(stage)
    desk = make("2026-09-24 10:00")
    (event,) = desk.take("close", "2026-09-24 11:00", note="reason-1")
    assert (event.kind, event.note, event.facts["outcome"]) == ("closed", "reason-1", "decided")
    assert (desk.case.status, desk.case.clocks, desk.next()) == ("closed", [], None)
    assert desk.refused("close", "2026-09-24 12:00") == (
        "case_closed",
        "The case was closed on 2026-09-24 11:00 (decided); nothing more can happen to it.",
    )


def test_requests_and_suspensions_end_with_the_case(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-24 11:00", until=date(2026, 10, 20))
    desk.take("decide-suspension", "2026-09-24 12:00", granted=True)
    desk.take("close", "2026-09-24 13:00")
    assert (desk.case.clocks, desk.case.request, desk.case.paused) == ([], None, None)
    assert desk.lapse("2027-06-01 10:00") == []


def test_what_lapsed_before_the_closing_has_lapsed(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    events = desk.take("close", "2026-10-10 08:00")
    assert [event.action for event in events] == ["yellow", "red", "supervision_order", "discipline_referral", None]
    assert desk.case.breaches == ["handling"]

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

STAGES = ["received", "dispatched", "handling", "answered"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_citizen_adds_and_hurries_at_any_stage_and_no_limit_moves(request: pytest.FixtureRequest, stage: str) -> None:
    make: Callable[..., Desk] = request.getfixturevalue(stage)
    desk = make("2026-09-24 10:00")
    clocks = [clock.model_copy() for clock in desk.case.clocks]
    (added,) = desk.take("supplement", "2026-09-24 11:00", note="more-1")
    assert (added.kind, added.unit, added.note) == ("supplemented", desk.case.lead, "more-1")
    for times in (1, 2):
        (hurried,) = desk.take("hurry", "2026-09-24 12:00")
        assert (hurried.kind, hurried.facts["times"]) == ("hurried", times)
    assert (desk.case.clocks, desk.case.summary().hurries) == (clocks, 2)


@pytest.mark.parametrize("stage", STAGES)
def test_a_citizen_takes_the_request_back_at_any_stage(request: pytest.FixtureRequest, stage: str) -> None:
    make: Callable[..., Desk] = request.getfixturevalue(stage)
    desk = make("2026-09-24 10:00")
    withdrawn, closed = desk.take("withdraw", "2026-09-24 11:00")
    assert (withdrawn.kind, closed.facts["outcome"]) == ("withdrawn", "withdrawn")
    assert (desk.case.status, desk.case.clocks, desk.lapse("2027-01-01 10:00")) == ("closed", [], [])
    for step in ("supplement", "hurry", "withdraw"):
        refusal = desk.refusal(step, "2026-09-24 12:00")
        assert refusal.code == "case_closed"
        assert refusal.message == (
            "The case was closed on 2026-09-24 11:00 (withdrawn); nothing more can happen to it."
        )
        assert refusal.message_zh == "工单已于2026-09-24 11:00办结（诉求人撤回），不能再操作。"

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from domain.rulebook import GROUNDS

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

NINE = [
    "litigation",
    "arbitration",
    "discipline_inspection",
    "administrative_review",
    "information_disclosure",
    "petition",
    "secrets",
    "privacy",
    "public_order",
]


def test_there_are_nine_grounds() -> None:
    assert set(NINE) == GROUNDS


@pytest.mark.parametrize("ground", NINE)
def test_a_ground_ends_the_case_and_the_citizen_is_guided(received: Callable[..., "Desk"], ground: str) -> None:
    desk = received("2026-09-24 10:00")
    rejected, closed = desk.take("reject", "2026-09-24 11:00", ground=ground)
    assert (rejected.kind, rejected.facts["ground"]) == ("rejected", ground)
    assert desk.read(rejected.due) == "2026-10-08 24:00"
    assert not rejected.late
    assert (closed.kind, closed.facts["outcome"]) == ("closed", "rejected")
    assert (desk.case.status, desk.case.outcome, desk.case.clocks, desk.next()) == ("closed", "rejected", [], None)
    assert [(effect.party, effect.kind) for effect in desk.effects([rejected, closed])] == [("citizen", "rejected")]
    assert desk.case.rulebook.grounds[ground].guidance


def test_another_ground_is_refused(received: Callable[..., "Desk"]) -> None:
    refusal = received("2026-09-24 10:00").refusal("reject", "2026-09-24 11:00", ground="too_much_work")
    assert refusal.code == "unknown_ground"
    known = ", ".join(sorted(NINE))
    assert refusal.message == f"This is not one of the grounds for not accepting a request: {known}."
    assert refusal.message_zh == "这不是规定的不予受理情形。"


def test_what_has_been_dispatched_is_no_longer_rejected(dispatched: Callable[..., "Desk"]) -> None:
    refusal = dispatched("2026-09-24 10:00").refusal("reject", "2026-09-24 11:00", ground="petition")
    assert refusal.code == "not_in_this_stage"
    assert refusal.message == "This step is for a case that is received or returned; this one is dispatched."
    assert refusal.message_zh == "该操作适用于“已受理待派单”或“已退单待改派”的工单，本工单当前为“已派单待签收”。"


def test_a_rejection_after_the_dispatch_limit_is_late(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00")
    events = desk.take("reject", "2026-10-09 10:00", ground="petition")
    assert desk.rungs("dispatch") == [
        ("2026-09-30 09:00", "yellow"),
        ("2026-10-08 24:00", "red"),
        ("2026-10-08 24:00", "supervision_order"),
    ]
    assert next(event for event in events if event.kind == "rejected").late
    assert desk.case.breaches == ["dispatch"]

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

REACHED: dict[str, Any] = {"reached": True, "solved": True, "contacted": True}


@pytest.mark.parametrize("rating", [3, 4, 5])
@pytest.mark.parametrize("step", ["call-back", "rate"])
def test_a_content_citizen_closes_the_case(answered: Callable[..., "Desk"], step: str, rating: int) -> None:
    desk = answered("2026-09-30 15:00")
    answers: dict[str, Any] = {"rating": rating, "solved": True, "contacted": True}
    if step == "call-back":
        answers["reached"] = True
    event, closed = desk.take(step, "2026-10-08 10:00", **answers)
    assert (event.kind, event.unit) == ({"call-back": "called_back", "rate": "rated"}[step], "water")
    assert {name: event.facts[name] for name in answers} == answers
    assert (closed.kind, closed.facts["outcome"]) == ("closed", "resolved")
    assert (desk.case.status, desk.case.clocks) == ("closed", [])


@pytest.mark.parametrize(("rating", "solved"), [(1, True), (2, True), (5, False), (1, False)])
@pytest.mark.parametrize("step", ["call-back", "rate"])
def test_dissatisfied_or_unsolved_it_goes_back(
    answered: Callable[..., "Desk"], step: str, rating: int, solved: bool
) -> None:
    desk = answered("2026-10-08 15:00")
    reached: dict[str, Any] = {"reached": True} if step == "call-back" else {}
    _, ordered = desk.take(step, "2026-10-09 15:00", rating=rating, solved=solved, contacted=True, **reached)
    assert (ordered.kind, ordered.unit, ordered.facts["round"]) == ("rework_ordered", "water", 1)
    # October 10, 12, 13, 14, 15: the whole limit anew.
    assert (desk.case.status, desk.clocks(), desk.due("handling")) == ("handling", {"handling"}, "2026-10-15 24:00")


def test_rework_in_an_outage_takes_up_the_daily_duty(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-10-01 10:00", outage=True)
    desk.take("give-opinion", "2026-10-01 11:00")
    desk.take("submit-result", "2026-10-01 12:00")
    desk.take("rate", "2026-10-02 12:00", rating=1, solved=False, contacted=True)
    assert (desk.clocks(), desk.due("progress")) == ({"handling", "progress"}, "2026-10-03 24:00")


def test_in_rework_a_unit_that_never_signed_in_has_its_limit_anew(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas", "heat"))
    desk.take("sign-in", "2026-09-24 11:00", "heat")
    desk.take("submit-result", "2026-09-28 10:00")
    assert desk.clocks() == {"callback"}
    desk.take("rate", "2026-10-08 10:00", rating=1, solved=False, contacted=True)
    assert [(clock.name, clock.unit) for clock in desk.case.clocks] == [("handling", "water"), ("sign_in", "gas")]
    # October 9, 10, 12, 13.
    assert desk.due("sign_in", "gas") == "2026-10-13 24:00"
    (event,) = desk.take("sign-in", "2026-10-09 08:00", "gas")
    assert (event.unit, event.late, desk.clocks()) == ("gas", False, {"handling"})


@pytest.mark.parametrize(
    ("solved", "contacted", "referred"),
    [
        (True, True, ["dissatisfied"]),
        (False, True, ["repeated_rework"]),
        (False, False, ["formal_closing", "repeated_rework"]),
        (True, False, ["dissatisfied"]),
    ],
)
def test_after_two_rounds_it_is_inspected_and_closed(
    answered: Callable[..., "Desk"], solved: bool, contacted: bool, referred: list[str]
) -> None:
    desk = answered("2026-10-08 09:00")
    for day in (8, 9):
        desk.take("rate", f"2026-10-0{day} 10:00", rating=1, solved=solved, contacted=contacted)
        (event,) = desk.take("submit-result", f"2026-10-0{day} 11:00")
        assert event.facts["round"] == day - 7
    events = desk.take("rate", "2026-10-10 12:00", rating=1, solved=solved, contacted=contacted)
    assert [event.action for event in events if event.kind == "escalated"][:1] == ["government_inspection"]
    assert (events[-1].kind, events[-1].facts["outcome"]) == ("closed", "unresolved")
    assert desk.referrals() == [("water", situation) for situation in referred]
    assert desk.case.rework_rounds == 2
    assert desk.refused("rate", "2026-10-10 13:00", rating=5, solved=True, contacted=True) == (
        "case_closed",
        "The case was closed on 2026-10-10 12:00 (unresolved); nothing more can happen to it.",
    )


def test_an_answer_nobody_brought_is_formal_closing(answered: Callable[..., "Desk"]) -> None:
    desk = answered("2026-10-08 09:00")
    desk.take("rate", "2026-10-08 10:00", rating=5, solved=False, contacted=False)
    assert desk.referrals() == [("water", "formal_closing")]
    assert desk.case.status == "handling"


def test_the_third_attempt_in_vain_closes_the_case(answered: Callable[..., "Desk"]) -> None:
    desk = answered("2026-09-30 15:00")
    for attempt in (1, 2):
        event = desk.take("call-back", f"2026-10-0{7 + attempt} 10:00", reached=False)[-1]
        assert (event.facts["reached"], event.facts["attempt"]) == (False, attempt)
        assert desk.due("callback") == "2026-10-10 24:00"
    event, closed = desk.take("call-back", "2026-10-10 10:00", reached=False)
    assert (event.facts["attempt"], event.late, closed.facts["outcome"]) == (3, False, "unreachable")
    assert (desk.case.status, desk.case.clocks) == ("closed", [])


def test_attempts_are_counted_for_each_round(answered: Callable[..., "Desk"]) -> None:
    desk = answered("2026-10-08 09:00")
    desk.take("call-back", "2026-10-08 10:00", reached=False)
    desk.take("call-back", "2026-10-08 11:00", rating=1, reached=True, solved=False, contacted=True)
    desk.take("submit-result", "2026-10-08 12:00")
    (event,) = desk.take("call-back", "2026-10-08 13:00", reached=False)
    assert event.facts["attempt"] == 1


@pytest.mark.parametrize(
    ("answers", "missing", "missing_zh"),
    [
        ({"solved": True, "contacted": True}, "rating", "五级评价"),
        ({"rating": 5}, "solved, contacted", "是否解决、是否联系"),
        ({}, "rating, solved, contacted", "五级评价、是否解决、是否联系"),
    ],
)
def test_a_citizen_who_was_reached_has_rated(
    answered: Callable[..., "Desk"], answers: dict[str, Any], missing: str, missing_zh: str
) -> None:
    refusal = answered("2026-10-08 09:00").refusal("call-back", "2026-10-08 10:00", reached=True, **answers)
    assert refusal.code == "rating_incomplete"
    assert refusal.message == (
        f"A citizen who was reached gives a rating of 1 to 5, solved and contacted; {missing} is missing."
    )
    assert refusal.message_zh == f"已接通的回访须填写五级评价、是否解决、是否联系，缺少{missing_zh}。"


@pytest.mark.parametrize("answer", [{"rating": 5}, {"solved": False}, {"contacted": False}])
def test_a_citizen_who_was_not_reached_has_not(answered: Callable[..., "Desk"], answer: dict[str, Any]) -> None:
    assert answered("2026-10-08 09:00").refused("call-back", "2026-10-08 10:00", reached=False, **answer) == (
        "rating_unreached",
        "A citizen who was not reached cannot have rated; leave out rating, solved and contacted.",
    )


@pytest.mark.parametrize("rating", [0, 6, -1])
def test_there_are_five_levels(answered: Callable[..., "Desk"], rating: int) -> None:
    with pytest.raises(ValidationError, match="rating"):
        answered("2026-10-08 09:00").take("rate", "2026-10-08 10:00", rating=rating, solved=True, contacted=True)


@pytest.mark.parametrize(("microseconds", "late"), [(-1, False), (0, True)])
def test_exactly_at_the_limit_is_late(
    answered: Callable[..., "Desk"], local: Callable[[str], datetime], microseconds: int, late: bool
) -> None:
    desk = answered("2026-09-30 15:00")
    moment = local("2026-10-10 24:00") + timedelta(microseconds=microseconds)
    events = desk.take("call-back", moment, rating=5, **REACHED)
    assert [event.late for event in events if event.kind == "called_back"] == [late]
    assert desk.rungs("callback") == [
        ("2026-10-09 09:00", "yellow"),
        *(late * [("2026-10-10 24:00", "red"), ("2026-10-10 24:00", "supervision_order")]),
    ]
    assert {event.facts["to"] for event in desk.events if event.kind == "escalated"} == {"hotline"}


@pytest.mark.parametrize("step", ["call-back", "rate"])
def test_without_a_result_there_is_nothing_to_rate(handling: Callable[..., "Desk"], step: str) -> None:
    answers: dict[str, Any] = REACHED if step == "call-back" else {"solved": True, "contacted": True}
    assert handling("2026-09-24 10:00").refused(step, "2026-09-24 11:00", rating=5, **answers) == (
        "not_in_this_stage",
        "This step is for a case that is callback; this one is handling.",
    )

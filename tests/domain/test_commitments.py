"""What units promise of their own service: when it starts, when it is due, what keeps it; every instant by hand."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain.city import load_city
from domain.commitment_clocks import clocks_of
from domain.commitments import Commitment
from domain.units import Unit
from tests.domain.conftest import CITY, Desk, local

Make = Callable[..., Desk]
LOCAL = ZoneInfo("Asia/Shanghai")
NINE = "2026-09-24 09:00"
LATER = "2026-12-31 24:00"
CONTENT: dict[str, Any] = {"reached": True, "rating": 5, "solved": True, "contacted": True}
NOT_CONTENT: dict[str, Any] = {"reached": True, "rating": 1, "solved": False, "contacted": True}


def a_unit(code: str, *commitments: dict[str, Any]) -> Unit:
    rows = [{"name": row["code"], "source": "test", **row} for row in commitments]
    return Unit.model_validate({"code": code, "name": code, "kind": "company", "commitments": rows})


ANSWER = {"code": "answer", "met_by": "answer", "within": "5m"}
SMALL = {"code": "small", "met_by": "clear", "within": "20min", "items": ["cold"]}
LARGE = {"code": "large", "met_by": "clear", "within": "8h", "items": ["leak"]}
SAME_DAY = {"code": "same-day", "met_by": "clear", "within": "same-day"}
HOME = {"code": "home", "met_by": "visit"}
REVISIT = {"code": "revisit", "met_by": "visit", "starts": "result", "categories": ["complaint"]}


def standing(desk: Desk, *commitments: dict[str, Any], at: str = LATER, unit: str = "water") -> list[tuple[str, ...]]:
    """How the commitments of a unit stand at a local time: code, start, due, state."""
    clocks = clocks_of(desk.events, {unit: a_unit(unit, *commitments)}, LOCAL, local(at))
    return [
        (clock.code, desk.read(clock.started), desk.read(clock.due) if clock.due else "-", clock.state)
        for clock in clocks
    ]


@pytest.mark.parametrize(
    ("signed", "state"),
    [("2026-09-24 09:04", "met"), ("2026-09-24 09:05", "missed"), (None, "running")],
)
def test_an_answer_in_five_minutes_is_a_sign_of_life_before_they_are_over(
    dispatched: Make, signed: str | None, state: str
) -> None:
    desk = dispatched(NINE)
    if signed:
        desk.take("sign-in", signed)
    found = standing(desk, ANSWER, at=signed or "2026-09-24 09:04")
    assert found == [("answer", NINE, "2026-09-24 09:05", state)]


def test_one_that_nobody_kept_is_missed_from_the_instant_it_was_due(dispatched: Make) -> None:
    desk = dispatched(NINE)
    assert [standing(desk, ANSWER, at=at)[0][-1] for at in ("2026-09-24 09:04", "2026-09-24 09:05")] == [
        "running", "missed",
    ]  # fmt: skip


def test_asking_to_return_an_order_is_an_answer_too(dispatched: Make) -> None:
    desk = dispatched(NINE)
    desk.take("request-return", "2026-09-24 09:03")
    desk.take("decide-return", "2026-09-24 11:00", accepted=False)
    assert standing(desk, ANSWER) == [("answer", NINE, "2026-09-24 09:05", "met")]


def test_an_order_that_was_never_theirs_is_no_miss_however_late_that_is_decided(dispatched: Make) -> None:
    desk = dispatched(NINE)
    desk.take("request-return", "2026-09-24 16:00")
    desk.take("decide-return", "2026-09-25 11:00", accepted=True)
    assert [row[-1] for row in standing(desk, ANSWER, SAME_DAY)] == ["dropped", "dropped"]


@pytest.mark.parametrize(
    ("ordered", "due"),
    [
        ("2026-09-24 00:00", "2026-09-24 24:00"),
        ("2026-09-24 23:59", "2026-09-24 24:00"),
        ("2026-09-24 07:59", "2026-09-24 24:00"),  # 23:59 of the day before in UTC
        ("2026-12-31 12:00", "2026-12-31 24:00"),
    ],
)
def test_the_same_day_ends_at_local_midnight(dispatched: Make, ordered: str, due: str) -> None:
    assert [row[2:] for row in standing(dispatched(ordered), SAME_DAY, at=ordered)] == [(due, "running")]


@pytest.mark.parametrize(("result", "state"), [("2026-09-24 23:59", "met"), ("2026-09-24 24:00", "missed")])
def test_what_is_cleared_at_midnight_is_not_cleared_the_same_day(handling: Make, result: str, state: str) -> None:
    desk = handling("2026-09-24 18:00")
    desk.take("submit-result", result)
    assert standing(desk, SAME_DAY) == [("same-day", "2026-09-24 18:00", "2026-09-24 24:00", state)]


@pytest.mark.parametrize(
    ("item", "code", "due"),
    [("cold", "small", "2026-10-01 03:20"), ("leak", "large", "2026-10-01 11:00")],
)
def test_hours_and_minutes_run_at_night_and_on_holidays(dispatched: Make, item: str, code: str, due: str) -> None:
    desk = dispatched("2026-10-01 03:00", item=item)
    assert standing(desk, SMALL, LARGE, at="2026-10-01 03:00") == [(code, "2026-10-01 03:00", due, "running")]


def test_another_item_brings_its_own_commitment_from_the_same_start(dispatched: Make) -> None:
    desk = dispatched(NINE, item="cold")
    desk.take("reclassify", "2026-09-24 10:00", item="leak")
    assert standing(desk, SMALL, LARGE, at="2026-09-24 10:00") == [("large", NINE, "2026-09-24 17:00", "running")]


def test_of_two_units_the_lead_clears_and_both_answer(dispatched: Make) -> None:
    desk = dispatched(NINE, assisting=("gas",))
    desk.take("sign-in", "2026-09-24 09:01")
    desk.take("sign-in", "2026-09-24 09:30", "gas")
    desk.take("submit-result", "2026-09-24 10:00")
    assert [row[::3] for row in standing(desk, ANSWER, SAME_DAY)] == [("answer", "met"), ("same-day", "met")]
    assert [row[::3] for row in standing(desk, ANSWER, SAME_DAY, unit="gas")] == [("answer", "missed")]


def test_the_result_of_the_lead_ends_what_an_assisting_unit_still_had_time_for(dispatched: Make) -> None:
    desk = dispatched(NINE, assisting=("gas",))
    desk.take("sign-in", "2026-09-24 09:01")
    desk.take("submit-result", "2026-09-24 09:04")
    assert [row[-1] for row in standing(desk, ANSWER, unit="gas")] == ["dropped"]


def test_a_redispatch_drops_what_is_not_due_and_leaves_what_was_missed(dispatched: Make) -> None:
    desk = dispatched(NINE)
    desk.take("redispatch", "2026-09-24 10:00", lead="gas")
    assert [row[::3] for row in standing(desk, ANSWER, SAME_DAY)] == [("answer", "missed"), ("same-day", "dropped")]
    assert standing(desk, ANSWER, SAME_DAY, unit="gas", at="2026-09-24 10:01") == [
        ("answer", "2026-09-24 10:00", "2026-09-24 10:05", "running"),
        ("same-day", "2026-09-24 10:00", "2026-09-24 24:00", "running"),
    ]


def test_a_redispatch_that_keeps_a_unit_leaves_its_clocks_alone(dispatched: Make) -> None:
    desk = dispatched(NINE, assisting=("gas",))
    desk.take("redispatch", "2026-09-24 10:00", lead="water", assisting=("heat",))
    assert standing(desk, SAME_DAY, at="2026-09-24 11:00") == [("same-day", NINE, "2026-09-24 24:00", "running")]
    assert standing(desk, ANSWER, unit="gas") == [("answer", NINE, "2026-09-24 09:05", "missed")]
    assert standing(desk, ANSWER, unit="heat", at="2026-09-24 10:00")[0][1] == "2026-09-24 10:00"


def test_rework_is_an_order_of_its_own_and_its_result_answers_it(answered: Make) -> None:
    desk = answered(NINE)
    desk.take("call-back", "2026-09-25 09:00", **NOT_CONTENT)
    desk.take("submit-result", "2026-09-25 09:04")
    assert standing(desk, ANSWER, SAME_DAY) == [
        ("answer", NINE, "2026-09-24 09:05", "met"),
        ("same-day", NINE, "2026-09-24 24:00", "met"),
        ("answer", "2026-09-25 09:00", "2026-09-25 09:05", "met"),
        ("same-day", "2026-09-25 09:00", "2026-09-25 24:00", "met"),
    ]


def test_a_home_visit_comes_before_the_result(handling: Make) -> None:
    visited, not_visited = handling(NINE), handling(NINE)
    visited.take("record-visit", "2026-09-26 10:00")
    assert standing(visited, HOME) == [("home", NINE, "-", "met")]
    assert standing(not_visited, HOME) == [("home", NINE, "-", "running")]
    not_visited.take("submit-result", "2026-09-24 10:00")
    not_visited.take("record-visit", "2026-09-24 11:00")
    assert standing(not_visited, HOME) == [("home", NINE, "-", "missed")]


def test_a_complaint_is_revisited_after_the_result_and_before_the_closing(handling: Make) -> None:
    desk = handling(NINE, "complaint")
    desk.take("record-visit", "2026-09-24 10:00")
    desk.take("submit-result", "2026-09-24 11:00")
    assert standing(desk, REVISIT) == [("revisit", "2026-09-24 11:00", "-", "running")]
    desk.take("record-visit", "2026-09-25 10:00")
    desk.take("call-back", "2026-09-26 10:00", **CONTENT)
    assert standing(desk, HOME, REVISIT) == [
        ("home", NINE, "-", "met"), ("revisit", "2026-09-24 11:00", "-", "met"),
    ]  # fmt: skip


def test_nothing_but_a_complaint_is_revisited(answered: Make) -> None:
    assert standing(answered(NINE, "help"), REVISIT) == []


def test_a_complaint_closed_before_the_revisit_is_missed(answered: Make) -> None:
    desk = answered(NINE, "complaint")
    desk.take("call-back", "2026-09-24 10:00", **CONTENT)
    assert standing(desk, REVISIT) == [("revisit", NINE, "-", "missed")]


@pytest.mark.parametrize("step", ["withdraw", "close"])
def test_a_case_taken_back_or_closed_by_decision_lets_the_unit_off(answered: Make, dispatched: Make, step: str) -> None:
    complaint, help_ = answered(NINE, "complaint"), dispatched(NINE)
    complaint.take(step, "2026-09-24 10:00")
    help_.take(step, "2026-09-24 10:00")
    assert standing(complaint, REVISIT) == [("revisit", NINE, "-", "dropped")]
    assert [row[::3] for row in standing(help_, ANSWER, SAME_DAY, HOME)] == [
        ("answer", "missed"), ("same-day", "dropped"), ("home", "dropped"),
    ]  # fmt: skip


def test_what_a_grid_does_keeps_no_commitment_of_a_unit(dispatched: Make) -> None:
    desk = dispatched(NINE, grid="g-1", grid_name="某院")
    desk.take("grid-sign-in", "2026-09-24 09:01", "g-1")
    desk.take("grid-report", "2026-09-24 09:02", "g-1")
    desk.take("grid-resolve", "2026-09-24 10:00", "g-1")
    assert [row[::3] for row in standing(desk, ANSWER, SAME_DAY, HOME)] == [
        ("answer", "missed"), ("same-day", "dropped"), ("home", "dropped"),
    ]  # fmt: skip


@pytest.mark.parametrize("within", ["5", "0m", "1d", "3wd", "8H", "same day", "1000min"])
def test_a_limit_is_minutes_hours_or_the_same_day(within: str) -> None:
    with pytest.raises(ValidationError, match="within"):
        Commitment.model_validate({**ANSWER, "name": "x", "source": "x", "within": within})


@pytest.mark.parametrize(
    ("commitments", "said"),
    [
        (({**ANSWER, "starts": "result"},), "after the result there is nothing but a visit"),
        ((HOME, HOME), "given twice"),
    ],
)
def test_what_makes_no_sense_is_refused(commitments: tuple[Mapping[str, Any], ...], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        a_unit("water", *map(dict, commitments))


def test_the_citys_companies_say_what_they_promised() -> None:
    city = load_city(CITY)
    began = local("2026-09-24 23:50")
    heat = city.promised("zz-heat", began, "help", "heat-cold", lead=True)
    water = city.promised("zz-water", began, "complaint", "water-quality", lead=True)
    assert [(one.code, one.due and one.due.astimezone(LOCAL).strftime("%d %H:%M")) for one in [*heat, *water]] == [
        ("answer", "24 23:55"), ("small-fault", "25 00:10"), ("same-day", "25 00:00"), ("home-visit", None),
    ]  # fmt: skip
    assert [one.code for one in city.promised("zz-heat", began, "help", "heat-cold", lead=False)] == ["answer"]

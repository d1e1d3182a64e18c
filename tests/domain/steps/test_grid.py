"""A grid works beside the units: what it does, when it may not, and that no limit of a unit moves."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from domain import story

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

Make = Callable[..., "Desk"]
MORNING, NOON, EVENING = "2026-09-24 10:00", "2026-09-24 12:00", "2026-09-24 18:00"
PHOTO = "ab" * 32
BAD: dict[str, Any] = {"reached": True, "rating": 1, "solved": False, "contacted": True}
GOOD: dict[str, Any] = {"reached": True, "rating": 5, "solved": True, "contacted": True}


@pytest.fixture
def desk(dispatched: Make) -> "Desk":
    """Dispatched to the water works, in a micro-grid that belongs to a community and a street."""
    names = {"g-2": "某社区", "g-3": "某街道"}
    return dispatched(MORNING, assisting=("gas",), grid="g-1", grid_name="某院", grids_above=names)


@pytest.fixture
def resolved(desk: "Desk") -> "Desk":
    desk.take("grid-sign-in", MORNING, "g-1")
    desk.take("grid-resolve", NOON, "g-1")
    return desk


def told(desk: "Desk", step: str, *args: Any, **more: Any) -> list[tuple[str, str | None, str]]:
    effects = desk.effects(desk.take(step, *args, **more))
    return [(effect.party.value, effect.unit or effect.grid, effect.kind) for effect in effects]


def test_signing_in_and_reporting_move_no_limit_of_the_unit(desk: "Desk") -> None:
    before = [clock.model_copy() for clock in desk.case.clocks]
    (signed,) = desk.take("grid-sign-in", NOON, "g-1")
    (reported,) = desk.take("grid-report", EVENING, "g-1", photos=(PHOTO,))
    assert (signed.kind, signed.unit, signed.clock) == ("grid_signed_in", "g-1", None)
    assert (reported.kind, reported.note, reported.facts) == ("grid_reported", "note-1", {"photos": [PHOTO]})
    assert desk.case.clocks == before
    assert desk.case.status == "dispatched"
    assert "网格上报情况（网格员），某院，照片 1 张" in story.line(reported, desk.case)


def test_a_report_is_passed_on_to_every_unit_that_has_the_case(desk: "Desk") -> None:
    assert told(desk, "grid-sign-in", MORNING, "g-1") == []
    both = [("unit", "water", "grid_reported"), ("unit", "gas", "grid_reported")]
    assert told(desk, "grid-report", NOON, "g-1") == both


def test_resolved_on_the_spot_the_case_waits_for_the_callback(desk: "Desk") -> None:
    desk.take("grid-sign-in", MORNING, "g-1")
    (event,) = desk.take("grid-resolve", NOON, "g-1", photos=(PHOTO,))
    assert (event.kind, event.unit, event.clock, event.late) == ("grid_resolved", "g-1", None, False)
    assert (desk.case.status, desk.clocks(), desk.due("callback")) == ("callback", {"callback"}, "2026-09-30 24:00")
    closed = desk.take("call-back", EVENING, **GOOD)
    assert [(event.kind, event.unit) for event in closed] == [("called_back", "g-1"), ("closed", None)]
    assert desk.case.outcome == "resolved"


def test_where_there_is_nobody_to_call_the_grids_result_ends_the_case(dispatched: Make) -> None:
    desk = dispatched(MORNING, grid="g-1", channel="sensor", nobody_to_call=True)
    desk.take("grid-sign-in", NOON, "g-1")
    desk.take("grid-resolve", NOON, "g-1")
    assert (desk.case.status, desk.case.outcome, desk.case.clocks) == ("closed", "resolved", [])


def test_units_and_citizen_hear_that_it_was_resolved(desk: "Desk") -> None:
    desk.take("grid-sign-in", MORNING, "g-1")
    assert told(desk, "grid-resolve", NOON, "g-1") == [
        ("unit", "water", "grid_resolved"),
        ("unit", "gas", "grid_resolved"),
        ("citizen", None, "result"),
    ]


def test_a_lapse_before_the_grid_resolved_it_stays_on_record(desk: "Desk") -> None:
    desk.take("grid-sign-in", MORNING, "g-1")
    desk.take("grid-resolve", "2026-10-09 10:00", "g-1")
    assert desk.case.breaches == ["sign_in"]


def test_a_return_that_waits_for_a_decision_lapses_with_the_result(desk: "Desk") -> None:
    desk.take("request-return", MORNING)
    desk.take("grid-sign-in", MORNING, "g-1")
    desk.take("grid-resolve", NOON, "g-1")
    assert (desk.case.request, desk.clocks()) == (None, {"callback"})


def test_once_the_lead_has_signed_in_the_result_is_its(desk: "Desk") -> None:
    desk.take("grid-sign-in", MORNING, "g-1")
    desk.take("sign-in", NOON, "gas")
    desk.take("sign-in", NOON)
    assert desk.refused("grid-resolve", EVENING, "g-1") == (
        "unit_at_work",
        "water signed in on 2026-09-24 12:00 and submits the result; report what was done.",
    )
    desk.take("grid-report", EVENING, "g-1")


def test_not_content_with_the_grid_the_citizen_has_the_unit_handle_it_with_all_its_limits(resolved: "Desk") -> None:
    events = resolved.take("call-back", "2026-09-28 10:00", **BAD)
    assert [(event.kind, event.unit) for event in events] == [("called_back", "g-1"), ("rework_ordered", "water")]
    assert resolved.case.status == "dispatched"
    assert resolved.clocks() == {"sign_in"}
    assert resolved.due("sign_in", "water") == resolved.due("sign_in", "gas") == "2026-10-09 24:00"
    assert resolved.refused("grid-resolve", "2026-09-28 11:00", "g-1") == (
        "unit_to_rework",
        "The citizen was not content, and water handles it now; report what was done.",
    )
    resolved.take("sign-in", "2026-09-29 10:00")
    assert resolved.due("handling") == "2026-10-12 24:00"
    resolved.take("submit-result", "2026-09-29 12:00")
    (called, _) = resolved.take("call-back", "2026-09-29 13:00", **GOOD)
    assert called.unit == "water"


@pytest.mark.parametrize("starts", ["dispatch", "receipt"])
def test_where_handling_starts_before_sign_in_it_starts_with_the_rework(
    dispatched: Make, rulebook: Any, starts: str
) -> None:
    clocks = rulebook.clocks
    handling = clocks.handling.model_copy(update={"starts": starts})
    rules = rulebook.model_copy(update={"clocks": clocks.model_copy(update={"handling": handling})})
    desk = dispatched(MORNING, rules=rules, grid="g-1")
    desk.take("grid-sign-in", MORNING, "g-1")
    desk.take("grid-resolve", NOON, "g-1")
    desk.take("call-back", "2026-09-28 10:00", **BAD)
    assert desk.clocks() == {"sign_in", "handling"}
    assert desk.due("handling") == "2026-10-10 24:00"


def test_an_empty_answer_of_a_grid_is_referred_as_the_grids(resolved: "Desk") -> None:
    resolved.take("call-back", EVENING, **BAD | {"contacted": False})
    assert resolved.referrals() == [("g-1", "formal_closing")]


def test_passed_up_it_is_the_grid_aboves_and_the_limits_run_on(desk: "Desk") -> None:
    before = [clock.model_copy() for clock in desk.case.clocks]
    desk.take("grid-sign-in", MORNING, "g-1")
    assert told(desk, "grid-escalate", NOON, "g-1") == [
        ("unit", "water", "grid_escalated"),
        ("unit", "gas", "grid_escalated"),
        ("grid", "g-2", "grid_escalated"),
    ]
    assert (desk.events[-1].unit, desk.events[-1].facts) == ("g-1", {"to": "g-2"})
    assert story.line(desk.events[-1], desk.case).endswith("网格上报转单（网格员），某院，转 某社区")
    assert desk.case.clocks == before
    assert (desk.case.grid, desk.case.at_grid) == ("g-1", "g-2")
    assert desk.refused("grid-report", NOON, "g-1") == ("not_your_grid", "This case is not with your grid.")
    assert desk.refused("grid-report", NOON, "g-2")[0] == "not_signed_in"
    desk.take("grid-sign-in", NOON, "g-2")
    desk.take("grid-escalate", NOON, "g-2")
    assert desk.refused("grid-escalate", EVENING, "g-3") == (
        "no_grid_above",
        "There is no grid above g-3; report with grid-report what you found, the unit or the hotline goes on.",
    )


@pytest.mark.parametrize("step", ["grid-sign-in", "grid-report", "grid-resolve", "grid-escalate"])
@pytest.mark.parametrize("grid", ["g-2", "water", None])
def test_nobody_acts_for_another_grid(desk: "Desk", step: str, grid: Any) -> None:
    assert desk.refused(step, NOON, grid)[0] == "not_your_grid"


@pytest.mark.parametrize("step", ["grid-report", "grid-resolve"])
def test_who_has_not_signed_in_reports_and_resolves_nothing(desk: "Desk", step: str) -> None:
    assert desk.refused(step, NOON, "g-1") == ("not_signed_in", "g-1 has not signed in yet; sign in first.")


def test_a_grid_signs_in_once(desk: "Desk") -> None:
    desk.take("grid-sign-in", MORNING, "g-1")
    assert desk.refused("grid-sign-in", NOON, "g-1")[0] == "already_signed_in"


@pytest.mark.parametrize("step", ["grid-sign-in", "grid-report", "grid-resolve", "grid-escalate"])
def test_before_the_dispatch_and_after_the_result_there_is_nothing_for_a_grid_to_do(
    received: Make, answered: Make, step: str
) -> None:
    assert received(MORNING, grid="g-1").refused(step, NOON, "g-1")[0] == "not_in_this_stage"
    assert answered(MORNING, grid="g-1").refused(step, NOON, "g-1")[0] == "not_in_this_stage"


@pytest.mark.parametrize("photo", ["", "AB" * 32, "ab" * 31, "../etc"])
def test_a_photograph_is_named_by_its_hash(desk: "Desk", photo: str) -> None:
    with pytest.raises(ValidationError, match="photos"):
        desk.take("grid-report", NOON, "g-1", photos=(photo,))


LINEAGE = {"g-7": "某村", "g-8": "某镇"}


def test_a_case_without_a_grid_is_given_one_and_the_dispatch_tells_it(received: Make) -> None:
    desk = received(MORNING)
    assert told(desk, "assign-grid", MORNING, grid="g-7", lineage=LINEAGE) == []
    assert told(desk, "dispatch", NOON, lead="water") == [("unit", "water", "dispatch"), ("grid", "g-7", "dispatched")]
    assert desk.case.summary().grid == "g-7"


def test_given_another_grid_the_old_one_is_recalled_and_the_new_one_told(desk: "Desk") -> None:
    desk.take("grid-escalate", MORNING, "g-1")
    assert told(desk, "assign-grid", NOON, grid="g-7", lineage=LINEAGE) == [
        ("grid", "g-2", "recall"),
        ("grid", "g-7", "grid_assigned"),
    ]
    assert desk.refused("assign-grid", NOON, grid="g-7", lineage=LINEAGE)[0] == "nothing_changes"
    desk.take("grid-sign-in", NOON, "g-7")
    desk.take("grid-escalate", NOON, "g-7")
    assert desk.case.at_grid == "g-8"
    assert "网格：某镇（未签收）" in story.details(desk.case, [], [])


def test_a_case_passed_up_may_be_given_back(desk: "Desk") -> None:
    desk.take("grid-escalate", MORNING, "g-1")
    desk.take("assign-grid", NOON, grid="g-1", lineage={"g-1": "某院", "g-2": "某社区"})
    desk.take("grid-sign-in", NOON, "g-1")
    assert (desk.case.at_grid, desk.case.grids_above) == ("g-1", ["g-2"])

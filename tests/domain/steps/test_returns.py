from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


def test_a_return_stops_the_leads_sign_in_clock_and_waits_for_a_decision(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    (event,) = desk.take("request-return", "2026-09-28 10:00", note="reason-1")
    assert (event.kind, event.unit, event.note, event.clock) == ("return_requested", "water", "reason-1", "sign_in")
    assert desk.case.status == "dispatched"
    assert [(clock.name, clock.unit) for clock in desk.case.clocks] == [("sign_in", "gas"), ("decision", None)]
    assert desk.due("decision") == "2026-09-29 24:00"


def test_accepted_the_case_goes_back_to_the_dispatcher(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    desk.take("request-return", "2026-09-28 10:00")
    (event,) = desk.take("decide-return", "2026-09-29 10:00", accepted=True)
    assert (event.kind, event.unit, event.facts["recalled"], event.late) == ("return_accepted", "water", ["gas"], False)
    assert (desk.case.status, desk.case.assignments, desk.clocks()) == ("returned", [], {"dispatch"})
    # September 30, October 8, 9, 10.
    assert desk.due("dispatch") == "2026-10-10 24:00"
    desk.take("dispatch", "2026-09-29 11:00", lead="heat")
    assert desk.case.status == "dispatched"


@pytest.mark.parametrize(
    ("step", "arguments", "kind"),
    [
        ("reject", {"ground": "petition"}, "rejected"),
        ("answer", {}, "answered"),
        ("transfer", {"to": "110"}, "transferred"),
    ],
)
@pytest.mark.parametrize(("at", "late"), [("2026-10-10 23:59", False), ("2026-10-11 10:00", True)])
def test_accepted_it_need_not_be_dispatched_again(
    dispatched: Callable[..., "Desk"], step: str, arguments: dict[str, Any], kind: str, at: str, late: bool
) -> None:
    """What comes back may turn out to be nobody's business, or answered at once; the new dispatch limit counts."""
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    desk.take("request-return", "2026-09-28 10:00")
    desk.take("decide-return", "2026-09-29 10:00", accepted=True)
    event, closed = desk.take(step, at, **arguments)[-2:]
    assert (event.kind, event.clock, desk.read(event.due), event.late) == (kind, "dispatch", "2026-10-10 24:00", late)
    assert (closed.kind, closed.facts["outcome"]) == ("closed", kind)
    assert (desk.case.status, desk.case.clocks, desk.next()) == ("closed", [], None)
    assert (desk.case.breaches == ["dispatch"]) is late
    assert [(effect.party, effect.kind) for effect in desk.effects([event, closed])] == [("citizen", kind)]


def test_refused_the_unit_signs_in_anew(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    desk.take("request-return", "2026-09-28 10:00")
    (event,) = desk.take("decide-return", "2026-09-30 10:00", accepted=False)[-1:]
    assert (event.kind, event.late) == ("return_refused", True)
    # October 8, 9, 10, 12.
    assert desk.due("sign_in", "water") == "2026-10-12 24:00"
    assert desk.refused("request-return", "2026-09-30 11:00") == (
        "return_after_arbitration",
        "The hotline decided on 2026-09-30 10:00 who is responsible; after arbitration there is no second return.",
    )


def test_after_arbitration_the_next_unit_may_not_return_it_either(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    desk.take("request-return", "2026-09-24 11:00")
    desk.take("decide-return", "2026-09-24 12:00", accepted=True)
    desk.take("dispatch", "2026-09-24 13:00", lead="gas")
    assert desk.refused("request-return", "2026-09-24 14:00", "gas")[0] == "return_after_arbitration"


@pytest.mark.parametrize(
    ("at", "window"),
    [
        ("2026-09-24 10:00", "2026-09-29 24:00"),
        ("2026-09-30 10:00", "2026-10-09 24:00"),
        ("2026-02-13 16:00", "2026-02-24 24:00"),
    ],
)
def test_the_return_window_is_two_working_days(
    dispatched: Callable[..., "Desk"], local: Callable[[str], datetime], at: str, window: str
) -> None:
    refused = dispatched(at).refused("request-return", local(window))
    assert refused == (
        "return_window_over",
        f"Asked after the return window passed on {window}; the unit is responsible as first receiver.",
    )
    dispatched(at).take("request-return", local(window) - timedelta(microseconds=1))


def test_a_return_is_asked_before_sign_in(handling: Callable[..., "Desk"]) -> None:
    assert handling("2026-09-24 10:00").refused("request-return", "2026-09-24 11:00") == (
        "return_after_sign_in",
        "water already signed in on 2026-09-24 10:00; a return is asked before sign-in.",
    )


def test_only_the_lead_asks_and_only_once_at_a_time(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    assert desk.refused("request-return", "2026-09-24 11:00", "gas") == (
        "not_the_lead",
        "Only the lead unit, water, may take this step; assisting units report progress.",
    )
    assert desk.refused("request-return", "2026-09-24 11:00", "heat")[0] == "not_your_case"
    desk.take("request-return", "2026-09-24 11:00")
    assert desk.refused("request-return", "2026-09-24 12:00") == (
        "request_pending",
        "The return asked on 2026-09-24 11:00 still waits for the hotline's decision.",
    )


def test_there_must_be_something_to_decide(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    refusal = desk.refusal("decide-return", "2026-09-24 11:00", accepted=True)
    assert (refusal.code, refusal.message) == ("nothing_to_decide", "There is no return request to decide.")
    assert refusal.message_zh == "没有待审核的退单申请。"


def test_a_decision_that_tarries_is_the_hotlines_breach(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-30 10:00")
    desk.take("request-return", "2026-09-30 11:00")
    desk.lapse("2026-10-20 10:00")
    assert desk.rungs("decision") == [("2026-10-08 24:00", "red"), ("2026-10-08 24:00", "supervision_order")]
    assert {event.facts["to"] for event in desk.events if event.kind == "escalated"} == {"hotline"}
    assert desk.rungs("sign_in") == []


def test_only_the_unit_whose_return_was_refused_is_said_to_shirk(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-21 10:00", assisting=("gas",))
    desk.take("request-return", "2026-09-21 11:00")
    desk.take("decide-return", "2026-09-21 12:00", accepted=False)
    desk.lapse("2026-11-01 10:00")
    assert desk.referrals() == [("gas", "sign_in_overdue"), ("water", "groundless_return")]


def test_a_unit_that_takes_over_is_not_blamed_for_another_units_return(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-21 10:00")
    desk.take("request-return", "2026-09-21 11:00")
    desk.take("decide-return", "2026-09-21 12:00", accepted=False)
    desk.take("redispatch", "2026-09-21 13:00", lead="heat")
    desk.lapse("2026-11-01 10:00")
    assert desk.referrals() == [("heat", "sign_in_overdue")]

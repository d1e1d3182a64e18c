from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


@pytest.mark.parametrize(("microseconds", "late"), [(-1, False), (0, True)])
def test_the_opinion_is_due_two_hours_after_sign_in(
    handling: Callable[..., "Desk"], local: Callable[[str], datetime], microseconds: int, late: bool
) -> None:
    desk = handling("2026-10-01 23:00", outage=True)
    events = desk.take("give-opinion", local("2026-10-02 01:00") + timedelta(microseconds=microseconds))
    assert (events[-1].kind, events[-1].late) == ("opinion_given", late)
    assert desk.rungs("opinion") == late * [
        ("2026-10-02 01:00", "red"),
        ("2026-10-02 01:00", "supervision_order"),
        ("2026-10-02 01:00", "opinion_overdue"),
    ]
    assert "opinion" not in desk.clocks()


def test_the_opinion_is_given_once(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-10-01 23:00", outage=True)
    desk.take("give-opinion", "2026-10-01 23:30")
    assert desk.refused("give-opinion", "2026-10-01 23:40") == (
        "opinion_given",
        "The preliminary opinion was given on 2026-10-01 23:30.",
    )


def test_there_is_no_opinion_without_an_outage(handling: Callable[..., "Desk"]) -> None:
    assert handling("2026-10-01 23:00").refused("give-opinion", "2026-10-01 23:30") == (
        "not_an_outage",
        "A preliminary opinion is asked for in a large outage only; report progress instead.",
    )


def test_the_opinion_is_the_leads(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-10-01 23:00", outage=True, assisting=("gas",))
    assert desk.refused("give-opinion", "2026-10-01 23:10", "gas")[0] == "not_the_lead"
    assert desk.refused("give-opinion", "2026-10-01 23:10", "heat")[0] == "not_your_case"


def test_progress_is_due_every_natural_day_holidays_included(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-30 18:00", "complaint", outage=True)
    desk.take("give-opinion", "2026-09-30 18:30")
    assert desk.due("progress") == "2026-10-01 24:00"
    desk.take("report-progress", "2026-10-01 08:00")
    assert desk.due("progress") == "2026-10-02 24:00"
    desk.take("report-progress", "2026-10-01 20:00")
    assert desk.due("progress") == "2026-10-02 24:00"
    (event,) = desk.take("report-progress", "2026-10-02 23:59")
    assert (event.kind, event.late) == ("progress_reported", False)
    assert desk.due("progress") == "2026-10-03 24:00"
    assert desk.case.breaches == []


def test_each_missed_day_renews_the_clock_and_is_referred_once(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-30 18:00", "complaint", outage=True)
    desk.take("give-opinion", "2026-09-30 18:30")
    desk.lapse("2026-10-04 12:00")
    assert desk.rungs("progress") == [
        ("2026-10-01 24:00", "red"),
        ("2026-10-01 24:00", "supervision_order"),
        ("2026-10-01 24:00", "progress_missed"),
        ("2026-10-02 24:00", "red"),
        ("2026-10-02 24:00", "supervision_order"),
        ("2026-10-03 24:00", "red"),
        ("2026-10-03 24:00", "supervision_order"),
    ]
    assert desk.due("progress") == "2026-10-04 24:00"
    assert desk.case.breaches == ["progress"]


def test_a_report_at_midnight_is_late_for_the_day_before_and_counts_for_its_own(
    handling: Callable[..., "Desk"], local: Callable[[str], datetime]
) -> None:
    desk = handling("2026-09-30 18:00", outage=True)
    desk.take("give-opinion", "2026-09-30 18:30")
    desk.take("report-progress", local("2026-10-01 24:00"))
    assert len(desk.rungs("progress")) == 3
    assert desk.due("progress") == "2026-10-03 24:00"


def test_an_assisting_units_report_does_not_meet_the_leads_duty(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-30 18:00", outage=True, assisting=("gas",))
    assert desk.refused("report-progress", "2026-09-30 18:30", "gas") == (
        "not_signed_in",
        "gas has not signed in yet; sign in first.",
    )
    desk.take("sign-in", "2026-09-30 18:40", "gas")
    (event,) = desk.take("report-progress", "2026-10-01 01:00", "gas")[-1:]
    assert (event.unit, event.clock, desk.due("progress")) == ("gas", None, "2026-10-01 24:00")


def test_progress_without_an_outage_moves_no_clock(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    (event,) = desk.take("report-progress", "2026-09-25 10:00")
    assert (event.clock, event.due, desk.clocks()) == (None, None, {"handling"})


def test_progress_belongs_to_the_work(dispatched: Callable[..., "Desk"]) -> None:
    assert dispatched("2026-09-24 10:00").refused("report-progress", "2026-09-24 10:10") == (
        "not_in_this_stage",
        "This step is for a case that is handling or suspended; this one is dispatched.",
    )

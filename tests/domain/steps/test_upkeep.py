from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest

from domain.calendar import WorkCalendar

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


def test_another_calendar_moves_open_deadlines_and_says_which(
    handling: Callable[..., "Desk"], without: Callable[..., WorkCalendar]
) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    emergency = without("2026-10-08", "2026-10-09", version="city 7")
    changed, *moved = desk.take("change-calendar", "2026-09-28 10:00", calendar=emergency)
    assert (changed.kind, changed.facts["calendar"]) == ("calendar_changed", "city 7")
    assert [(event.kind, event.clock, event.unit, event.facts["why"]) for event in moved] == [
        ("deadline_moved", "sign_in", "gas", "calendar: 2026-10-08 停工 (休), 2026-10-09 停工 (休)"),
        ("deadline_moved", "handling", "water", "calendar: 2026-10-08 停工 (休), 2026-10-09 停工 (休)"),
    ]
    # September 28, 29, 30, October 10, 12.
    assert (desk.due("sign_in", "gas"), desk.due("handling")) == ("2026-10-10 24:00", "2026-10-12 24:00")


def test_a_moved_deadline_names_at_most_three_days_of_its_own(
    handling: Callable[..., "Desk"], without: Callable[..., WorkCalendar]
) -> None:
    desk = handling("2026-09-24 10:00")
    days = ["2026-09-23", "2026-09-24", "2026-09-28", "2026-09-29", "2026-09-30", "2026-10-08", "2026-11-26"]
    *_, moved = desk.take("change-calendar", "2026-09-28 10:00", calendar=without(*days))
    named = "2026-09-28 停工 (休), 2026-09-29 停工 (休), 2026-09-30 停工 (休), …"
    assert moved.facts["why"] == f"calendar: {named}"


def test_a_day_worked_again_is_named_too(
    handling: Callable[..., "Desk"], without: Callable[..., WorkCalendar], calendar: WorkCalendar
) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("change-calendar", "2026-09-28 10:00", calendar=without("2026-10-08"))
    _, moved = desk.take("change-calendar", "2026-09-28 11:00", calendar=calendar)
    assert (moved.facts["why"], desk.due("handling")) == ("calendar: 2026-10-08 工作日 (班)", "2026-10-09 24:00")


def test_more_of_the_same_calendar_is_taken_without_a_word(
    handling: Callable[..., "Desk"], calendar: WorkCalendar
) -> None:
    desk = handling("2026-09-24 10:00")
    longer = calendar.slice(date(2026, 9, 1), date(2027, 12, 31))
    assert desk.take("change-calendar", "2026-09-28 10:00", calendar=longer) == []
    assert desk.case.calendar == longer


def test_the_same_calendar_is_nothing_new(handling: Callable[..., "Desk"], calendar: WorkCalendar) -> None:
    assert handling("2026-09-24 10:00").take("change-calendar", "2026-09-28 10:00", calendar=calendar) == []


def test_hours_and_natural_days_do_not_move(
    handling: Callable[..., "Desk"], without: Callable[..., WorkCalendar]
) -> None:
    desk = handling("2026-09-24 10:00", outage=True)
    events = desk.take("change-calendar", "2026-09-24 10:10", calendar=without("2026-09-28"))
    assert [event.clock for event in events if event.kind == "deadline_moved"] == ["handling"]
    assert (desk.due("opinion"), desk.due("progress")) == ("2026-09-24 12:00", "2026-09-25 24:00")


def test_a_provisional_deadline_settles(handling: Callable[..., "Desk"], calendar: WorkCalendar) -> None:
    """New Year's rest is lengthened to Monday 4 January when the arrangement of 2027 is published."""
    desk = handling("2026-12-29 10:00")
    assert (desk.due("handling"), desk.case.summary().provisional) == ("2027-01-06 24:00", True)
    published = calendar.model_copy(
        update={
            "version": "2027",
            "covers_until": date(2027, 12, 31),
            "rest": calendar.rest | {date(2027, 1, 4): "元旦"},
        }
    )
    desk.take("change-calendar", "2026-12-30 10:00", calendar=published)
    assert (desk.due("handling"), desk.case.summary().provisional) == ("2027-01-07 24:00", False)


def test_a_suspension_ends_on_its_date_whatever_the_calendar(
    handling: Callable[..., "Desk"], without: Callable[..., WorkCalendar]
) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-28 10:00", until=date(2026, 10, 29))
    desk.take("decide-suspension", "2026-09-28 10:00", granted=True)
    (event,) = desk.take("change-calendar", "2026-09-28 11:00", calendar=without("2026-10-29", "2026-10-30"))
    assert (event.kind, desk.due("suspension")) == ("calendar_changed", "2026-10-29 24:00")
    desk.lapse("2026-10-29 24:00")
    # Four days were left: November 2 to 5, Friday 30 October being off now.
    assert desk.due("handling") == "2026-11-05 24:00"


@pytest.mark.parametrize("stage", ["received", "handling", "answered"])
def test_a_failure_is_noted_for_a_person(request: pytest.FixtureRequest, stage: str) -> None:
    make: Callable[..., Desk] = request.getfixturevalue(stage)
    desk = make("2026-09-24 10:00")
    (event,) = desk.take("report-failure", "2026-09-27 10:00", effect="ZZ-1:3", party="unit", error="timeout")
    assert (event.kind, event.facts["effect"], event.facts["party"]) == ("effect_failed", "ZZ-1:3", "unit")
    assert event.by.role == "system"


def test_a_failure_is_noted_after_closing_too(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00")
    desk.take("close", "2026-09-24 11:00")
    (event,) = desk.take("report-failure", "2026-09-27 10:00", effect="ZZ-1:2", party="citizen", error="timeout")
    assert (event.kind, desk.case.status, desk.case.last_event) == ("effect_failed", "closed", 3)

"""What a case is before, between and after its steps."""

from collections.abc import Callable
from datetime import date, time
from typing import TYPE_CHECKING

import pytest

from domain.case import Case
from domain.rulebook import Rulebook

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


def test_the_first_event_says_what_came_in_and_under_which_rules(
    received: Callable[..., "Desk"], rulebook: Rulebook
) -> None:
    desk = received("2026-09-24 10:00", "complaint", item="leak", outage=True, province=True, marks=["again"])
    (event,) = desk.events
    assert (event.n, event.kind, event.by.role, desk.read(event.at)) == (1, "received", "agent", "2026-09-24 10:00")
    assert event.facts == {
        "channel": "phone",
        "category": "complaint",
        "item": "leak",
        "outage": True,
        "province": True,
        "marks": ["again"],
        "rulebook": rulebook.version,
        "calendar": desk.case.calendar.version,
    }


def test_a_category_that_is_not_in_the_rulebook_opens_no_case(received: Callable[..., "Desk"]) -> None:
    with pytest.raises(ValueError, match="category 'praise' is not in rulebook"):
        received("2026-09-24 10:00", "praise")


def test_two_cases_share_nothing(received: Callable[..., "Desk"]) -> None:
    one, two = received("2026-09-24 10:00"), received("2026-09-24 10:00")
    one.take("dispatch", "2026-09-24 11:00", lead="water")
    one.lapse("2026-12-01 10:00")
    assert (two.case.status, two.case.assignments, two.case.breaches) == ("received", [], [])


def test_due_is_the_nearest_rung_and_the_summary_the_nearest_limit(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    # The warning before gas must have signed in (8 October) comes before the handling limit's own (9 October).
    assert desk.next() == ("2026-09-30 09:00", "sign_in", "yellow")
    summary = desk.case.summary()
    assert (desk.read(summary.due), summary.due_clock, summary.assisting) == ("2026-10-08 24:00", "sign_in", ["gas"])


def test_a_step_that_is_refused_leaves_even_what_has_lapsed_to_the_timer(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    assert desk.refused("sign-in", "2026-10-10 08:00")[0] == "already_signed_in"
    assert desk.case.breaches == []
    assert [event.n for event in desk.lapse("2026-10-10 08:00")] == [4, 5, 6, 7]


def test_a_limit_that_lapsed_is_told_before_the_step_that_came_too_late(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    events = desk.take("sign-in", "2026-10-09 10:00")
    assert [event.kind.value for event in events] == ["escalated", "escalated", "escalated", "signed_in"]
    assert len({event.at for event in events}) == 1


@pytest.mark.parametrize("decided", [False, True])
def test_written_down_and_read_back_it_goes_on_as_before(handling: Callable[..., "Desk"], decided: bool) -> None:
    desk = handling("2026-09-24 10:00", outage=True, province=True, assisting=("gas",))
    desk.take("request-suspension", "2026-09-28 10:00", until=date(2026, 10, 29))
    if decided:
        desk.take("decide-suspension", "2026-09-28 11:00", granted=True)
    copy = type(desk)(Case.model_validate_json(desk.case.model_dump_json()), [])
    assert copy.case == desk.case
    assert copy.lapse("2026-11-20 10:00") == desk.lapse("2026-11-20 10:00")
    assert copy.take("submit-result", "2026-11-20 11:00") == desk.take("submit-result", "2026-11-20 11:00")
    assert copy.case.model_dump_json() == desk.case.model_dump_json()


def test_the_city_may_end_its_day_at_close_of_business(received: Callable[..., "Desk"], rulebook: Rulebook) -> None:
    rules = rulebook.model_copy(update={"days": rulebook.days.model_copy(update={"ends": time(17, 30)})})
    desk = received("2026-09-24 10:00", rules=rules)
    desk.take("dispatch", "2026-09-24 10:00", lead="water")
    desk.take("sign-in", "2026-09-24 10:00")
    assert desk.due("handling") == "2026-10-09 17:30"
    desk.take("request-extension", "2026-10-09 17:29")
    assert desk.refused("request-extension", "2026-10-09 17:29")[0] == "request_pending"
    desk.take("decide-extension", "2026-10-09 17:29", granted=True)
    assert desk.due("handling") == "2026-10-15 17:30"
    desk.take("request-suspension", "2026-10-14 10:00", until=date(2026, 10, 29))
    desk.take("decide-suspension", "2026-10-14 10:00", granted=True)
    desk.lapse("2026-10-30 00:00")
    assert desk.due("handling") == "2026-10-30 17:30"

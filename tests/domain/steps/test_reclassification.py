from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from domain.calendar import WorkCalendar

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


@pytest.mark.parametrize(
    ("category", "due"),
    [
        ("consultation", "2026-09-30 24:00"),
        ("complaint", "2026-10-15 24:00"),
    ],
)
def test_another_category_moves_the_deadline_and_says_why(
    handling: Callable[..., "Desk"], category: str, due: str
) -> None:
    desk = handling("2026-09-24 10:00")
    reclassified, moved = desk.take("reclassify", "2026-09-28 10:00", category=category, note="reason-1")
    assert (reclassified.kind, reclassified.facts["was"], reclassified.facts["category"]) == (
        "reclassified", "help", category,
    )  # fmt: skip
    assert (moved.kind, moved.clock, moved.unit) == ("deadline_moved", "handling", "water")
    assert (desk.read(moved.facts["was"]), desk.read(moved.due)) == ("2026-10-09 24:00", due)
    assert moved.facts["why"] == f"reclassified: {category}"
    assert (desk.due("handling"), desk.case.category) == (due, category)


def test_a_category_with_the_same_limit_moves_nothing(handling: Callable[..., "Desk"]) -> None:
    (event,) = handling("2026-09-24 10:00").take("reclassify", "2026-09-28 10:00", category="suggestion")
    assert event.kind == "reclassified"


def test_an_order_from_the_province_stays_a_day_shorter(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", province=True)
    desk.take("reclassify", "2026-09-28 10:00", category="complaint")
    assert desk.due("handling") == "2026-10-14 24:00"


def test_before_sign_in_it_tells_for_later(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    (event,) = desk.take("reclassify", "2026-09-24 11:00", category="complaint")
    assert (event.kind, desk.due("sign_in")) == ("reclassified", "2026-10-08 24:00")
    desk.take("sign-in", "2026-09-24 12:00")
    assert desk.due("handling") == "2026-10-15 24:00"


def test_it_becomes_an_outage(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    (event,) = desk.take("reclassify", "2026-09-26 22:00", outage=True)
    assert (event.kind, event.facts["outage"]) == ("reclassified", True)
    assert (desk.due("opinion"), desk.due("progress")) == ("2026-09-26 24:00", "2026-09-27 24:00")
    assert desk.due("handling") == "2026-10-09 24:00"
    desk.take("reclassify", "2026-09-26 23:00", outage=False)
    assert desk.clocks() == {"handling"}


def test_an_outage_shortens_dispatch_and_sign_in(
    received: Callable[..., "Desk"], dispatched: Callable[..., "Desk"]
) -> None:
    desk = received("2026-09-24 10:00")
    assert [event.kind for event in desk.take("reclassify", "2026-09-24 10:30", outage=True)] == [
        "reclassified",
        "deadline_moved",
    ]
    assert desk.due("dispatch") == "2026-09-24 12:00"
    desk = dispatched("2026-09-24 10:00")
    desk.take("reclassify", "2026-09-24 10:30", outage=True)
    assert desk.due("sign_in") == "2026-09-24 11:00"
    assert desk.events[-1].facts["why"] == "reclassified: help (outage)"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        # Two hours from the receipt at 10:00 while they last, from then on two hours from the change.
        ("2026-09-24 11:59", "2026-09-24 12:00"),
        ("2026-09-24 12:00", "2026-09-24 14:00"),
        ("2026-10-03 22:30", "2026-10-04 00:30"),
        # The old limit had passed with 8 October: what has lapsed has lapsed, and counts from the receipt.
        ("2026-10-09 10:00", "2026-09-24 12:00"),
    ],
)
def test_no_limit_ends_before_the_change_that_set_it(received: Callable[..., "Desk"], at: str, due: str) -> None:
    desk = received("2026-09-24 10:00")
    desk.take("reclassify", at, outage=True)
    assert desk.due("dispatch") == due


def test_counted_from_a_change_it_is_still_counted_from_its_start_under_the_next(
    handling: Callable[..., "Desk"], without: Callable[..., WorkCalendar]
) -> None:
    desk = handling("2026-09-24 10:00", "complaint")
    desk.take("reclassify", "2026-10-08 10:00", category="consultation")
    assert desk.due("handling") == "2026-10-12 24:00"
    desk.take("change-calendar", "2026-10-08 11:00", calendar=without("2026-10-10"))
    assert desk.due("handling") == "2026-10-13 24:00"
    (event,) = desk.take("reclassify", "2026-10-09 10:00", item="leak")
    assert (event.kind, desk.due("handling")) == ("reclassified", "2026-10-13 24:00")
    # Ten working days from 24 September: 28, 29, 30, October 8, 9, 12, 13, 14, 15, 16.
    desk.take("reclassify", "2026-10-09 11:00", category="complaint")
    assert desk.due("handling") == "2026-10-16 24:00"


def test_another_item_alone_is_a_change(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", item="leak")
    (event,) = desk.take("reclassify", "2026-09-24 11:00", item="pressure")
    assert (event.facts["item"], desk.case.item, desk.case.summary().item) == ("pressure", "pressure", "pressure")


@pytest.mark.parametrize("same", [{}, {"category": "help"}, {"outage": False, "item": "leak"}])
def test_nothing_new_is_refused(handling: Callable[..., "Desk"], same: dict[str, Any]) -> None:
    assert handling("2026-09-24 10:00", item="leak").refused("reclassify", "2026-09-24 11:00", **same) == (
        "nothing_changes",
        "The case already is as asked; nothing changes.",
    )


def test_an_unknown_category_is_refused(handling: Callable[..., "Desk"]) -> None:
    refused = handling("2026-09-24 10:00").refused("reclassify", "2026-09-24 11:00", category="praise")
    known = "complaint, consultation, help, opinion, proactive, report, suggestion"
    assert refused == ("unknown_category", f"This is not a category of this city's rulebook: {known}.")


def test_after_an_extension_the_category_is_fixed(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-09-28 10:00")
    desk.take("decide-extension", "2026-09-28 11:00", granted=True)
    assert desk.refused("reclassify", "2026-09-28 12:00", category="complaint") == (
        "category_fixed",
        "The extension was granted on 2026-09-28 11:00; the category can no longer change.",
    )
    desk.take("reclassify", "2026-09-28 12:00", item="leak", outage=True)
    assert desk.due("handling") == "2026-10-15 24:00"


def test_not_while_suspended_answered_or_closed(
    handling: Callable[..., "Desk"], answered: Callable[..., "Desk"]
) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-24 11:00", until=date(2026, 10, 20))
    desk.take("decide-suspension", "2026-09-24 12:00", granted=True)
    assert desk.refused("reclassify", "2026-09-24 13:00", category="complaint") == (
        "not_in_this_stage",
        "This step is for a case that is received or dispatched or returned or handling; this one is suspended.",
    )
    assert answered("2026-09-24 10:00").refused("reclassify", "2026-09-24 13:00", outage=True)[0] == "not_in_this_stage"

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from domain.events import ENGINE_GRACE
from domain.limits import Limit
from domain.rulebook import Rulebook

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


@pytest.fixture
def suspended(handling: Callable[..., "Desk"]) -> Callable[..., "Desk"]:
    """A request for help due on 9 October, put off on Tuesday 29 September until the end of a day."""

    def suspend(until: str, **more: object) -> "Desk":
        desk = handling("2026-09-24 10:00", **more)
        desk.take("request-suspension", "2026-09-28 10:00", until=date.fromisoformat(until))
        desk.take("decide-suspension", "2026-09-29 10:00", granted=True)
        return desk

    return suspend


def test_approved_every_clock_stands_still(suspended: Callable[..., "Desk"]) -> None:
    desk = suspended("2026-10-29")
    assert (desk.case.status, desk.clocks()) == ("suspended", {"suspension"})
    assert desk.next() == ("2026-10-29 24:00", "suspension", None)
    event = desk.events[-1]
    # September 30, October 8, 9.
    assert (event.kind, event.unit, event.facts["days_left"]) == ("suspension_granted", "water", 3)
    assert desk.read(event.facts["until"]) == "2026-10-29 24:00"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        # Taken up on a Tuesday, on a Saturday, and on the very day of the approval.
        ("2026-10-20 10:00", "2026-10-23 24:00"),
        ("2026-10-24 10:00", "2026-10-28 24:00"),
        ("2026-09-29 10:00", "2026-10-09 24:00"),
        ("2026-09-29 23:59", "2026-10-09 24:00"),
    ],
)
def test_resumed_it_has_the_working_days_it_had_left(suspended: Callable[..., "Desk"], at: str, due: str) -> None:
    desk = suspended("2026-10-29")
    (event,) = desk.take("resume", at)
    assert (event.kind, event.unit, event.by.role, event.late) == ("resumed", "water", "dispatcher", False)
    assert (desk.case.status, desk.clocks(), desk.due("handling")) == ("handling", {"handling"}, due)


@pytest.mark.parametrize("at", ["2026-10-29 24:00", "2026-11-02 15:00"])
def test_when_its_date_has_come_it_runs_on_from_the_end_of_that_day(suspended: Callable[..., "Desk"], at: str) -> None:
    """The last day put off is Thursday 29 October; Friday 30, Monday 2 and Tuesday 3 are left, however late we wake."""
    desk = suspended("2026-10-29")
    event = desk.lapse(at)[0]
    assert (event.kind, event.by.role) == ("resumed", "system")
    assert (desk.read(event.at), desk.read(event.due)) == (at, "2026-10-29 24:00")
    assert (desk.case.status, desk.due("handling")) == ("handling", "2026-11-03 24:00")


def test_an_engine_that_slept_past_everything_finds_every_rung(suspended: Callable[..., "Desk"]) -> None:
    desk = suspended("2026-10-29")
    desk.lapse("2026-11-05 08:00")
    assert desk.rungs("handling") == [
        ("2026-11-02 09:00", "yellow"),
        ("2026-11-03 24:00", "red"),
        ("2026-11-03 24:00", "supervision_order"),
        ("2026-11-03 24:00", "handling_overdue"),
        ("2026-11-04 09:00", "joint_meeting"),
    ]


def test_put_off_on_the_last_day_one_working_day_is_left(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-10-09 10:00", until=date(2026, 10, 31))
    desk.take("decide-suspension", "2026-10-09 11:00", granted=True)
    desk.take("resume", "2026-10-20 10:00")
    assert desk.due("handling") == "2026-10-21 24:00"


@pytest.mark.parametrize(("more", "late"), [(timedelta(), False), (ENGINE_GRACE, True)])
def test_the_engine_is_late_when_it_wakes_long_after_the_date(
    suspended: Callable[..., "Desk"], local: Callable[[str], datetime], more: timedelta, late: bool
) -> None:
    assert suspended("2026-10-29").lapse(local("2026-10-29 24:00") + more)[0].late is late


def test_while_a_suspension_is_decided_the_ladder_waits(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-10-08 16:00", until=date(2026, 10, 15))
    assert desk.lapse("2026-10-09 23:00") == []
    desk.take("decide-suspension", "2026-10-10 10:00", granted=True)
    assert desk.rungs("handling") == [("2026-10-08 09:00", "yellow")]
    assert (desk.case.breaches, desk.clocks()) == (["decision"], {"suspension"})


def test_refused_what_has_lapsed_meanwhile_fires_at_once(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-10-09 16:00", until=date(2026, 10, 15))
    (refused,) = desk.take("decide-suspension", "2026-10-10 08:00", granted=False)
    assert (refused.kind, desk.next()) == ("suspension_refused", ("2026-10-09 24:00", "handling", "red"))
    assert [event.action for event in desk.lapse("2026-10-10 08:00")] == [
        "red", "supervision_order", "discipline_referral",
    ]  # fmt: skip


def test_rungs_gone_by_do_not_fire_again_after_a_suspension(handling: Callable[..., "Desk"], unheld: Rulebook) -> None:
    desk = handling("2026-09-24 10:00", rules=unheld)
    desk.take("request-suspension", "2026-10-09 16:00", until=date(2026, 10, 15))
    desk.take("decide-suspension", "2026-10-10 10:00", granted=True)
    assert [action for _, action in desk.rungs("handling")] == [
        "yellow", "red", "supervision_order", "handling_overdue", "joint_meeting",
    ]  # fmt: skip
    desk.lapse("2026-10-20 08:00")
    actions = [action for _, action in desk.rungs("handling")]
    assert len(actions) == len(set(actions))


def test_an_extension_is_remembered_through_a_suspension(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-09-28 10:00", limit=Limit.parse("1wd"))
    desk.take("decide-extension", "2026-09-28 11:00", granted=True)
    desk.take("request-suspension", "2026-09-28 12:00", until=date(2026, 10, 30))
    desk.take("decide-suspension", "2026-09-28 13:00", granted=True)
    desk.lapse("2026-11-30 08:00")
    assert ("water", "extension_overdue") in desk.referrals()
    assert ("water", "handling_overdue") not in desk.referrals()


def test_an_extension_after_a_suspension_is_counted_from_the_new_due_instant(suspended: Callable[..., "Desk"]) -> None:
    desk = suspended("2026-10-29")
    desk.take("resume", "2026-10-20 10:00")
    desk.take("request-extension", "2026-10-20 11:00")
    desk.take("decide-extension", "2026-10-20 12:00", granted=True)
    assert desk.due("handling") == "2026-10-30 24:00"
    desk.take("reclassify", "2026-10-20 13:00", outage=True)
    assert desk.due("handling") == "2026-10-30 24:00"


def test_reclassified_after_a_suspension_it_keeps_what_was_left(suspended: Callable[..., "Desk"]) -> None:
    desk = suspended("2026-10-29")
    desk.take("resume", "2026-10-20 10:00")
    desk.take("reclassify", "2026-10-20 11:00", category="complaint")
    assert desk.due("handling") == "2026-10-23 24:00"


def test_in_an_outage_the_daily_duty_begins_again(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", outage=True)
    desk.take("request-suspension", "2026-09-24 10:30", until=date(2026, 10, 5))
    desk.take("decide-suspension", "2026-09-24 11:00", granted=True)
    assert desk.clocks() == {"suspension"}
    desk.take("report-progress", "2026-09-26 11:00")
    desk.lapse("2026-10-06 00:00")
    assert (desk.due("progress"), desk.due("opinion")) == ("2026-10-06 24:00", "2026-10-06 02:00")


def test_an_assisting_unit_still_has_to_sign_in(suspended: Callable[..., "Desk"]) -> None:
    desk = suspended("2026-10-29", assisting=("gas",))
    assert desk.clocks() == {"suspension", "sign_in"}
    desk.take("sign-in", "2026-10-08 10:00", "gas")
    assert desk.clocks() == {"suspension"}


@pytest.mark.parametrize("day", [date(2026, 9, 27), date(2026, 9, 28), date(2027, 3, 28), date.max, date.min])
def test_the_date_is_after_today_and_within_180_days(handling: Callable[..., "Desk"], day: date) -> None:
    refusal = handling("2026-09-24 10:00").refusal("request-suspension", "2026-09-28 10:00", until=day)
    assert refusal.code == "suspension_date"
    assert refusal.message == f"A suspension ends after today and at most 180 days from now; {day} is outside."


@pytest.mark.parametrize("day", [date(2026, 9, 29), date(2027, 3, 27)])
def test_tomorrow_and_the_180th_day_are_within(handling: Callable[..., "Desk"], day: date) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-28 00:30", until=day)
    assert desk.case.request is not None
    assert desk.read(desk.case.request.until) == f"{day} 24:00"


def test_approved_after_its_own_date_it_is_taken_up_at_once(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-28 10:00", until=date(2026, 9, 29))
    desk.take("decide-suspension", "2026-09-30 10:00", granted=True)
    desk.lapse("2026-09-30 10:00")
    assert (desk.case.status, desk.due("handling")) == ("handling", "2026-10-09 24:00")


def test_refused_nothing_has_stopped(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-28 10:00", until=date(2026, 10, 29))
    (event,) = desk.take("decide-suspension", "2026-09-28 11:00", granted=False)
    assert (event.kind, desk.clocks(), desk.due("handling")) == (
        "suspension_refused", {"handling"}, "2026-10-09 24:00",
    )  # fmt: skip


def test_who_and_when(handling: Callable[..., "Desk"], local: Callable[[str], datetime]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    until = date(2026, 10, 29)
    assert desk.refused("request-suspension", "2026-09-24 11:00", "gas", until=until)[0] == "not_the_lead"
    assert desk.refused("resume", "2026-09-24 11:00") == (
        "not_in_this_stage",
        "This step is for a case that is suspended; this one is handling.",
    )
    assert desk.refused("decide-suspension", "2026-09-24 11:00", granted=True)[0] == "nothing_to_decide"
    assert desk.refused("request-suspension", local("2026-10-09 24:00"), until=until) == (
        "limit_passed",
        "Asked after the limit passed on 2026-10-09 24:00.",
    )
    desk.take("request-extension", local("2026-10-09 24:00") - timedelta(microseconds=1))
    assert desk.refused("request-suspension", local("2026-10-09 23:59:59.999999"), until=until)[0] == "request_pending"

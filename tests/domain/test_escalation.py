"""Ladders: each rung fires once, in order, stamped with when it was due and when it happened."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from domain.calendar import WorkCalendar
from domain.events import ENGINE_GRACE, EventKind
from domain.limits import Limit
from domain.rulebook import ClockName, Rulebook

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

HANDLING = [
    # Due on Friday 9 October; the working days after it: Sat 10 (made up), 12, 13, 14, 15, 16, 19, 20, 21, 22.
    ("2026-10-08 09:00", "yellow"),
    ("2026-10-09 24:00", "red"),
    ("2026-10-09 24:00", "supervision_order"),
    ("2026-10-09 24:00", "handling_overdue"),
    ("2026-10-10 09:00", "joint_meeting"),
    ("2026-10-13 09:00", "circular"),
    ("2026-10-15 09:00", "interview"),
    ("2026-10-22 09:00", "government_inspection"),
    ("2026-10-22 09:00", "supervision_ignored"),
]
DISPATCH = [("2026-09-30 09:00", "yellow"), ("2026-10-08 24:00", "red"), ("2026-10-08 24:00", "supervision_order")]
SIGN_IN = [*DISPATCH, ("2026-10-12 09:00", "sign_in_overdue")]
EXTENDED = [
    # Extended by five working days, to Thursday 15 October; after it: 16, 19, 20, 21, 22, 23, 26, 27, 28, 29.
    ("2026-10-14 09:00", "yellow"),
    ("2026-10-15 24:00", "red"),
    ("2026-10-15 24:00", "supervision_order"),
    ("2026-10-15 24:00", "extension_overdue"),
    ("2026-10-16 09:00", "joint_meeting"),
    ("2026-10-20 09:00", "circular"),
    ("2026-10-22 09:00", "interview"),
    ("2026-10-29 09:00", "government_inspection"),
    ("2026-10-29 09:00", "supervision_ignored"),
]
CALLBACK = [("2026-09-29 09:00", "yellow"), ("2026-09-30 24:00", "red"), ("2026-09-30 24:00", "supervision_order")]
LADDERS = [
    ("received", "dispatch", DISPATCH),
    ("dispatched", "sign_in", SIGN_IN),
    ("handling", "handling", HANDLING),
    ("answered", "callback", CALLBACK),
]


@pytest.mark.parametrize(("stage", "clock", "ladder"), LADDERS)
def test_a_punctual_engine_fires_each_rung_on_its_instant(
    request: pytest.FixtureRequest, stage: str, clock: str, ladder: list[tuple[str, str]]
) -> None:
    make: Callable[..., Desk] = request.getfixturevalue(stage)
    desk = make("2026-09-24 10:00")
    while (deadline := desk.case.due()) is not None:
        assert desk.lapse(deadline.at - timedelta(microseconds=1)) == []
        events = desk.lapse(deadline.at)
        assert events
        assert not any(event.late for event in events)
        assert {(event.at, event.due, event.action) for event in events} >= {
            (deadline.at, deadline.at, deadline.action)
        }
        assert desk.lapse(deadline.at) == []
    assert desk.rungs(clock) == ladder
    assert len(desk.rungs(clock)) == sum(event.kind is EventKind.ESCALATED for event in desk.events)


@pytest.mark.parametrize(("stage", "clock", "ladder"), LADDERS)
def test_an_engine_that_slept_for_weeks_fires_the_same_rungs_late(
    request: pytest.FixtureRequest, local: Callable[[str], datetime], stage: str, clock: str, ladder: object
) -> None:
    make: Callable[..., Desk] = request.getfixturevalue(stage)
    desk = make("2026-09-24 10:00")
    woke = local("2026-12-01 03:00")
    events = desk.lapse(woke)
    assert desk.rungs(clock, events) == ladder
    assert all(event.at == woke and event.late for event in events)
    assert (desk.lapse(woke), desk.lapse(woke + timedelta(days=400)), desk.next()) == ([], [], None)


@pytest.mark.parametrize(("before", "late"), [(timedelta(microseconds=1), False), (timedelta(), True)])
def test_a_timer_is_never_exact_and_the_engine_has_a_grace(
    received: Callable[..., "Desk"], local: Callable[[str], datetime], before: timedelta, late: bool
) -> None:
    desk = received("2026-09-24 10:00", outage=True)
    events = desk.lapse(local("2026-09-24 12:00") + ENGINE_GRACE - before)
    assert [(event.action, event.late) for event in events] == [("red", late), ("supervision_order", late)]


def test_every_rung_says_whom_it_concerns_and_which_limit_it_was(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    for event in desk.lapse("2026-12-01 10:00"):
        assert (event.unit, event.clock, event.facts["to"], event.by.role) == ("water", "handling", "unit", "system")
        assert desk.read(event.facts["limit_due"]) == "2026-10-09 24:00"


@pytest.mark.parametrize(
    ("at", "category", "warning"),
    [
        ("2026-09-24 10:00", "consultation", "2026-09-29 09:00"),
        ("2026-09-24 10:00", "complaint", "2026-10-14 09:00"),
        ("2026-09-30 10:00", "help", "2026-10-12 09:00"),
        ("2026-02-11 10:00", "help", "2026-02-24 09:00"),
        ("2026-12-29 10:00", "help", "2027-01-05 09:00"),
    ],
)
def test_the_warning_goes_out_at_opening_one_working_day_before(
    handling: Callable[..., "Desk"], at: str, category: str, warning: str
) -> None:
    assert handling(at, category).next() == (warning, "handling", "yellow")


@pytest.mark.parametrize(
    ("at", "rungs"),
    [
        # A day's limit from Monday 12 October ends with Tuesday 13; its warning would be at opening on the Monday.
        ("2026-10-12 08:59", ["yellow", "red", "supervision_order"]),
        ("2026-10-12 09:00", ["red", "supervision_order"]),
        ("2026-10-12 10:00", ["red", "supervision_order"]),
        # From Sunday 11 October it ends with Monday 12: the warning would have been on Saturday 10, made up.
        ("2026-10-11 08:00", ["red", "supervision_order"]),
    ],
)
def test_no_warning_comes_before_its_clock_starts(
    received: Callable[..., "Desk"], rulebook: Rulebook, at: str, rungs: list[str]
) -> None:
    limit = Limit.parse("1wd")
    clocks = rulebook.clocks.model_copy(
        update={"dispatch": rulebook.clocks.dispatch.model_copy(update={"limit": limit})}
    )
    desk = received(at, rules=rulebook.model_copy(update={"clocks": clocks}))
    desk.lapse("2026-11-30 10:00")
    assert [action for _, action in desk.rungs("dispatch")] == rungs


def test_hours_that_end_before_opening_are_not_warned_of(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-10-08 22:00", outage=True)
    assert desk.next() == ("2026-10-08 24:00", "dispatch", "red")


def test_clocks_lapse_in_order_of_due_across_each_other(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-29 10:00", "consultation", outage=True, assisting=("gas",))
    desk.take("request-extension", "2026-09-29 10:05")
    events = desk.lapse("2026-11-01 10:00")
    dues = [event.due for event in events if event.due is not None]
    assert len(dues) == len(events)
    assert dues == sorted(dues)
    assert {event.clock for event in events} == {
        ClockName.SIGN_IN,
        ClockName.OPINION,
        ClockName.PROGRESS,
        ClockName.DECISION,
    }
    desk.take("decide-extension", "2026-11-01 10:00", granted=False)
    assert {event.clock for event in desk.lapse("2026-11-01 10:00")} == {ClockName.HANDLING}
    assert [event.n for event in desk.events] == list(range(1, len(desk.events) + 1))


def test_late_or_punctual_the_same_rungs_fire(handling: Callable[..., "Desk"]) -> None:
    sleeper, punctual = (
        handling("2026-09-29 10:00", outage=True, number=number, assisting=("gas",)) for number in ("ZZ-1", "ZZ-2")
    )
    end = "2026-11-15 10:00"
    sleeper.lapse(end)
    while (deadline := punctual.case.due()) is not None and deadline.at < sleeper.events[-1].at:
        punctual.lapse(deadline.at)
    assert [(e.kind, e.clock, e.unit, e.due, e.action, e.facts) for e in sleeper.events] == [
        (e.kind, e.clock, e.unit, e.due, e.action, e.facts) for e in punctual.events
    ]
    assert sleeper.case.clocks == punctual.case.clocks


def test_an_action_that_arrives_late_stays_late(handling: Callable[..., "Desk"]) -> None:
    """The engine slept over the limit; the unit's result comes in before any timer has fired."""
    desk = handling("2026-09-24 10:00")
    events = desk.take("submit-result", "2026-10-11 10:00")
    assert desk.rungs("handling", events) == HANDLING[:5]
    result = events[-1]
    assert (result.kind, result.late, desk.read(result.due)) == ("result_submitted", True, "2026-10-09 24:00")
    assert desk.case.breaches == ["handling"]
    assert desk.lapse("2026-12-01 10:00")[0].clock == "callback"
    assert desk.rungs("handling") == HANDLING[:5]


# --- deadlines that move ----------------------------------------------------------------------------------------------


def test_a_calendar_that_moves_a_deadline_fires_no_rung_twice(
    handling: Callable[..., "Desk"], without: Callable[..., WorkCalendar]
) -> None:
    desk = handling("2026-09-24 10:00")
    desk.lapse("2026-10-10 08:00")
    assert desk.rungs("handling") == HANDLING[:4]
    # Friday 9 October is taken off afterwards: the limit ends a working day later.
    desk.take("change-calendar", "2026-10-10 08:30", calendar=without("2026-10-09"))
    assert (desk.due("handling"), desk.case.breaches) == ("2026-10-10 24:00", ["handling"])
    desk.lapse("2026-12-01 10:00")
    assert desk.rungs("handling") == [
        *HANDLING[:4],
        ("2026-10-12 09:00", "joint_meeting"),
        ("2026-10-14 09:00", "circular"),
        ("2026-10-16 09:00", "interview"),
        ("2026-10-23 09:00", "government_inspection"),
        ("2026-10-23 09:00", "supervision_ignored"),
    ]


def test_a_calendar_that_moves_a_deadline_forward_lets_it_lapse_at_once(
    handling: Callable[..., "Desk"], calendar: WorkCalendar
) -> None:
    desk = handling("2026-09-24 10:00")
    desk.lapse("2026-10-08 10:00")
    worked = calendar.model_copy(
        update={
            "version": "worked",
            "rest": {day: why for day, why in calendar.rest.items() if day != date(2026, 10, 7)},
            "work": calendar.work | {date(2026, 10, 7): "上班"},
        }
    )
    desk.take("change-calendar", "2026-10-08 11:00", calendar=worked)
    desk.lapse("2026-10-09 08:00")
    assert desk.rungs("handling") == [
        ("2026-10-08 09:00", "yellow"),
        ("2026-10-08 24:00", "red"),
        ("2026-10-08 24:00", "supervision_order"),
        ("2026-10-08 24:00", "handling_overdue"),
    ]


def test_a_reclassification_fires_no_rung_twice_and_forgives_no_breach(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.lapse("2026-10-10 08:00")
    desk.take("reclassify", "2026-10-10 08:30", category="complaint")
    assert (desk.due("handling"), desk.case.breaches) == ("2026-10-15 24:00", ["handling"])
    desk.lapse("2026-12-01 10:00")
    actions = [action for _, action in desk.rungs("handling")]
    assert actions == [action for _, action in HANDLING]
    assert desk.rungs("handling")[4] == ("2026-10-16 09:00", "joint_meeting")
    assert desk.case.breaches == ["handling"]


def test_reclassified_to_a_shorter_limit_that_would_have_passed_nothing_lapses(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", "complaint")
    desk.take("reclassify", "2026-10-08 10:00", category="consultation")
    assert desk.lapse("2026-10-10 08:59") == []
    desk.lapse("2026-10-13 08:00")
    # Three working days from the reclassification: October 9, 10, 12.
    assert desk.rungs("handling") == [
        ("2026-10-10 09:00", "yellow"),
        ("2026-10-12 24:00", "red"),
        ("2026-10-12 24:00", "supervision_order"),
        ("2026-10-12 24:00", "handling_overdue"),
    ]


def test_reclassified_to_hours_no_warning_of_days_goes_out(received: Callable[..., "Desk"]) -> None:
    for at, due in (("2026-09-24 10:30", "2026-09-24 12:00"), ("2026-09-24 14:00", "2026-09-24 16:00")):
        desk = received("2026-09-24 10:00")
        desk.take("reclassify", at, outage=True)
        assert desk.next() == (due, "dispatch", "red")


@pytest.mark.parametrize(
    ("asked", "granted", "before"),
    [
        ("2026-09-28 10:00", "2026-09-28 11:00", 0),
        ("2026-10-08 10:00", "2026-10-08 11:00", 1),
        ("2026-10-07 10:00", "2026-10-08 11:00", 0),
        ("2026-10-09 16:00", "2026-10-10 08:00", 1),
        ("2026-10-09 16:00", "2026-10-10 10:00", 1),
        ("2026-10-09 16:00", "2026-12-01 10:00", 1),
    ],
)
def test_whenever_an_extension_is_granted_the_ladder_is_that_of_the_new_limit(
    handling: Callable[..., "Desk"], asked: str, granted: str, before: int
) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", asked)
    desk.take("decide-extension", granted, granted=True)
    assert desk.rungs("handling") == HANDLING[:before]
    assert ClockName.HANDLING not in desk.case.breaches
    desk.lapse("2027-03-01 10:00")
    assert desk.rungs("handling") == [*HANDLING[:before], *EXTENDED]


@pytest.mark.parametrize(
    ("granted", "before"), [("2026-10-10 08:00", 4), ("2026-10-10 10:00", 5), ("2026-12-01 10:00", 9)]
)
def test_what_followed_from_a_lapse_never_fires_again_for_the_extension(
    handling: Callable[..., "Desk"], unheld: Rulebook, granted: str, before: int
) -> None:
    desk = handling("2026-09-24 10:00", rules=unheld)
    desk.take("request-extension", "2026-10-09 16:00")
    desk.take("decide-extension", granted, granted=True)
    assert desk.rungs("handling") == HANDLING[:before]
    assert ClockName.HANDLING in desk.case.breaches
    desk.lapse("2027-03-01 10:00")
    assert desk.rungs("handling") == [*HANDLING[:before], *EXTENDED[before:]]


def test_a_suspension_fires_no_rung_twice(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-10-08 10:00", until=date(2026, 10, 20))
    desk.take("decide-suspension", "2026-10-08 11:00", granted=True)
    assert desk.rungs("handling") == HANDLING[:1]
    desk.lapse("2026-12-31 10:00")
    assert [action for _, action in desk.rungs("handling")] == [action for _, action in HANDLING]
    # One working day was left after Tuesday 20 October.
    assert desk.rungs("handling")[1] == ("2026-10-21 24:00", "red")


# --- referrals --------------------------------------------------------------------------------------------------------


def test_a_situation_is_referred_once_per_unit(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-01 10:00", assisting=("gas",))
    desk.lapse("2026-09-20 10:00")
    assert desk.referrals() == [("water", "sign_in_overdue"), ("gas", "sign_in_overdue")]
    desk.take("redispatch", "2026-09-20 11:00", lead="gas", assisting=("heat",))
    desk.lapse("2026-11-20 10:00")
    assert desk.referrals() == [
        ("water", "sign_in_overdue"),
        ("gas", "sign_in_overdue"),
        ("heat", "sign_in_overdue"),
    ]
    assert [unit for unit, _ in desk.referrals()].count("gas") == 1


def test_in_another_round_of_work_the_ladder_fires_anew_but_nothing_is_referred_twice(
    answered: Callable[..., "Desk"],
) -> None:
    desk = answered("2026-09-01 10:00")
    for day in ("2026-09-02", "2026-09-21"):
        desk.take("rate", f"{day} 10:00", rating=1, solved=False, contacted=True)
        desk.take("submit-result", "2026-09-20 10:00" if day == "2026-09-02" else "2026-10-12 10:00")
    reds = [due for due, action in desk.rungs("handling") if action == "red"]
    assert reds == ["2026-09-09 24:00", "2026-09-29 24:00"]
    assert desk.referrals() == [("water", "handling_overdue")]
    assert desk.case.breaches == ["handling"]

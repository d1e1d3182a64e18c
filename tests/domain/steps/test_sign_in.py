from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

AUTUMN, SPRING, NEW_YEAR = "2026-09-24 10:00", "2026-02-13 16:00", "2026-12-29 10:00"


@pytest.mark.parametrize(
    ("at", "category", "province", "due"),
    [
        # Counted by hand: September 28, 29, 30, October 8, 9, Sat 10 (made up), 12, 13, 14, 15.
        (AUTUMN, "consultation", False, "2026-09-30 24:00"),
        (AUTUMN, "help", False, "2026-10-09 24:00"),
        (AUTUMN, "opinion", False, "2026-10-09 24:00"),
        (AUTUMN, "suggestion", False, "2026-10-09 24:00"),
        (AUTUMN, "complaint", False, "2026-10-15 24:00"),
        (AUTUMN, "report", False, "2026-10-15 24:00"),
        (AUTUMN, "consultation", True, "2026-09-29 24:00"),
        (AUTUMN, "help", True, "2026-10-08 24:00"),
        (AUTUMN, "complaint", True, "2026-10-14 24:00"),
        # Sat 14 February (made up), 24, 25, 26, 27, Sat 28 (made up), March 2, 3, 4, 5.
        (SPRING, "consultation", False, "2026-02-25 24:00"),
        (SPRING, "help", False, "2026-02-27 24:00"),
        (SPRING, "complaint", False, "2026-03-05 24:00"),
        (SPRING, "consultation", True, "2026-02-24 24:00"),
        (SPRING, "help", True, "2026-02-26 24:00"),
        (SPRING, "complaint", True, "2026-03-04 24:00"),
        # December 30, 31, then by estimate January 4, 5, 6, 7, 8, 11, 12, 13.
        (NEW_YEAR, "consultation", True, "2026-12-31 24:00"),
        (NEW_YEAR, "consultation", False, "2027-01-04 24:00"),
        (NEW_YEAR, "help", False, "2027-01-06 24:00"),
        (NEW_YEAR, "complaint", False, "2027-01-13 24:00"),
    ],
)
def test_the_leads_sign_in_starts_the_handling_clock(
    dispatched: Callable[..., "Desk"], at: str, category: str, province: bool, due: str
) -> None:
    desk = dispatched(at, category, province=province)
    (event,) = desk.take("sign-in", at)
    assert (event.kind, event.unit, event.facts["lead"], event.late) == ("signed_in", "water", True, False)
    assert (desk.case.status, desk.clocks()) == ("handling", {"handling"})
    assert desk.due("handling") == due
    assert desk.clock(desk.case.clocks[0].name).provisional == due.startswith("2027")
    summary = desk.case.summary()
    assert (summary.due_clock, summary.provisional, summary.lead) == ("handling", due.startswith("2027"), "water")


@pytest.mark.parametrize(
    ("at", "opinion", "progress"),
    [
        ("2026-09-30 23:30", "2026-10-01 01:30", "2026-10-01 24:00"),
        ("2026-10-03 00:00", "2026-10-03 02:00", "2026-10-04 24:00"),
        ("2026-02-16 22:00", "2026-02-16 24:00", "2026-02-17 24:00"),
    ],
)
def test_in_an_outage_opinion_and_progress_run_through_nights_and_holidays(
    handling: Callable[..., "Desk"], at: str, opinion: str, progress: str
) -> None:
    desk = handling(at, "complaint", outage=True)
    assert desk.clocks() == {"handling", "opinion", "progress"}
    assert (desk.due("opinion"), desk.due("progress")) == (opinion, progress)


def test_an_assisting_unit_signs_in_for_itself_only(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    (event,) = desk.take("sign-in", "2026-09-24 11:00", "gas")
    assert (event.unit, event.facts["lead"], desk.case.status) == ("gas", False, "dispatched")
    assert [(clock.name, clock.unit) for clock in desk.case.clocks] == [("sign_in", "water")]
    desk.take("sign-in", "2026-09-24 12:00")
    assert (desk.case.status, desk.clocks()) == ("handling", {"handling"})


def test_a_sign_in_may_carry_a_note(dispatched: Callable[..., "Desk"]) -> None:
    (event,) = dispatched("2026-09-24 10:00").take("sign-in", "2026-09-24 11:00", note="contact-1")
    assert event.note == "contact-1"


def test_signed_in_already_names_the_date(named: Callable[..., "Desk"]) -> None:
    desk = named()
    desk.take("sign-in", "2026-09-24 10:00")
    refusal = desk.refusal("sign-in", "2026-09-24 11:00")
    assert (refusal.code, refusal.message) == ("already_signed_in", "water already signed in on 2026-09-24 10:00.")
    assert refusal.message_zh == "自来水公司已于2026-09-24 10:00签收。"


def test_only_a_unit_that_has_the_order_signs_in(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    assert desk.refused("sign-in", "2026-09-24 11:00", "gas") == ("not_your_case", "This case is not with gas.")
    command = desk.command("sign-in")
    nobody = command.model_copy(update={"by": command.by.model_copy(update={"unit": None})})
    with pytest.raises(Exception, match="not with nobody") as refused:
        desk.give(nobody, "2026-09-24 11:00")
    assert refused.type.__name__ == "Refused"


def test_before_dispatch_there_is_nothing_to_sign_in(received: Callable[..., "Desk"]) -> None:
    assert received("2026-09-24 10:00").refused("sign-in", "2026-09-24 11:00") == (
        "not_in_this_stage",
        "This step is for a case that is dispatched or handling or suspended; this one is received.",
    )


def test_while_its_return_is_decided_a_unit_does_not_sign_in(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    desk.take("request-return", "2026-09-24 11:00")
    refusal = desk.refusal("sign-in", "2026-09-24 12:00")
    assert refusal.code == "request_pending"
    assert refusal.message == "The return asked on 2026-09-24 11:00 still waits for the hotline's decision."
    assert refusal.message_zh == "已于2026-09-24 11:00提出的退单申请尚待审核。"
    desk.take("sign-in", "2026-09-24 12:00", "gas")


@pytest.mark.parametrize(("microseconds", "late"), [(-1, False), (0, True)])
@pytest.mark.parametrize(("outage", "due"), [(False, "2026-10-08 24:00"), (True, "2026-09-24 11:00")])
def test_exactly_at_the_limit_is_late(
    dispatched: Callable[..., "Desk"],
    local: Callable[[str], datetime],
    outage: bool,
    due: str,
    microseconds: int,
    late: bool,
) -> None:
    desk = dispatched("2026-09-24 10:00", outage=outage)
    assert desk.due("sign_in") == due
    events = desk.take("sign-in", local(due) + timedelta(microseconds=microseconds))
    assert events[-1].late is late
    assert (desk.case.breaches == ["sign_in"]) is late


def test_the_sign_in_ladder(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    desk.lapse("2026-12-01 10:00")
    assert desk.rungs("sign_in") == [
        ("2026-09-30 09:00", "yellow"),
        ("2026-10-08 24:00", "red"),
        ("2026-10-08 24:00", "supervision_order"),
        ("2026-10-12 09:00", "sign_in_overdue"),
    ]
    assert desk.next() is None

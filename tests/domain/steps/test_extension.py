from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from domain.limits import Limit
from domain.rulebook import Rulebook

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

DUE = "2026-10-09 24:00"
"""Five working days from 24 September: 28, 29, 30, October 8, 9."""


@pytest.mark.parametrize(
    ("limit", "due"),
    [
        # Counted from the end of Friday 9 October: that day is not counted again, Sat 10 is made up.
        ("1wd", "2026-10-10 24:00"),
        ("2wd", "2026-10-12 24:00"),
        ("5wd", "2026-10-15 24:00"),
        (None, "2026-10-15 24:00"),
    ],
)
def test_an_extension_runs_on_from_the_old_due_instant(
    handling: Callable[..., "Desk"], limit: str | None, due: str
) -> None:
    desk = handling("2026-09-24 10:00")
    (asked,) = desk.take("request-extension", "2026-09-28 10:00", limit=limit and Limit.parse(limit))
    assert (asked.kind, asked.facts["limit"], desk.due("handling")) == ("extension_requested", limit or "5wd", DUE)
    assert desk.due("decision") == "2026-09-29 24:00"
    (granted,) = desk.take("decide-extension", "2026-09-28 11:00", granted=True)
    assert (granted.kind, granted.unit, granted.facts["limit"]) == ("extension_granted", "water", limit or "5wd")
    assert [desk.read(granted.facts[name]) for name in ("was", "now")] == [DUE, due]
    assert (desk.due("handling"), desk.clocks()) == (due, {"handling"})
    assert desk.case.summary().extended


@pytest.mark.parametrize(
    ("at", "category", "due", "extended"),
    [
        ("2026-09-18 10:00", "complaint", "2026-10-09 24:00", "2026-10-22 24:00"),
        ("2026-02-10 10:00", "consultation", "2026-02-13 24:00", "2026-02-25 24:00"),
        ("2026-12-22 10:00", "help", "2026-12-29 24:00", "2027-01-06 24:00"),
    ],
)
def test_extensions_around_the_holidays(
    handling: Callable[..., "Desk"], at: str, category: str, due: str, extended: str
) -> None:
    desk = handling(at, category)
    assert desk.due("handling") == due
    assert not desk.case.clocks[0].provisional
    desk.take("request-extension", at)
    desk.take("decide-extension", at, granted=True)
    assert desk.due("handling") == extended
    assert desk.case.clocks[0].provisional == extended.startswith("2027")


def test_the_hotline_may_grant_less(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-09-28 10:00")
    desk.take("decide-extension", "2026-09-28 11:00", granted=True, limit=Limit.parse("1wd"))
    assert desk.due("handling") == "2026-10-10 24:00"


def test_an_extension_is_granted_once(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-09-28 10:00")
    desk.take("decide-extension", "2026-09-28 11:00", granted=True)
    refusal = desk.refusal("request-extension", "2026-09-29 10:00")
    assert refusal.code == "extension_used"
    assert refusal.message == "The extension was used on 2026-09-28 11:00; an order is extended once at most."
    assert refusal.message_zh == "已于2026-09-28 11:00延期，每件工单只能延期一次。"


def test_an_extension_is_asked_once(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-09-28 10:00")
    assert desk.refused("request-extension", "2026-09-28 10:30") == (
        "request_pending",
        "The extension asked on 2026-09-28 10:00 still waits for the hotline's decision.",
    )
    (event,) = desk.take("decide-extension", "2026-09-28 11:00", granted=False)
    assert (event.kind, desk.due("handling"), desk.clocks()) == ("extension_refused", DUE, {"handling"})
    assert desk.refused("request-extension", "2026-09-29 10:00") == (
        "extension_refused_before",
        "An extension was asked and refused on 2026-09-28 11:00; it is asked once at most.",
    )


def test_an_extension_is_asked_before_the_limit(
    handling: Callable[..., "Desk"], local: Callable[[str], datetime]
) -> None:
    desk = handling("2026-09-24 10:00")
    refusal = desk.refusal("request-extension", local(DUE))
    assert (refusal.code, refusal.message) == ("limit_passed", f"Asked after the limit passed on {DUE}.")
    assert refusal.message_zh == f"办理时限已于{DUE}届满，逾期申请不予受理。"
    desk.take("request-extension", local(DUE) - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("category", "most", "limit"),
    [("help", "5wd", "6wd"), ("consultation", "3wd", "4wd"), ("help", "5wd", "48h")],
)
def test_an_extension_is_at_most_the_original_limit(
    handling: Callable[..., "Desk"], category: str, most: str, limit: str
) -> None:
    sentence = f"An extension is at most the original limit again ({most}); {limit} was given."
    desk = handling("2026-09-24 10:00", category)
    asked = desk.refused("request-extension", "2026-09-28 10:00", limit=Limit.parse(limit))
    assert asked == ("extension_too_long", sentence)
    desk.take("request-extension", "2026-09-28 10:00")
    given = desk.refused("decide-extension", "2026-09-28 11:00", granted=True, limit=Limit.parse(limit))
    assert given == ("extension_too_long", sentence)
    assert desk.case.request is not None


def test_the_chinese_sentence_writes_limits_in_chinese(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    refusal = desk.refusal("request-extension", "2026-09-28 10:00", limit=Limit.parse("6wd"))
    assert refusal.message_zh == "延期不得超过原办理时限（5个工作日），申请为6个工作日。"


def test_an_order_from_the_province_is_extended_by_its_own_limit(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", province=True)
    assert desk.refused("request-extension", "2026-09-28 10:00", limit=Limit.parse("5wd"))[0] == "extension_too_long"
    desk.take("request-extension", "2026-09-28 10:00")
    desk.take("decide-extension", "2026-09-28 11:00", granted=True)
    assert desk.due("handling") == "2026-10-13 24:00"


def test_only_the_lead_at_work_asks(handling: Callable[..., "Desk"], dispatched: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    assert desk.refused("request-extension", "2026-09-24 11:00", "gas")[0] == "not_the_lead"
    assert desk.refused("decide-extension", "2026-09-24 11:00", granted=True) == (
        "nothing_to_decide",
        "There is no extension request to decide.",
    )
    assert dispatched("2026-09-24 10:00").refused("request-extension", "2026-09-24 11:00")[0] == "not_in_this_stage"


def test_while_an_extension_is_decided_the_ladder_waits(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-10-09 16:00")
    assert desk.next() == ("2026-10-10 24:00", "decision", "red")
    assert desk.lapse("2026-10-10 10:00") == []
    (granted,) = desk.take("decide-extension", "2026-10-10 10:00", granted=True)
    assert (granted.kind, granted.late) == ("extension_granted", False)
    assert (desk.case.breaches, desk.due("handling")) == ([], "2026-10-15 24:00")
    assert desk.next() == ("2026-10-14 09:00", "handling", "yellow")


def test_refused_what_has_lapsed_meanwhile_fires_at_once(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-10-09 16:00")
    (refused,) = desk.take("decide-extension", "2026-10-10 10:00", granted=False)
    assert (refused.kind, desk.case.breaches) == ("extension_refused", [])
    assert desk.next() == (DUE, "handling", "red")
    events = desk.lapse("2026-10-10 10:00")
    assert desk.rungs("handling", events) == [
        (DUE, "red"),
        (DUE, "supervision_order"),
        (DUE, "handling_overdue"),
        ("2026-10-10 09:00", "joint_meeting"),
    ]
    assert all(event.late and desk.read(event.at) == "2026-10-10 10:00" for event in events)
    assert (desk.case.breaches, desk.next()) == (["handling"], ("2026-10-13 09:00", "handling", "circular"))


def test_the_warning_waits_too(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-10-07 10:00")
    assert desk.lapse("2026-10-08 10:00") == []
    desk.take("decide-extension", "2026-10-08 10:00", granted=False)
    (warning,) = desk.lapse("2026-10-08 10:00")
    assert (desk.read(warning.due), warning.action, warning.late) == ("2026-10-08 09:00", "yellow", True)


def test_only_the_handling_ladder_waits(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-28 10:00", outage=True)
    desk.take("request-extension", "2026-09-28 10:30")
    desk.lapse("2026-10-20 10:00")
    assert desk.case.breaches == ["opinion", "progress", "decision"]


def test_a_result_while_the_ladder_waits_is_late_but_nothing_has_lapsed(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-10-09 16:00")
    (result,) = desk.take("submit-result", "2026-10-10 10:00")
    assert (result.kind, desk.read(result.due), result.late) == ("result_submitted", DUE, True)
    assert (desk.case.breaches, desk.clocks()) == ([], {"callback"})


def test_a_city_may_let_the_ladder_go_on(handling: Callable[..., "Desk"], unheld: Rulebook) -> None:
    desk = handling("2026-09-24 10:00", rules=unheld)
    desk.take("request-extension", "2026-10-09 16:00")
    assert desk.next() == (DUE, "handling", "red")
    desk.take("decide-extension", "2026-10-10 10:00", granted=True)
    assert (desk.case.breaches, desk.due("handling")) == (["handling"], "2026-10-15 24:00")


def test_an_extended_limit_has_a_warning_of_its_own(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.lapse("2026-10-09 10:00")
    desk.take("request-extension", "2026-10-09 11:00")
    desk.take("decide-extension", "2026-10-09 12:00", granted=True)
    desk.lapse("2026-10-15 23:59")
    assert desk.rungs("handling") == [("2026-10-08 09:00", "yellow"), ("2026-10-14 09:00", "yellow")]


def test_overdue_in_spite_of_an_extension_is_a_situation_of_its_own(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-09-28 10:00")
    desk.take("decide-extension", "2026-09-28 11:00", granted=True)
    desk.lapse("2026-10-16 08:00")
    assert desk.rungs("handling") == [
        ("2026-10-14 09:00", "yellow"),
        ("2026-10-15 24:00", "red"),
        ("2026-10-15 24:00", "supervision_order"),
        ("2026-10-15 24:00", "extension_overdue"),
    ]


def test_a_result_overtakes_a_waiting_request(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-extension", "2026-09-28 10:00")
    desk.take("submit-result", "2026-09-28 11:00")
    assert desk.clocks() == {"callback"}
    assert desk.refused("decide-extension", "2026-09-28 12:00", granted=True)[0] == "nothing_to_decide"

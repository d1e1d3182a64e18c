from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from domain.rulebook import Rulebook
from domain.story import line

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


@pytest.mark.parametrize(
    ("at", "outage", "due"),
    [
        # Mid-Autumn 25 to 27 September, National Day 1 to 7 October at rest, Sat 10 October made up.
        ("2026-09-24 10:00", False, "2026-10-08 24:00"),
        ("2026-10-03 10:00", False, "2026-10-12 24:00"),
        ("2026-09-30 23:59", False, "2026-10-12 24:00"),
        # Spring Festival 15 to 23 February at rest, Sat 14 February made up.
        ("2026-02-13 10:00", False, "2026-02-26 24:00"),
        # New Year's Day 2027 is only estimated to be at rest.
        ("2026-12-29 10:00", False, "2027-01-05 24:00"),
        # Hours run through the night and the holidays.
        ("2026-10-01 23:30", True, "2026-10-02 01:30"),
        ("2026-02-16 12:00", True, "2026-02-16 14:00"),
    ],
)
def test_the_dispatch_clock_runs_from_receipt(received: Callable[..., "Desk"], at: str, outage: bool, due: str) -> None:
    desk = received(at, outage=outage)
    assert desk.clocks() == {"dispatch"}
    assert desk.due("dispatch") == due
    assert desk.case.clocks[0].provisional == due.startswith("2027")


@pytest.mark.parametrize(("outage", "due"), [(False, "2026-10-08 24:00"), (True, "2026-09-24 12:00")])
def test_every_unit_has_its_own_sign_in_clock(received: Callable[..., "Desk"], outage: bool, due: str) -> None:
    desk = received("2026-09-24 09:30", outage=outage)
    (event,) = desk.take("dispatch", "2026-09-24 11:00", lead="water", assisting=("gas", "heat"))
    assert (event.kind, event.unit, event.facts["assisting"]) == ("dispatched", "water", ["gas", "heat"])
    assert desk.case.status == "dispatched"
    assert [(clock.name, clock.unit, desk.read(clock.due)) for clock in desk.case.clocks] == [
        ("sign_in", unit, due) for unit in ("water", "gas", "heat")
    ]
    assert desk.case.lead == "water"


@pytest.mark.parametrize(("microseconds", "late"), [(-1, False), (0, True), (1, True)])
def test_exactly_at_the_limit_is_late(
    received: Callable[..., "Desk"], local: Callable[[str], datetime], microseconds: int, late: bool
) -> None:
    desk = received("2026-09-24 10:00")
    events = desk.take("dispatch", local("2026-10-08 24:00") + timedelta(microseconds=microseconds), lead="water")
    assert events[-1].late is late
    assert (desk.case.breaches == ["dispatch"]) is late
    assert ("2026-10-08 24:00", "supervision_order") in desk.rungs("dispatch") or not late


def test_dispatched_twice_is_refused_with_unit_and_date(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    assert desk.refused("dispatch", "2026-09-28 10:00", lead="gas") == (
        "already_dispatched",
        "Already dispatched to water on 2026-09-24 10:00; to send it elsewhere, redispatch it with a reason.",
    )
    desk.take("sign-in", "2026-09-28 11:00")
    assert desk.refused("dispatch", "2026-09-28 12:00", lead="gas")[0] == "already_dispatched"
    desk.take("submit-result", "2026-09-28 13:00")
    assert desk.refused("dispatch", "2026-09-28 14:00", lead="gas") == (
        "not_in_this_stage",
        "This step is for a case that is received or returned; this one is callback.",
    )


@pytest.mark.parametrize(
    ("lead", "assisting", "twice"), [("water", ("water",), "water"), ("water", ("gas", "heat", "gas"), "gas")]
)
def test_a_unit_is_named_once(
    received: Callable[..., "Desk"], lead: str, assisting: tuple[str, ...], twice: str
) -> None:
    desk = received("2026-09-24 10:00")
    assert desk.refused("dispatch", "2026-09-24 11:00", lead=lead, assisting=assisting) == (
        "same_unit_twice",
        f"{twice} is named more than once; a unit is either lead or assisting.",
    )


@pytest.mark.parametrize("code", ["Water", "水务", "", "-a", "a" * 41])
def test_a_unit_code_is_plain(received: Callable[..., "Desk"], code: str) -> None:
    with pytest.raises(ValidationError, match="lead"):
        received("2026-09-24 10:00").take("dispatch", "2026-09-24 11:00", lead=code)


def test_a_new_lead_begins_anew_and_the_old_leads_clocks_stop(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-21 10:00", outage=True, assisting=("gas", "heat"))
    desk.take("give-opinion", "2026-09-21 10:10")
    assert desk.clocks() == {"handling", "progress", "sign_in"}
    (event,) = desk.take("redispatch", "2026-09-21 10:30", lead="heat", assisting=("gas",))
    assert (event.kind, event.unit, event.facts["was"]) == ("redispatched", "heat", "water")
    assert (event.facts["ordered"], event.facts["recalled"]) == (["heat"], ["water"])
    assert (desk.case.status, desk.read(desk.case.dispatched_at)) == ("dispatched", "2026-09-21 10:30")
    assert [(clock.name, clock.unit, desk.read(clock.due)) for clock in desk.case.clocks] == [
        ("sign_in", "gas", "2026-09-21 11:00"),
        ("sign_in", "heat", "2026-09-21 11:30"),
    ]
    assert desk.refused("sign-in", "2026-09-21 10:31", "water") == ("not_your_case", "This case is not with water.")
    desk.take("sign-in", "2026-09-21 10:31", "heat")
    assert {(c.name, c.unit) for c in desk.case.clocks} == {
        ("sign_in", "gas"), ("handling", "heat"), ("opinion", "heat"), ("progress", "heat"),
    }  # fmt: skip


def test_a_lead_that_stays_works_on_while_others_come_and_go(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    (event,) = desk.take("redispatch", "2026-09-28 10:00", lead="water", assisting=("heat",))
    assert (event.facts["ordered"], event.facts["recalled"]) == (["heat"], ["gas"])
    assert (desk.case.status, desk.read(desk.case.dispatched_at)) == ("handling", "2026-09-24 10:00")
    # September 29, 30, October 8, 9 for heat; the lead's five days from the 24th go on.
    assert [(clock.name, clock.unit, desk.read(clock.due)) for clock in desk.case.clocks] == [
        ("handling", "water", "2026-10-09 24:00"),
        ("sign_in", "heat", "2026-10-09 24:00"),
    ]
    assert desk.refused("sign-in", "2026-09-28 11:00")[0] == "already_signed_in"


def test_a_lead_that_has_not_signed_in_keeps_its_limit(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    event = desk.take("redispatch", "2026-09-30 10:00", lead="water", assisting=("gas",))[-1]
    assert (event.facts["ordered"], event.facts["recalled"]) == (["gas"], [])
    # October 8, 9, 10, 12 for gas.
    assert (desk.due("sign_in", "water"), desk.due("sign_in", "gas")) == ("2026-10-08 24:00", "2026-10-12 24:00")
    assert desk.refused("request-return", "2026-09-30 11:00")[0] == "return_window_over"


def test_an_assisting_unit_keeps_its_sign_in_under_a_new_lead(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    desk.take("sign-in", "2026-09-24 11:00", "gas")
    desk.take("redispatch", "2026-09-24 12:00", lead="heat", assisting=("gas",))
    assert [(clock.name, clock.unit) for clock in desk.case.clocks] == [("sign_in", "heat")]
    assert desk.refused("sign-in", "2026-09-24 13:00", "gas")[0] == "already_signed_in"


def test_no_redispatch_washes_a_delay_away(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    desk.take("redispatch", "2026-10-08 10:00", lead="heat", assisting=("gas",))
    # October 9, 10, 12, 13 for heat.
    assert (desk.due("sign_in", "gas"), desk.due("sign_in", "heat")) == ("2026-10-08 24:00", "2026-10-13 24:00")
    desk.lapse("2026-10-09 08:00")
    fired = [(event.unit, event.action) for event in desk.events if event.kind == "escalated"]
    assert fired == [("water", "yellow"), ("gas", "yellow"), ("gas", "red"), ("gas", "supervision_order")]


def test_units_that_change_places_have_new_orders(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", assisting=("gas",))
    desk.take("sign-in", "2026-09-24 11:00", "gas")
    (event,) = desk.take("redispatch", "2026-09-24 12:00", lead="gas", assisting=("water",))
    assert (event.facts["ordered"], event.facts["recalled"]) == (["gas", "water"], [])
    assert (desk.case.status, desk.case.lead) == ("dispatched", "gas")
    assert [(clock.name, clock.unit) for clock in desk.case.clocks] == [("sign_in", "gas"), ("sign_in", "water")]
    assert [part.signed_in_at for part in desk.case.assignments] == [None, None]


def test_redispatch_to_the_same_units_is_refused(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas", "heat"))
    assert desk.refused("redispatch", "2026-09-24 11:00", lead="water", assisting=("heat", "gas")) == (
        "nothing_changes",
        "The case already is as asked; nothing changes.",
    )


def test_redispatch_waits_for_the_decision_on_a_return(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00")
    desk.take("request-return", "2026-09-24 11:00")
    assert desk.refused("redispatch", "2026-09-24 12:00", lead="gas") == (
        "request_pending",
        "The return asked on 2026-09-24 11:00 still waits for the hotline's decision.",
    )


def test_what_was_never_dispatched_is_not_redispatched(received: Callable[..., "Desk"]) -> None:
    assert received("2026-09-24 10:00").refused("redispatch", "2026-09-24 12:00", lead="gas") == (
        "not_in_this_stage",
        "This step is for a case that is dispatched or handling; this one is received.",
    )


@pytest.mark.parametrize(
    ("starts", "after_dispatch", "after_sign_in"),
    [
        # Received on the 17th, dispatched on the 21st, signed in on the 22nd; 5 working days, Sun 20 made up.
        ("sign_in", None, "2026-09-30 24:00"),
        ("dispatch", "2026-09-29 24:00", "2026-09-29 24:00"),
        ("receipt", "2026-09-23 24:00", "2026-09-23 24:00"),
    ],
)
def test_the_rulebook_says_what_starts_the_handling_clock(
    received: Callable[..., "Desk"],
    rulebook: Rulebook,
    starts: str,
    after_dispatch: str | None,
    after_sign_in: str,
) -> None:
    clocks = rulebook.clocks.model_copy(
        update={"handling": rulebook.clocks.handling.model_copy(update={"starts": starts})}
    )
    desk = received("2026-09-17 10:00", rules=rulebook.model_copy(update={"clocks": clocks}))
    desk.take("dispatch", "2026-09-21 10:00", lead="water")
    assert ("handling" in desk.clocks()) == (after_dispatch is not None)
    if after_dispatch:
        assert desk.due("handling") == after_dispatch
    desk.take("sign-in", "2026-09-22 10:00")
    assert desk.due("handling") == after_sign_in


def test_where_dispatch_starts_the_handling_clock_a_new_lead_has_its_own(
    dispatched: Callable[..., "Desk"], rulebook: Rulebook
) -> None:
    handling = rulebook.clocks.handling.model_copy(update={"starts": "dispatch"})
    clocks = rulebook.clocks.model_copy(update={"handling": handling})
    desk = dispatched("2026-09-24 10:00", rules=rulebook.model_copy(update={"clocks": clocks}))
    desk.take("redispatch", "2026-09-28 10:00", lead="water", assisting=("gas",))
    assert desk.due("handling", "water") == "2026-10-09 24:00"
    desk.take("redispatch", "2026-09-29 10:00", lead="heat", assisting=("gas",))
    # September 30, October 8, 9, 10, 12.
    assert (desk.due("handling"), desk.due("handling", "heat")) == ("2026-10-12 24:00", "2026-10-12 24:00")


def test_orders_that_were_refused_are_sent_again_once(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    nothing = ("nothing_to_resend", "No order that a unit's system refused waits to be sent again.")
    assert desk.refused("resend", "2026-09-24 11:00") == nothing
    order = next(effect for effect in desk.effects(desk.events) if effect.unit == "water")
    failed = {"party": "unit", "error": "http_400"}
    desk.take("report-failure", "2026-09-24 11:00", effect=order.key, refused=order, **failed)
    for number in (4, 6):
        [event] = desk.take("resend", "2026-09-24 12:00")
        assert line(event, desk.case) == "2026-09-24 12:00，重新下发（派单员），water"
        [again] = desk.effects([event])
        assert (again.unit, again.kind, again.role, again.about) == ("water", "dispatch", "lead", order.event)
        assert again.key == f"ZZ-1:{number}:unit:water:dispatch"
        assert desk.refused("resend", "2026-09-24 12:00") == nothing
        desk.take("report-failure", "2026-09-24 13:00", effect=again.key, refused=again, **failed)
    # A new order takes the place of the old one.
    desk.take("redispatch", "2026-09-24 14:00", lead="gas", assisting=("water",))
    assert desk.refused("resend", "2026-09-24 15:00") == nothing
    # Who has lost the case has nothing to do.
    desk.take("redispatch", "2026-09-24 16:00", lead="gas")
    desk.take("report-failure", "2026-09-24 17:00", effect=order.key, refused=order, **failed)
    assert desk.refused("resend", "2026-09-24 18:00") == nothing

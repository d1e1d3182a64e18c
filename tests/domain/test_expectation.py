"""From what is on record, the end of the handling limit is told as its clock has it, wherever that runs."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest
from pydantic_core import to_jsonable_python

from domain.expectation import TELLING, Matter, handled_by
from domain.rulebook import Rulebook

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


def told(desk: "Desk") -> str | None:
    """Until when the matter of a case can be expected to be handled, local."""
    case = desk.case
    matter = Matter(case.lead or "", case.category, case.outage, case.province, case.received_at)
    recorded = (event.model_copy(update={"facts": to_jsonable_python(event.facts)}) for event in desk.events)
    events = [event for event in recorded if event.kind in TELLING]
    end = handled_by(matter, events, case.rulebook, case.calendar)
    return desk.read(end) if end else None


def test_nobody_can_say_before_the_case_is_with_a_unit(received: Callable[..., "Desk"]) -> None:
    assert told(received("2026-09-24 10:00")) is None


def test_from_dispatch_it_is_the_latest_and_from_sign_in_the_end_itself(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    assert (desk.due("sign_in"), told(desk)) == ("2026-10-08 24:00", "2026-10-14 24:00")
    desk.take("sign-in", "2026-09-28 10:00")
    assert told(desk) == desk.due("handling") == "2026-10-10 24:00"


@pytest.mark.parametrize("starts", ["dispatch", "receipt"])
def test_a_city_may_begin_before_the_sign_in(received: Callable[..., "Desk"], rulebook: Rulebook, starts: str) -> None:
    handling = rulebook.clocks.handling.model_copy(update={"starts": starts})
    rules = rulebook.model_copy(update={"clocks": rulebook.clocks.model_copy(update={"handling": handling})})
    desk = received("2026-09-24 10:00", rules=rules)
    desk.take("dispatch", "2026-09-28 10:00", lead="water")
    assert told(desk) == desk.due("handling")
    desk.take("sign-in", "2026-09-29 10:00")
    assert told(desk) == desk.due("handling")


def test_every_change_of_the_limit_is_told(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", outage=True)
    for step, at, given in (
        ("reclassify", "2026-09-25 10:00", {"category": "complaint"}),
        ("request-extension", "2026-09-28 10:00", {}),
        ("decide-extension", "2026-09-28 11:00", {"granted": True}),
        ("redispatch", "2026-09-29 10:00", {"lead": "heat"}),
    ):
        desk.take(step, at, **given)
        if step != "redispatch":
            assert told(desk) == desk.due("handling")
    assert told(desk) is not None
    desk.take("sign-in", "2026-09-29 11:00", unit="heat")
    assert told(desk) == desk.due("handling")
    desk.take("submit-result", "2026-09-29 12:00", unit="heat")
    desk.take("call-back", "2026-09-30 10:00", reached=True, rating=1, solved=False, contacted=True)
    assert (desk.case.status, told(desk)) == ("handling", desk.due("handling"))


def test_in_and_after_a_suspension_it_is_what_was_left_from_its_date(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-28 10:00", until=date(2026, 10, 29))
    assert told(desk) == desk.due("handling")
    desk.take("decide-suspension", "2026-09-28 11:00", granted=True)
    suspended = told(desk)
    desk.lapse("2026-11-02 11:00")
    assert suspended == told(desk) == desk.due("handling")


def test_a_suspension_that_ends_early_brings_the_end_forward(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    desk.take("request-suspension", "2026-09-28 10:00", until=date(2026, 10, 29))
    desk.take("decide-suspension", "2026-09-28 11:00", granted=True)
    desk.take("resume", "2026-10-12 10:00")
    assert told(desk) == desk.due("handling")

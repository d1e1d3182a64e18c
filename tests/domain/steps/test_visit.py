"""A unit's visit is noted from the order to the closing, and moves no limit."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from domain import story

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

NOON = "2026-09-24 12:00"


def test_a_visit_is_noted_and_moves_nothing(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00")
    before = desk.case.model_copy(deep=True)
    (event,) = desk.take("record-visit", NOON)
    assert (event.kind, event.unit, event.clock, event.due) == ("visited", "water", None, None)
    assert desk.case == before.model_copy(update={"last_event": before.last_event + 1})
    assert desk.effects([event]) == []
    assert story.line(event, desk.case) == "2026-09-24 12:00，上门（承办单位），water"


def test_every_unit_of_the_case_may_visit_before_signing_in_and_while_the_citizen_is_called_back(
    dispatched: Callable[..., "Desk"], answered: Callable[..., "Desk"]
) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    assert [event.unit for event in desk.take("record-visit", NOON, "gas")] == ["gas"]
    assert desk.refused("record-visit", NOON, "heat")[0] == "not_your_case"
    assert answered("2026-09-24 10:00").take("record-visit", NOON)[0].kind == "visited"


def test_before_the_order_and_after_the_closing_there_is_nothing_to_visit_for(
    received: Callable[..., "Desk"], answered: Callable[..., "Desk"]
) -> None:
    assert received("2026-09-24 10:00").refused("record-visit", NOON)[0] == "not_in_this_stage"
    desk = answered("2026-09-24 10:00")
    desk.take("withdraw", "2026-09-24 11:00")
    assert desk.refused("record-visit", NOON)[0] == "case_closed"

"""All is well again: before anybody has gone the case ends and they are told to stay; later they only hear of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from domain import story

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

Make = Callable[..., "Desk"]
MORNING, NOON, EVENING = "2026-09-24 10:00", "2026-09-24 12:00", "2026-09-24 18:00"


@pytest.fixture
def desk(dispatched: Make) -> "Desk":
    names = {"g-2": "某社区"}
    return dispatched(MORNING, assisting=("gas",), grid="g-1", grid_name="某院", grids_above=names)


def recovered(desk: "Desk") -> list[tuple[str | None, str]]:
    effects = desk.effects(desk.take("note-recovery", EVENING))
    return [(effect.unit or effect.grid, effect.kind) for effect in effects]


def test_before_anybody_has_gone_the_case_ends_and_all_are_recalled(desk: "Desk") -> None:
    assert recovered(desk) == [("water", "recall"), ("gas", "recall"), ("g-1", "recall")]
    assert (desk.case.outcome, desk.case.clocks) == ("recovered", [])
    assert "监测恢复正常" in story.line(desk.events[-2], desk.case)
    assert desk.refused("sign-in", EVENING)[0] == "case_closed"


@pytest.mark.parametrize(
    ("step", "who"), [("sign-in", "water"), ("sign-in", "gas"), ("grid-sign-in", "g-1"), ("grid-escalate", "g-1")]
)
def test_once_somebody_has_taken_it_up_units_and_grid_only_hear_of_it(desk: "Desk", step: str, who: str) -> None:
    more = {"note": "n-1"} if step == "grid-escalate" else {}
    desk.take(step, NOON, who, **more)
    running = desk.clocks
    grid = "g-2" if step == "grid-escalate" else "g-1"
    assert recovered(desk) == [("water", "recovered"), ("gas", "recovered"), (grid, "recovered")]
    assert desk.case.outcome is None
    assert desk.clocks == running


def test_before_the_dispatch_nobody_needs_to_be_told(received: Make) -> None:
    desk = received(MORNING, grid="g-1")
    assert recovered(desk) == []
    assert desk.case.outcome == "recovered"

"""What the fault tests rest on: a seed plans its run, and the replay sees whatever is not as it must be."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from domain.case import Case, Opening
from domain.city import City, load_city
from domain.events import Event
from domain.roles import Actor, Role
from domain.steps import PEOPLE_STEPS
from sandbox.chaos.killer import VICTIMS, schedule
from sandbox.chaos.load import plan
from sandbox.chaos.record import Step
from sandbox.chaos.replay import replay
from settings import ROOT
from temporal.start import travelling_calendar
from workflows.names import Taken

RECEIVED = datetime(2026, 9, 1, 2, tzinfo=UTC)
OPENING = Opening(
    number="ZZ-20260901-00001",
    received_at=RECEIVED,
    by=Actor(role=Role.AGENT, id="k-agent"),
    channel="phone",
    category="help",
)
DISPATCHED = RECEIVED + timedelta(minutes=5)
FOUND = DISPATCHED + timedelta(days=5)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(ROOT / "cities" / "zhengzhou")


@pytest.fixture
def played(city: City) -> tuple[list[Step], list[Event]]:
    """A case that was dispatched, and whose unit did not sign in for five days."""
    calendar = travelling_calendar(city.calendar, RECEIVED.date(), RECEIVED.date())
    case, events = Case.open(OPENING, city.rulebook.travelling, calendar)
    command = PEOPLE_STEPS["dispatch"].model_validate(
        {"by": Actor(role=Role.DISPATCHER, id="k-dispatcher"), "lead": "zz-water"}
    )
    events += case.handle(command, DISPATCHED)
    summary = case.summary()
    taken = Taken(event=summary.last_event, **summary.model_dump(include=set(Taken.model_fields)))
    while (deadline := case.due()) is not None and deadline.at <= FOUND:
        events += case.lapse(deadline.at)
    return [_step("dispatch", {"lead": "zz-water"}, taken.model_dump(mode="json"))], events


def _step(name: str, body: dict[str, Any], answer: dict[str, Any]) -> Step:
    url = f"http://127.0.0.1/cases/{OPENING.number}/{name}"
    return Step(httpx2.Request("POST", url, content=json.dumps(body)), answer, name)


def test_the_same_seed_plans_the_same_load_and_kills() -> None:
    first, again = plan(7, 60), plan(7, 60)
    assert [(planned.title, planned.request) for planned in first] == [(p.title, p.request) for p in again]
    assert len({planned.request["phone"] for planned in first}) == 60
    assert schedule(7, 12, 60) == schedule(7, 12, 60) != schedule(8, 12, 60)
    assert {kill.victim for kill in schedule(7, 4, 60)} == set(VICTIMS)


def test_a_case_as_it_must_be_has_no_fault_and_its_rungs_are_counted(
    city: City, played: tuple[list[Step], list[Event]]
) -> None:
    found = replay(city, OPENING, *played)
    assert found.faults == []
    assert found.rungs == 1
    assert found.late == timedelta()
    assert [effect.kind for effect in found.effects] == ["received", "dispatch", "yellow"]


def test_a_lost_event_is_seen(city: City, played: tuple[list[Step], list[Event]]) -> None:
    steps, events = played
    assert replay(city, OPENING, steps, events[:1]).faults
    assert replay(city, OPENING, steps, events[1:]).faults


def test_an_event_that_came_twice_is_seen(city: City, played: tuple[list[Step], list[Event]]) -> None:
    steps, events = played
    for event in events[1:]:
        again = event.model_copy(update={"n": len(events) + 1})
        assert replay(city, OPENING, steps, [*events, again]).faults


def test_a_changed_event_and_a_wrong_answer_are_seen(city: City, played: tuple[list[Step], list[Event]]) -> None:
    steps, events = played
    changed = [*events[:2], events[2].model_copy(update={"unit": "zz-heat"})]
    assert replay(city, OPENING, steps, changed).faults
    wrong = _step("dispatch", steps[0].body, {**steps[0].answer, "event": 9})
    assert replay(city, OPENING, [wrong], events).faults


def test_a_late_rung_is_measured(city: City, played: tuple[list[Step], list[Event]]) -> None:
    steps, events = played
    late = events[2].model_copy(update={"at": events[2].at + timedelta(minutes=9)})
    assert replay(city, OPENING, steps, [*events[:2], late]).late == timedelta(minutes=9)

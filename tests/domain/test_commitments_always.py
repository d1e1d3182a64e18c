"""Random lives of a case: visits and commitments never touch what the law asks, and a commitment always adds up."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import load_calendar
from domain.case import Case, Opening
from domain.commitment_clocks import RELEVANT, clocks_of
from domain.events import Event, Status
from domain.refusals import Refused
from domain.roles import Actor, Role
from domain.rulebook import load_rulebook
from domain.units import Unit
from tests.domain.conftest import CITY, Desk

RULEBOOK, CALENDAR = load_rulebook(CITY / "rulebook.toml"), load_calendar(CITY / "calendar.toml")
LOCAL = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 9, 24, 2, tzinfo=UTC)
CODES = ("water", "gas")
COMMITMENTS = [
    {"code": "answer", "met_by": "answer", "within": "5min"},
    {"code": "same-day", "met_by": "clear", "within": "same-day"},
    {"code": "home", "met_by": "visit"},
    {"code": "revisit", "met_by": "visit", "starts": "result", "within": "8h"},
]
UNITS = {
    code: Unit.model_validate(
        {
            "code": code,
            "name": code,
            "kind": "company",
            "commitments": [{"name": "x", "source": "x", **one} for one in COMMITMENTS],
        }
    )
    for code in CODES
}
JUDGED = {"reached": True, "solved": True, "contacted": True}
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("dispatch", {"lead": "water", "assisting": ("gas",)}),
    ("redispatch", {"lead": "gas"}),
    ("redispatch", {"lead": "water", "assisting": ("gas",)}),
    ("sign-in", {}),
    ("record-visit", {}),
    ("record-visit", {}),
    ("report-progress", {}),
    ("submit-result", {}),
    ("request-return", {}),
    ("decide-return", {"accepted": True}),
    ("decide-return", {"accepted": False}),
    ("call-back", {"rating": 1, **JUDGED}),
    ("call-back", {"rating": 5, **JUDGED}),
    ("withdraw", {}),
]
LIVES = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from(CODES), st.sampled_from([1, 4, 5, 60, 600, 3000])), max_size=25
)


def opened() -> Desk:
    by = Actor(role=Role.AGENT, id="agent-1")
    opening = Opening(number="ZZ-1", channel="phone", by=by, received_at=START, category="complaint")
    desk = Desk(*Case.open(opening, RULEBOOK, CALENDAR))
    desk.take("dispatch", START, lead="water", assisting=("gas",))
    return desk


def lived(life: list[tuple[tuple[str, dict[str, Any]], str, int]], *, visits: bool) -> tuple[Desk, datetime]:
    desk, now = opened(), START
    for (step, arguments), unit, minutes in life:
        now += timedelta(minutes=minutes)
        if visits or step != "record-visit":
            with suppress(Refused):
                desk.take(step, now, unit, **arguments)
        desk.lapse(now)
    return desk, now


def but_visits(events: list[Event]) -> list[dict[str, Any]]:
    return [event.model_dump(exclude={"n"}) for event in events if event.kind != "visited"]


@given(LIVES)
def test_a_case_with_visits_runs_under_the_same_limits_as_one_without(life: list[Any]) -> None:
    (with_them, _), (without, _) = lived(life, visits=True), lived(life, visits=False)
    assert but_visits(with_them.events) == but_visits(without.events)
    number = {"last_event"}
    assert with_them.case.model_dump(exclude=number) == without.case.model_dump(exclude=number)


@given(LIVES)
def test_every_commitment_adds_up(life: list[Any]) -> None:
    desk, now = lived(life, visits=True)
    events = [event.model_copy(deep=True) for event in desk.events]
    clocks = clocks_of(desk.events, UNITS, LOCAL, now)
    assert desk.events == events
    assert clocks == clocks_of((event for event in events if event.kind in RELEVANT), UNITS, LOCAL, now)
    assert len({(clock.unit, clock.code, clock.event) for clock in clocks}) == len(clocks)
    for clock in clocks:
        assert clock.started <= (clock.met_at or now)
        if clock.state == "met":
            assert clock.met_at is not None
            assert clock.due is None or clock.met_at < clock.due
        elif clock.state == "running":
            assert desk.case.status is not Status.CLOSED
            assert clock.met_at is None
            assert clock.due is None or now < clock.due
    later = clocks_of(desk.events, UNITS, LOCAL, now + timedelta(days=2))
    for before, after in zip(clocks, later, strict=True):
        assert before.state in (after.state, "running"), "what is decided stays decided"

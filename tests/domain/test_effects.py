"""Who is told what of each event; what the inspectors are told, nobody else is."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from domain.effects import BROADCASTS, NOTICES, TEXTS, Effect, Party, effects_of
from domain.events import Event, EventKind, Outcome
from domain.roles import ENGINE
from domain.rulebook import Action

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

SAYS_NOTHING = {
    EventKind.SIGNED_IN,
    EventKind.TRANSFER_REFUSED,
    EventKind.RETURN_REQUESTED,
    EventKind.OPINION_GIVEN,
    EventKind.PROGRESS_REPORTED,
    EventKind.VISITED,
    EventKind.EXTENSION_REQUESTED,
    EventKind.SUSPENSION_REQUESTED,
    EventKind.GRID_SIGNED_IN,
    EventKind.CALLED_BACK,
    EventKind.RATED,
    EventKind.RECLASSIFIED,
    EventKind.CALENDAR_CHANGED,
    EventKind.EFFECT_FAILED,
    EventKind.CLOSED,
}
"""Known to those who did it, and in the ledger; nobody outside is told."""

FACTS: dict[EventKind, dict[str, Any]] = {
    EventKind.DISPATCHED: {"ordered": ["water", "gas"]},
    EventKind.REDISPATCHED: {"ordered": ["gas"]},
    EventKind.ESCALATED: {"to": "unit"},
    EventKind.RESENT: {"orders": [{"unit": "gas", "kind": "dispatch", "role": "assisting", "about": 2}]},
    EventKind.TRANSFER_REQUESTED: {"to": "110"},
    EventKind.CLOSED: {"outcome": "resolved"},
    EventKind.RECOVERED: {"closes": False},
}
"""What the events of these kinds must carry."""


def told(effects: list[Effect]) -> list[tuple[str, str | None, str]]:
    return [(effect.party.value, effect.unit or effect.grid, effect.kind) for effect in effects]


@pytest.fixture
def desk(handling: Callable[..., "Desk"]) -> "Desk":
    return handling("2026-09-24 10:00", assisting=("gas",), grid="g-1")


def event(kind: EventKind, **more: Any) -> Event:
    at = date(2026, 9, 24)
    usual: dict[str, Any] = {"n": 9, "at": f"{at}T02:00:00Z", "kind": kind, "by": ENGINE, "unit": "water"}
    return Event.model_validate(usual | more)


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_of_event_has_its_audience(desk: "Desk", kind: EventKind) -> None:
    action = "red" if kind is EventKind.ESCALATED else None
    effects = effects_of(event(kind, facts=FACTS.get(kind, {}), action=action), desk.case)
    assert bool(effects) is (kind not in SAYS_NOTHING)
    citizen = [effect for effect in effects if effect.party is Party.CITIZEN]
    assert [effect.kind for effect in citizen] == ([TEXTS[kind]] if kind in TEXTS else [])
    units = [effect.unit for effect in effects if effect.party is Party.UNIT]
    if kind in BROADCASTS:
        assert units == ["water", "gas"]
    elif kind in NOTICES:
        assert units == ["water"]
    assert all(effect.key == f"ZZ-1:9:{effect.lane}:{effect.kind}" for effect in effects)


def test_an_order_goes_to_lead_assisting_units_and_grid(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00", grid="g-1")
    events = desk.take("dispatch", "2026-09-24 11:00", lead="water", assisting=("gas", "heat"), note="n-3")
    effects = desk.effects(events)
    assert told(effects) == [
        ("unit", "water", "dispatch"),
        ("unit", "gas", "dispatch"),
        ("unit", "heat", "dispatch"),
        ("grid", "g-1", "dispatched"),
    ]
    assert [effect.role for effect in effects] == ["lead", "assisting", "assisting", None]
    assert {(effect.note, effect.event, effect.case) for effect in effects} == {("n-3", 2, "ZZ-1")}
    assert [effect.lane for effect in effects] == ["unit:water", "unit:gas", "unit:heat", "grid:g-1"]


def test_without_a_grid_no_grid_is_told(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00")
    assert told(desk.effects(desk.take("dispatch", "2026-09-24 11:00", lead="water"))) == [
        ("unit", "water", "dispatch")
    ]


def test_redispatched_the_units_that_lose_it_are_recalled_first(desk: "Desk") -> None:
    events = desk.take("redispatch", "2026-09-24 11:00", lead="heat", assisting=("gas",))
    effects = desk.effects(events)
    assert told(effects) == [("unit", "water", "recall"), ("unit", "heat", "dispatch")]
    assert [effect.role for effect in effects] == [None, "lead"]


def test_redispatched_a_unit_that_keeps_its_part_has_no_second_order(desk: "Desk") -> None:
    effects = desk.effects(desk.take("redispatch", "2026-09-24 11:00", lead="water", assisting=("heat",)))
    assert told(effects) == [("unit", "gas", "recall"), ("unit", "heat", "dispatch")]
    assert [effect.role for effect in effects] == [None, "assisting"]


def test_closed_by_decision_units_and_citizen_hear_the_reason(desk: "Desk") -> None:
    effects = desk.effects(desk.take("close", "2026-09-24 11:00", note="reason-1"))
    assert told(effects) == [("unit", "water", "closed"), ("unit", "gas", "closed"), ("citizen", None, "closed")]
    assert {effect.note for effect in effects} == {"reason-1"}


def test_closed_by_decision_before_dispatch_the_citizen_hears(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00", grid="g-1")
    assert told(desk.effects(desk.take("close", "2026-09-24 11:00"))) == [("citizen", None, "closed")]


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.DECIDED}))
def test_closed_in_any_other_way_nobody_hears_twice(desk: "Desk", outcome: Outcome) -> None:
    assert effects_of(event(EventKind.CLOSED, facts={"outcome": outcome}), desk.case) == []


def test_a_return_accepted_recalls_the_assisting_units(dispatched: Callable[..., "Desk"]) -> None:
    desk = dispatched("2026-09-24 10:00", assisting=("gas",))
    assert told(desk.effects(desk.take("request-return", "2026-09-24 11:00"))) == []
    events = desk.take("decide-return", "2026-09-24 12:00", accepted=True)
    assert told(desk.effects(events)) == [("unit", "gas", "recall"), ("unit", "water", "return_accepted")]


@pytest.mark.parametrize(
    ("step", "texts"), [("supplement", []), ("hurry", []), ("withdraw", [("citizen", None, "withdrawn")])]
)
def test_what_the_citizen_says_reaches_every_unit(desk: "Desk", step: str, texts: list[object]) -> None:
    events = desk.take(step, "2026-09-24 11:00")
    kind = events[0].kind.value
    assert told(desk.effects(events)) == [("unit", "water", kind), ("unit", "gas", kind), *texts]


def test_before_dispatch_there_is_no_unit_to_tell(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00")
    assert told(desk.effects(desk.events)) == [("citizen", None, "received")]
    assert told(desk.effects(desk.take("hurry", "2026-09-24 11:00"))) == []


def test_unit_and_citizen_hear_of_an_extension(desk: "Desk") -> None:
    assert told(desk.effects(desk.take("request-extension", "2026-09-24 11:00"))) == []
    events = desk.take("decide-extension", "2026-09-24 12:00", granted=True)
    assert told(desk.effects(events)) == [("unit", "water", "extension_granted"), ("citizen", None, "extended")]


def test_a_refusal_is_between_unit_and_hotline(desk: "Desk") -> None:
    desk.take("request-extension", "2026-09-24 11:00")
    events = desk.take("decide-extension", "2026-09-24 12:00", granted=False)
    assert told(desk.effects(events)) == [("unit", "water", "extension_refused")]


def test_the_unit_hears_of_suspension_and_resumption(desk: "Desk") -> None:
    desk.take("request-suspension", "2026-09-24 11:00", until=date(2026, 10, 20))
    events = desk.take("decide-suspension", "2026-09-24 12:00", granted=True)
    assert told(desk.effects(events)) == [("unit", "water", "suspension_granted"), ("citizen", None, "suspended")]
    events = [event for event in desk.lapse("2026-10-20 24:00") if event.kind is EventKind.RESUMED]
    assert told(desk.effects(events)) == [("unit", "water", "resumed")]


def test_result_and_rework(desk: "Desk") -> None:
    events = desk.take("submit-result", "2026-09-24 11:00", note="result-1")
    (effect,) = desk.effects(events)
    assert (effect.party, effect.kind, effect.note) == ("citizen", "result", "result-1")
    events = desk.take("rate", "2026-09-24 12:00", rating=1, solved=False, contacted=True)
    assert told(desk.effects(events)) == [("unit", "water", "rework"), ("citizen", None, "rework")]


def test_a_deadline_that_moves_is_told_to_the_unit_whose_it_is(desk: "Desk") -> None:
    events = desk.take("reclassify", "2026-09-24 11:00", category="complaint")
    assert told(desk.effects(events)) == [("unit", "water", "deadline_moved")]


def test_the_ladder_tells_unit_and_supervision(desk: "Desk") -> None:
    desk.take("sign-in", "2026-09-24 11:00", "gas")
    events = [e for e in desk.lapse("2026-12-01 10:00") if e.action is not Action.DISCIPLINE_REFERRAL]
    supervised = ["supervision_order", "joint_meeting", "circular", "interview", "government_inspection"]

    def expected() -> Iterator[tuple[str, str | None, str]]:
        for action in ("yellow", "red", *supervised):
            if action in supervised:
                yield ("supervision", "water", action)
            yield ("unit", "water", action)

    assert told(desk.effects(events)) == list(expected())


def test_the_hotlines_own_lapses_reach_supervision_only(received: Callable[..., "Desk"]) -> None:
    desk = received("2026-09-24 10:00")
    assert told(desk.effects(desk.lapse("2026-12-01 10:00"))) == [("supervision", None, "supervision_order")]


def test_a_discipline_referral_reaches_the_inspectors_and_no_unit(desk: "Desk") -> None:
    events = [e for e in desk.lapse("2026-12-01 10:00") if e.action is Action.DISCIPLINE_REFERRAL]
    assert told(desk.effects(events)) == [
        ("discipline", "water", "handling_overdue"),
        ("discipline", "gas", "sign_in_overdue"),
        ("discipline", "water", "supervision_ignored"),
    ]
    assert all(effect.lane.startswith("discipline:") for effect in desk.effects(events))


def test_nor_does_one_after_the_last_round_of_rework(answered: Callable[..., "Desk"]) -> None:
    desk = answered("2026-10-08 09:00")
    for hour in (10, 12):
        desk.take("rate", f"2026-10-08 {hour}:00", rating=1, solved=False, contacted=False)
        desk.take("submit-result", f"2026-10-08 {hour + 1}:00")
    events = desk.take("rate", "2026-10-08 15:00", rating=1, solved=False, contacted=False)
    assert told(desk.effects(events)) == [
        ("supervision", "water", "government_inspection"),
        ("unit", "water", "government_inspection"),
        ("discipline", "water", "repeated_rework"),
    ]


def test_keys_are_stable_and_unique_over_a_whole_life(answered: Callable[..., "Desk"]) -> None:
    desk = answered("2026-09-24 10:00", assisting=("gas",), grid="g-1", outage=True)
    desk.lapse("2026-12-01 10:00")
    desk.take("rate", "2026-12-01 11:00", rating=1, solved=False, contacted=False)
    desk.lapse("2027-01-20 10:00")
    keys = [effect.key for effect in desk.effects(desk.events)]
    assert len(keys) > 60
    assert len(keys) == len(set(keys))
    assert keys == [effect.key for effect in desk.effects(desk.events)]

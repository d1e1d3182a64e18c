"""Random lives of a case: whatever people ask, whenever the engine wakes, what must always hold holds."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.calendar import load_calendar
from domain.case import Case, Opening
from domain.clock import Clock
from domain.command import Command
from domain.deadlines import DayRules
from domain.effects import Party, effects_of
from domain.events import Event, EventKind, Outcome, Status
from domain.limits import Limit
from domain.refusals import REFUSALS, Refused
from domain.roles import ENGINE, MAY, Actor, Role
from domain.rulebook import Action, ClockName, Rulebook, load_rulebook
from domain.steps import ENGINE_STEPS, PEOPLE_STEPS

CITY = Path(__file__).parents[2] / "cities" / "zhengzhou"
RULEBOOK = load_rulebook(CITY / "rulebook.toml")
CALENDAR = load_calendar(CITY / "calendar.toml").slice(date(2026, 8, 1), date(2028, 3, 1))
LOCAL = ZoneInfo("Asia/Shanghai")
AGENT = Actor(role=Role.AGENT, id="agent-1")
NEEDS_A_NOTE = {name for name, step in PEOPLE_STEPS.items() if step.model_fields["note"].is_required()}

UNITS = ["water", "gas", "heat"]
BESIDE = {"grid-sign-in", "grid-report", "grid-escalate", "assign-grid"}
"""What is done about the grid while the units work."""
ENDS = {"reject", "answer", "transfer", "withdraw", "close"}
NATURAL = {
    Status.RECEIVED: ["dispatch"],
    Status.RETURNED: ["dispatch", "dispatch", "answer"],
    Status.DISPATCHED: [
        "sign-in", "sign-in", "request-return", "redispatch", "grid-sign-in", "grid-resolve", "grid-report",
    ],
    Status.HANDLING: [
        "submit-result", "request-extension", "request-extension", "request-suspension", "report-progress",
        "give-opinion", "reclassify", "redispatch", "grid-report",
    ],
    Status.SUSPENDED: ["resume", "report-progress", "sign-in"],
    Status.CALLBACK: ["call-back", "rate"],
    Status.CLOSED: ["hurry"],
}  # fmt: skip
MUST_RUN = {
    Status.RECEIVED: ClockName.DISPATCH,
    Status.RETURNED: ClockName.DISPATCH,
    Status.HANDLING: ClockName.HANDLING,
    Status.SUSPENDED: ClockName.SUSPENSION,
    Status.CALLBACK: ClockName.CALLBACK,
}
STARTS = {
    ClockName.DISPATCH: {EventKind.RECEIVED, EventKind.RETURN_ACCEPTED},
    ClockName.SIGN_IN: {
        EventKind.DISPATCHED, EventKind.REDISPATCHED, EventKind.RETURN_REFUSED, EventKind.REWORK_ORDERED,
    },
    ClockName.HANDLING: {
        EventKind.DISPATCHED, EventKind.REDISPATCHED, EventKind.SIGNED_IN, EventKind.REWORK_ORDERED,
    },
    ClockName.OPINION: {
        EventKind.SIGNED_IN, EventKind.REWORK_ORDERED, EventKind.RESUMED, EventKind.RECLASSIFIED,
    },
    ClockName.CALLBACK: {EventKind.RESULT_SUBMITTED, EventKind.GRID_RESOLVED},
    ClockName.DECISION: {
        EventKind.RETURN_REQUESTED, EventKind.EXTENSION_REQUESTED, EventKind.SUSPENSION_REQUESTED,
    },
}  # fmt: skip
"""What starts a clock anew. An extension, a suspension, another category or calendar do not: the same rungs go on."""
ASKED = {EventKind.EXTENSION_REQUESTED, EventKind.SUSPENSION_REQUESTED}
DECIDED = {
    EventKind.EXTENSION_GRANTED, EventKind.EXTENSION_REFUSED, EventKind.SUSPENSION_GRANTED,
    EventKind.SUSPENSION_REFUSED, EventKind.RESULT_SUBMITTED, EventKind.GRID_RESOLVED,
}  # fmt: skip

UNIT = st.sampled_from(UNITS)
LIMIT = st.sampled_from([None, None, *map(Limit.parse, ["1wd", "2wd", "9wd", "3h"])])
RATING = {"rating": st.integers(1, 5), "solved": st.booleans(), "contacted": st.booleans()}
NOT_REACHED: dict[str, st.SearchStrategy[Any]] = {"reached": st.just(False)}
ORDER = st.tuples(st.permutations(UNITS), st.integers(0, 2)).map(
    lambda drawn: {"lead": drawn[0][0], "assisting": tuple(drawn[0][1 : 1 + drawn[1]])}
)
BEGUN: st.SearchStrategy[dict[str, dict[str, Any]]] = st.sampled_from(
    [
        {},
        {"dispatch": {"lead": "water", "assisting": ("gas",)}},
        {"dispatch": {"lead": "water"}, "sign-in": {}},
        {"dispatch": {"lead": "water", "assisting": ("gas",)}, "grid-sign-in": {}, "grid-resolve": {}},
        {"dispatch": {"lead": "water", "assisting": ("gas", "heat")}, "sign-in": {}},
        {"dispatch": {"lead": "water"}, "request-return": {}},
        {"dispatch": {"lead": "water"}, "sign-in": {}, "request-extension": {}},
        {"dispatch": {"lead": "water"}, "sign-in": {}, "request-suspension": {"until": timedelta(days=9)}},
        {"dispatch": {"lead": "water"}, "sign-in": {}, "submit-result": {}},
    ]
)
UNTIL = st.sampled_from([-1, 0, 1, 2, 7, 30, 180, 181]).map(timedelta)
ARGUMENTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "reject": st.fixed_dictionaries({"ground": st.sampled_from(["petition", "privacy", "nonsense"])}),
    "transfer": st.fixed_dictionaries({"to": st.sampled_from(["110", "119", "120"])}),
    "dispatch": ORDER,
    "redispatch": ORDER,
    "reclassify": st.fixed_dictionaries(
        {}, optional={"category": st.sampled_from([*RULEBOOK.categories, "nonsense"]), "outage": st.booleans()}
    ),
    "decide-return": st.fixed_dictionaries({"accepted": st.booleans()}),
    "request-extension": st.fixed_dictionaries({"limit": LIMIT}),
    "decide-extension": st.fixed_dictionaries({"granted": st.sampled_from([True, True, False])}),
    "request-suspension": st.fixed_dictionaries({"until": UNTIL}),
    "decide-suspension": st.fixed_dictionaries({"granted": st.sampled_from([True, True, False])}),
    "call-back": st.one_of(
        st.fixed_dictionaries(NOT_REACHED),
        st.fixed_dictionaries({"reached": st.just(True)} | RATING),
        st.fixed_dictionaries({"reached": st.booleans()}, optional=RATING),
    ),
    "rate": st.fixed_dictionaries(RATING),
    "assign-grid": st.sampled_from(["g-1", "g-2"]).map(
        lambda grid: {"grid": grid, "lineage": {grid: "网格", "g-0": "街道"}}
    ),
    "report-failure": st.fixed_dictionaries({"effect": st.just("e"), "party": st.just("unit"), "error": st.just("x")}),
}
WAIT = st.one_of(
    st.sampled_from(["to the next rung", "to just before it", "to just before a limit"]),
    st.integers(0, 240).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(0, 240).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(0, 48).map(lambda hours: timedelta(hours=hours)),
    st.integers(0, 7).map(lambda days: timedelta(days=days)),
    st.integers(0, 100).map(lambda days: timedelta(days=days)),
)
DAY_OFF = st.dates(date(2026, 9, 1), date(2027, 3, 1))


class Life(RuleBasedStateMachine):
    """One case, and its twin that is written down and read back all the time, as continue-as-new does."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 9, 1, tzinfo=UTC)
        self.events: list[Event] = []
        self.keys: set[str] = set()

    @initialize(
        minutes=st.integers(0, 170 * 24 * 60),
        category=st.sampled_from(sorted(RULEBOOK.categories)),
        outage=st.booleans(),
        province=st.booleans(),
        starts=st.sampled_from(["sign_in", "sign_in", "dispatch", "receipt"]),
        ends=st.sampled_from([None, None, time(17, 30)]),
        holds=st.sampled_from([True, True, False]),
        begun=BEGUN,
    )
    def receive(
        self,
        minutes: int,
        category: str,
        outage: bool,
        province: bool,
        starts: str,
        ends: time | None,
        holds: bool,
        begun: dict[str, dict[str, Any]],
    ) -> None:
        self.now += timedelta(minutes=minutes)
        opening = Opening(
            number="ZZ-1", received_at=self.now, by=AGENT, channel="phone", category=category, outage=outage,
            province=province, grid="g-1", grids_above={"g-0": "街道"},
        )  # fmt: skip
        rules = _rules(starts, ends, holds)
        self.starts = starts
        self.case, events = Case.open(opening, rules, CALENDAR)
        self.twin, again = Case.open(opening, rules, CALENDAR)
        assert events == again
        self.note(events)
        for step, arguments in begun.items():
            self.give(self.command(step, "water", arguments))

    # --- what may happen ----------------------------------------------------------------------------------------------

    @rule(wait=WAIT, punctual=st.booleans())
    def time_passes(self, wait: timedelta | str, punctual: bool) -> None:
        """The engine wakes on every instant, or sleeps through them and wakes late."""
        until = self.later(wait)
        while punctual and (deadline := self.case.due()) is not None and deadline.at <= until:
            self.now = max(self.now, deadline.at)
            self.lapse()
        self.now = until
        self.lapse()

    @rule(wait=WAIT)
    def time_passes_unseen(self, wait: timedelta | str) -> None:
        """The engine sleeps, and the next step is what wakes it."""
        self.now = self.later(wait)

    @rule(data=st.data())
    def what_comes_next(self, data: st.DataObject) -> None:
        request = self.case.request
        decision = [f"decide-{request.kind}"] * 4 if request else []
        self.take(data, data.draw(st.sampled_from(decision + NATURAL[self.case.status])), self.case.lead)

    @rule(data=st.data())
    def then_the_next(self, data: st.DataObject) -> None:
        self.what_comes_next(data)

    @rule(data=st.data(), step=st.sampled_from(sorted({*PEOPLE_STEPS, "report-failure"} - ENDS)), unit=UNIT)
    def anything(self, data: st.DataObject, step: str, unit: str) -> None:
        self.take(data, step, unit)

    @precondition(lambda self: len(self.events) > 12)
    @rule(data=st.data(), step=st.sampled_from(sorted(ENDS)))
    def somebody_ends_it(self, data: st.DataObject, step: str) -> None:
        self.take(data, step)

    @rule(off=st.sets(DAY_OFF, max_size=4), worked=st.sets(DAY_OFF, max_size=4), number=st.integers(1, 3))
    def the_calendar_changes(self, off: set[date], worked: set[date], number: int) -> None:
        calendar = CALENDAR.model_copy(
            update={
                "version": f"city {number}",
                "rest": {day: why for day, why in CALENDAR.rest.items() if day not in worked}
                | dict.fromkeys(off - worked, "停工"),
                "work": {day: why for day, why in CALENDAR.work.items() if day not in off}
                | dict.fromkeys(worked, "上班"),
            }
        )
        self.give(_command("change-calendar", None, {"calendar": calendar}))

    # --- how it happens -----------------------------------------------------------------------------------------------

    def later(self, wait: timedelta | str) -> datetime:
        if isinstance(wait, timedelta):
            return self.now + wait
        limit, deadline = self.case.summary().due, self.case.due()
        end = limit if wait == "to just before a limit" else deadline and deadline.at
        return max(self.now, end - timedelta(microseconds=wait != "to the next rung")) if end else self.now

    def take(self, data: st.DataObject, step: str, unit: str | None = None) -> None:
        arguments = data.draw(ARGUMENTS.get(step, st.just({})))
        self.give(self.command(step, unit, arguments))

    def command(self, step: str, unit: str | None, arguments: dict[str, Any]) -> Command:
        if "until" in arguments:
            arguments = {"until": self.now.astimezone(LOCAL).date() + arguments["until"]}
        if MAY.get(step, frozenset()) == {Role.GRID}:
            unit = "g-9" if unit == "heat" else self.case.at_grid
        return _command(step, unit, arguments)

    def give(self, command: Command) -> None:
        before = self.case.model_copy(deep=True)
        try:
            events = self.case.handle(command, self.now)
        except Refused as refused:
            assert self.case == before, "a refused step changes nothing"
            assert self.case._events == []
            self.check_refusal(refused, command)
            return
        assert not (before.status is Status.CLOSED and not command.after_closing)
        self.twin = Case.model_validate_json(self.twin.model_dump_json())
        assert self.twin == before
        assert self.twin.lapse(self.now) + self.twin.handle(command, self.now) == events, "what is due lapses first"
        assert self.twin == self.case
        self.check_parts(before, events[-1:])
        self.check_clocks(before, command.step)
        self.note(events)

    def check_parts(self, before: Case, last: list[Event]) -> None:
        """Redispatched, a unit that keeps its part keeps its sign-in and has no second order; the others have one."""
        for event in last:
            if event.kind is EventKind.REDISPATCHED:
                had, has = ({(a.unit, a.lead): a for a in case.assignments} for case in (before, self.case))
                assert event.facts["ordered"] == [unit for unit, lead in has if (unit, lead) not in had]
                assert set(event.facts["recalled"]) == {unit for unit, _ in had} - {unit for unit, _ in has}
                assert all(has[part] == had[part] for part in has.keys() & had.keys())

    def check_clocks(self, before: Case, step: str) -> None:
        """What a grid does moves no limit, unless it answers in the lead unit's place."""
        before.lapse(self.now)
        if step in BESIDE:
            assert self.case.clocks == before.clocks
            assert (self.case.status, self.case.assignments) == (before.status, before.assignments)
        if step == "grid-resolve":
            assert before.assignment(before.lead).signed_in_at is None
            assert {clock.name for clock in self.case.clocks} == {ClockName.CALLBACK}

    def check_refusal(self, refused: Refused, command: Command) -> None:
        assert refused.code in REFUSALS
        for sentence in (refused.message, refused.message_zh):
            assert sentence
            assert not {"{", "}"} & set(sentence)
            assert "None" not in sentence
        with pytest.raises(Refused) as again:
            self.twin.handle(command, self.now)
        assert (again.value.code, again.value.message) == (refused.code, refused.message)

    def lapse(self) -> None:
        deadline = self.case.due()
        slept = (self.now - deadline.at).days if deadline else 0
        events = self.case.lapse(self.now)
        assert self.twin.lapse(self.now) == events
        assert bool(events) <= (deadline is not None and deadline.at <= self.now)
        assert all(event.due is not None and event.due <= event.at for event in events)
        assert [event.due for event in events] == sorted(event.due for event in events if event.due)
        assert len(events) <= 60 + 3 * max(slept, 0), "a day brings three rungs of missed progress at most"
        self.note(events)
        following = self.case.due()
        assert following is None or following.at > self.now
        assert self.case.lapse(self.now) == []

    def note(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            effects = effects_of(event, self.case)
            keys = {effect.key for effect in effects}
            assert len(keys) == len(effects), "two effects of one event share a key"
            assert not keys & self.keys
            self.keys |= keys
            if event.action is Action.DISCIPLINE_REFERRAL:
                assert {effect.party for effect in effects} == {Party.DISCIPLINE}
            if event.facts.get("outcome") == Outcome.DECIDED:
                units = [assignment.unit for assignment in self.case.assignments]
                assert [(effect.unit, effect.kind) for effect in effects] == [(u, "closed") for u in [*units, None]]

    # --- what must always hold ----------------------------------------------------------------------------------------

    @invariant()
    def events_are_numbered_and_in_time(self) -> None:
        assert [event.n for event in self.events] == list(range(1, self.case.last_event + 1))
        assert all(one.at <= two.at for one, two in pairwise(self.events))
        assert self.case._events == []

    @invariant()
    def every_stage_has_its_clocks(self) -> None:
        running = {clock.name for clock in self.case.clocks}
        status = self.case.status
        assert (status is Status.CLOSED) == (self.case.closed_at is not None) == (self.case.outcome is not None)
        if status is Status.CLOSED:
            assert (running, self.case.due(), self.case.request) == (set(), None, None)
        elif status is Status.DISPATCHED:
            request = self.case.request
            returning = request is not None and request.kind == "return"
            assert returning != (self.case.clock(ClockName.SIGN_IN, self.case.lead) is not None)
        else:
            assert MUST_RUN[status] in running
        assert (self.case.request is not None) == (ClockName.DECISION in running)
        assert (self.case.paused is not None) == (status is Status.SUSPENDED)
        if status is Status.HANDLING and self.case.outage:
            assert ClockName.PROGRESS in running
            assert (ClockName.OPINION in running) == (self.case.opinion_at is None)

    @invariant()
    def clocks_run_for_units_that_have_the_case(self) -> None:
        units = {assignment.unit for assignment in self.case.assignments}
        assert {clock.unit for clock in self.case.clocks} <= units | {None}
        assert len({(clock.name, clock.unit) for clock in self.case.clocks}) == len(self.case.clocks)
        assert sum(assignment.lead for assignment in self.case.assignments) == bool(self.case.assignments)
        assert all(_aims_well(clock, self.case.rulebook) for clock in self.case.clocks)

    @invariant()
    def who_has_not_signed_in_has_a_clock_for_it(self) -> None:
        request = self.case.request
        at_work = self.case.status in (Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED)
        owing = {a.unit for a in self.case.assignments if at_work and a.signed_in_at is None}
        returning = {request.unit} if request is not None and request.kind == "return" else set()
        assert {clock.unit for clock in self.case.clocks if clock.name is ClockName.SIGN_IN} == owing - returning

    @invariant()
    def a_rung_fires_once(self) -> None:
        begun: dict[tuple[ClockName, str | None], int] = {}
        extensions = 0
        fired = set()
        for event in self.events:
            for clock, kinds in STARTS.items():
                if event.kind in kinds:
                    begun |= {(clock, unit): event.n for unit in self.starts_for(clock, event)}
            extensions += event.kind is EventKind.EXTENSION_GRANTED
            if event.kind is EventKind.ESCALATED and event.clock is not None:
                run = event.due if event.clock is ClockName.PROGRESS else begun[event.clock, event.unit]
                limit = extensions if (event.clock, event.action) == (ClockName.HANDLING, Action.YELLOW) else None
                rung = (event.clock, event.unit, run, limit, event.action, event.facts.get("situation"))
                assert rung not in fired
                fired.add(rung)

    def starts_for(self, clock: ClockName, event: Event) -> Iterable[str | None]:
        """The units whose clock an event of such a kind starts; None for the hotline's own."""
        if clock in (ClockName.DISPATCH, ClockName.CALLBACK, ClockName.DECISION):
            return [None]
        if clock is ClockName.SIGN_IN:
            return UNITS if event.kind is EventKind.REWORK_ORDERED else event.facts.get("ordered", [event.unit])
        if clock is ClockName.HANDLING and event.kind is not EventKind.REWORK_ORDERED:
            by_sign_in = event.kind is EventKind.SIGNED_IN
            if by_sign_in != (self.starts == "sign_in") or event.unit not in event.facts.get("ordered", [event.unit]):
                return []
        return [event.unit] if event.facts.get("lead", True) else []

    @invariant()
    def the_ladder_waits_for_the_hotline(self) -> None:
        waiting = False
        for event in self.events:
            waiting = event.kind in ASKED or (waiting and event.kind not in DECIDED)
            if event.kind is EventKind.ESCALATED and event.clock is ClockName.HANDLING:
                assert not (waiting and self.case.rulebook.extension.holds)

    @invariant()
    def no_limit_ends_before_the_change_that_set_it(self) -> None:
        for event in self.events:
            if event.kind is EventKind.DEADLINE_MOVED and event.facts["why"].startswith("reclassified"):
                assert event.due is not None
                assert event.due > event.at or event.facts["was"] <= event.at

    @invariant()
    def a_limit_moved_by_the_calendar_names_the_days(self) -> None:
        for event in self.events:
            if event.kind is EventKind.DEADLINE_MOVED and not event.facts["why"].startswith("reclassified"):
                assert event.facts["why"].startswith("calendar: 202"), event.facts["why"]

    @invariant()
    def a_warning_comes_before_its_limit_and_after_its_start(self) -> None:
        for clock in self.case.clocks:
            rung = clock.next_rung(self.case.rulebook)
            if rung is not None and rung.at < 0:
                assert clock.next_at is not None
                assert (clock.counted_from or clock.started) < clock.next_at < clock.due

    @invariant()
    def nothing_is_granted_or_referred_too_often(self) -> None:
        kinds = [event.kind for event in self.events]
        assert kinds.count(EventKind.EXTENSION_GRANTED) + kinds.count(EventKind.EXTENSION_REFUSED) <= 1
        assert kinds.count(EventKind.RETURN_ACCEPTED) + kinds.count(EventKind.RETURN_REFUSED) <= 1
        assert kinds.count(EventKind.REWORK_ORDERED) == self.case.rework_rounds <= self.case.rulebook.rework.rounds
        assert kinds.count(EventKind.CLOSED) == (self.case.status is Status.CLOSED)
        referred = [(e.unit, e.facts["situation"]) for e in self.events if e.action is Action.DISCIPLINE_REFERRAL]
        assert len(referred) == len(set(referred)) == len(self.case.referrals)

    @invariant()
    def breaches_are_what_turned_red(self) -> None:
        reds = [event.clock for event in self.events if event.action is Action.RED]
        assert self.case.breaches == list(dict.fromkeys(reds))


def _command(step: str, unit: str | None, arguments: dict[str, Any]) -> Command:
    if step in ENGINE_STEPS:
        return ENGINE_STEPS[step](by=ENGINE, **arguments)
    role = sorted(MAY[step])[0]
    by = Actor(role=role, id="key-1", unit=unit if role in (Role.UNIT, Role.GRID) else None)
    return PEOPLE_STEPS[step](by=by, **({"note": "n-1"} if step in NEEDS_A_NOTE else {}), **arguments)


def _rules(starts: str, ends: time | None, holds: bool) -> Rulebook:
    handling = RULEBOOK.clocks.handling.model_copy(update={"starts": starts})
    return RULEBOOK.model_copy(
        update={
            "clocks": RULEBOOK.clocks.model_copy(update={"handling": handling}),
            "days": DayRules(ends=ends),
            "extension": RULEBOOK.extension.model_copy(update={"holds": holds}),
        }
    )


def _aims_well(clock: Clock, rules: Rulebook) -> bool:
    if clock.name is ClockName.SUSPENSION:
        return clock.next_at == clock.due
    return (clock.next_at is None) == (clock.fired == len(rules.ladder(clock.name)))


Life.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestLife = Life.TestCase


def test_years_of_sleep_in_an_outage_take_no_time() -> None:
    """Three years of missed daily reports, found at once: about a thousand days, three thousand rungs, and it ends."""
    start = datetime(2026, 9, 1, tzinfo=UTC)
    opening = Opening(
        number="ZZ-1", received_at=start, by=AGENT, channel="phone", category="help", outage=True
    )  # fmt: skip
    case, _ = Case.open(opening, RULEBOOK, CALENDAR)
    case.handle(_command("dispatch", None, {"lead": "water"}), start)
    case.handle(_command("sign-in", "water", {}), start)
    began = datetime.now(UTC)
    events = case.lapse(start + timedelta(days=1000))
    assert datetime.now(UTC) - began < timedelta(seconds=5)
    assert sum(event.action is Action.RED and event.clock is ClockName.PROGRESS for event in events) == 999

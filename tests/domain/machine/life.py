"""A random life of a case: whatever people ask, whenever the engine wakes."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.case import Case, Opening
from domain.command import Command
from domain.effects import Party, effects_of
from domain.events import Event, EventKind, Outcome, Status
from domain.refusals import REFUSALS, Refused
from domain.roles import MAY, Actor, Role
from domain.rulebook import Action, ClockName
from domain.steps import PEOPLE_STEPS
from tests.domain.machine.steps import (
    ARGUMENTS,
    BEGUN,
    BESIDE,
    CALENDAR,
    ENDS,
    NATURAL,
    RULEBOOK,
    UNIT,
    command_of,
    rules_of,
)  # fmt: skip

LOCAL = ZoneInfo("Asia/Shanghai")
AGENT = Actor(role=Role.AGENT, id="agent-1")

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
        nobody_to_call=st.sampled_from([False, False, True]),
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
        nobody_to_call: bool,
        begun: dict[str, dict[str, Any]],
    ) -> None:
        self.now += timedelta(minutes=minutes)
        opening = Opening(
            number="ZZ-1", received_at=self.now, by=AGENT, channel="phone", category=category, outage=outage,
            province=province, grid="g-1", grids_above={"g-0": "街道"}, nobody_to_call=nobody_to_call,
        )  # fmt: skip
        rules = rules_of(starts, ends, holds)
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
        self.give(command_of("change-calendar", None, {"calendar": calendar}))

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
        return command_of(step, unit, arguments)

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
        if step in ("transfer", "refuse-transfer") and self.case.status is not Status.CLOSED:
            assert self.case.clock(ClockName.DISPATCH) == before.clock(ClockName.DISPATCH)
        if step in BESIDE:
            assert self.case.clocks == before.clocks
            assert (self.case.status, self.case.assignments) == (before.status, before.assignments)
        if step == "grid-resolve":
            assert before.assignment(before.lead).signed_in_at is None
            expected = set() if self.case.nobody_to_call else {ClockName.CALLBACK}
            assert {clock.name for clock in self.case.clocks} == expected

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

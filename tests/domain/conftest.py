"""A desk with one case on it: steps are taken and dates are read in local time, as people of the city do."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import WorkCalendar, load_calendar
from domain.case import Case, Opening
from domain.clock import Clock
from domain.command import Command
from domain.deadlines import show
from domain.effects import Effect, effects_of
from domain.events import Event, EventKind
from domain.refusals import Refused
from domain.roles import ENGINE, MAY, Actor, Role
from domain.rulebook import ClockName, Rulebook, load_rulebook
from domain.steps import ENGINE_STEPS, PEOPLE_STEPS

CITY = Path(__file__).parents[2] / "cities" / "zhengzhou"
LOCAL = ZoneInfo("Asia/Shanghai")
NEEDS_A_NOTE = {name for name, step in PEOPLE_STEPS.items() if step.model_fields["note"].is_required()}


def local(text: str) -> datetime:
    """A local time as people write it (`2026-09-29 24:00` is the end of that day), as a UTC instant."""
    day, clock = text.split()
    end = clock == "24:00"
    moment = datetime.fromisoformat(f"{day} {'00:00' if end else clock}").replace(tzinfo=LOCAL)
    return (moment + timedelta(days=end)).astimezone(UTC)


class Desk:
    """A case, everything that has happened to it, and shorthand for what people do to it."""

    def __init__(self, case: Case, events: list[Event]) -> None:
        self.case = case
        self.events = events

    def take(self, step: str, at: str | datetime, unit: str = "water", **arguments: Any) -> list[Event]:
        """Take a step at a local time, as somebody who may; a unit's or a grid's step as `unit`."""
        return self.give(self.command(step, unit, **arguments), at)

    def give(self, command: Command, at: str | datetime) -> list[Event]:
        events = self.case.handle(command, _instant(at))
        self.events += events
        return events

    def lapse(self, at: str | datetime) -> list[Event]:
        events = self.case.lapse(_instant(at))
        self.events += events
        return events

    def refusal(self, step: str, at: str | datetime, unit: str = "water", **arguments: Any) -> Refused:
        """The refusal of a step; the case must be as it was before."""
        before = self.case.model_copy(deep=True)
        with pytest.raises(Refused) as refused:
            self.take(step, at, unit, **arguments)
        assert self.case == before
        assert refused.value.message
        assert refused.value.message_zh
        assert "{" not in refused.value.message + refused.value.message_zh
        return refused.value

    def refused(self, step: str, at: str | datetime, unit: str = "water", **arguments: Any) -> tuple[str, str]:
        """Code and English sentence of a refusal."""
        refusal = self.refusal(step, at, unit, **arguments)
        return refusal.code, refusal.message

    @staticmethod
    def command(step: str, unit: str = "water", **arguments: Any) -> Command:
        if step in ENGINE_STEPS:
            return ENGINE_STEPS[step](by=ENGINE, **arguments)
        role = sorted(MAY[step])[0]
        by = Actor(role=role, id=f"{role}-1", unit=unit if role in (Role.UNIT, Role.GRID) else None)
        if step in NEEDS_A_NOTE:
            arguments.setdefault("note", "note-1")
        return PEOPLE_STEPS[step](by=by, **arguments)

    def clock(self, name: ClockName, unit: str | None = None) -> Clock:
        clock = self.case.clock(name, unit)
        assert clock is not None, f"no {name} clock runs"
        return clock

    def due(self, name: str, unit: str | None = None) -> str:
        """When a running clock is due, as people of the city read it."""
        return self.read(self.clock(ClockName(name), unit).due)

    def next(self) -> tuple[str, str, str | None] | None:
        """The next instant at which something must happen: when, which clock, which rung."""
        deadline = self.case.due()
        if deadline is None:
            return None
        return self.read(deadline.at), deadline.clock.value, deadline.action.value if deadline.action else None

    def clocks(self) -> set[str]:
        return {clock.name.value for clock in self.case.clocks}

    def read(self, instant: datetime | None) -> str:
        assert instant is not None
        return show(instant, self.case.rulebook.days)

    def rungs(self, clock: str, events: list[Event] | None = None) -> list[tuple[str, str]]:
        """What a clock's ladder has fired, in order: when it was due, and the action (or what is referred)."""
        return [
            (self.read(event.due), event.facts.get("situation") or str(event.action))
            for event in (self.events if events is None else events)
            if event.kind is EventKind.ESCALATED and event.clock == clock
        ]

    def referrals(self) -> list[tuple[str | None, str]]:
        """Unit and situation of everything referred to discipline inspection so far."""
        return [
            (event.unit, event.facts["situation"])
            for event in self.events
            if event.kind is EventKind.ESCALATED and "situation" in event.facts
        ]

    def effects(self, events: list[Event]) -> list[Effect]:
        return [effect for event in events for effect in effects_of(event, self.case)]


def _instant(at: str | datetime) -> datetime:
    return local(at) if isinstance(at, str) else at


def kinds(events: list[Event]) -> list[str]:
    """The kinds of events, in order."""
    return [event.kind.value for event in events]


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return load_rulebook(CITY / "rulebook.toml")


@pytest.fixture(scope="session")
def calendar() -> WorkCalendar:
    return load_calendar(CITY / "calendar.toml")


@pytest.fixture(name="local")
def local_fixture() -> Callable[[str], datetime]:
    return local


@pytest.fixture(name="kinds")
def kinds_fixture() -> Callable[[list[Event]], list[str]]:
    return kinds


@pytest.fixture
def received(rulebook: Rulebook, calendar: WorkCalendar) -> Callable[..., Desk]:
    """A case received at a local time: `received("2026-09-24 10:00", "help")`; `rules` for another rulebook."""

    def receive(at: str | datetime, category: str = "help", *, rules: Rulebook = rulebook, **more: Any) -> Desk:
        usual: dict[str, Any] = {"number": "ZZ-1", "channel": "phone", "by": Actor(role=Role.AGENT, id="agent-1")}
        opening = Opening(received_at=_instant(at), category=category, **usual | more)
        return Desk(*Case.open(opening, rules, calendar))

    return receive


@pytest.fixture
def unheld(rulebook: Rulebook) -> Rulebook:
    """The rules of a city whose handling ladder goes on while the hotline decides on an extension or suspension."""
    return rulebook.model_copy(update={"extension": rulebook.extension.model_copy(update={"holds": False})})


@pytest.fixture
def dispatched(received: Callable[..., Desk]) -> Callable[..., Desk]:
    """A case received and dispatched at once, to the water works unless another lead is named."""

    def dispatch(at: str | datetime, *args: Any, lead: str = "water", assisting: Any = (), **more: Any) -> Desk:
        desk = received(at, *args, **more)
        desk.take("dispatch", at, lead=lead, assisting=assisting)
        return desk

    return dispatch


@pytest.fixture
def named(received: Callable[..., Desk]) -> Callable[..., Desk]:
    """A case dispatched to the water works and the gas works, whose names it was told."""

    def dispatch(**more: Any) -> Desk:
        desk = received("2026-09-24 10:00", **more)
        names = {"water": "自来水公司", "gas": "燃气公司"}
        desk.take("dispatch", "2026-09-24 10:00", lead="water", assisting=("gas",), names=names)
        return desk

    return dispatch


@pytest.fixture
def handling(dispatched: Callable[..., Desk]) -> Callable[..., Desk]:
    """A case received, dispatched and signed in at the same moment."""

    def sign_in(at: str | datetime, *args: Any, lead: str = "water", **more: Any) -> Desk:
        desk = dispatched(at, *args, lead=lead, **more)
        desk.take("sign-in", at, lead)
        return desk

    return sign_in


@pytest.fixture
def answered(handling: Callable[..., Desk]) -> Callable[..., Desk]:
    """A case whose result came in at the moment of its receipt; it waits for the callback."""

    def submit(at: str | datetime, *args: Any, **more: Any) -> Desk:
        desk = handling(at, *args, **more)
        desk.take("submit-result", at)
        return desk

    return submit


@pytest.fixture
def without(calendar: WorkCalendar) -> Callable[..., WorkCalendar]:
    """The city's calendar with some days taken off, as an emergency does."""

    def take_off(*days: str, version: str = "emergency") -> WorkCalendar:
        off = {date.fromisoformat(day): "停工" for day in days}
        work = {day: why for day, why in calendar.work.items() if day not in off}
        return calendar.model_copy(update={"version": version, "rest": calendar.rest | off, "work": work})

    return take_off

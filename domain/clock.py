"""One running clock of a case: its limits, when it is due, and how far up its ladder it has gone."""

from datetime import datetime, timedelta

from pydantic import BaseModel

from domain.calendar import WorkCalendar
from domain.deadlines import due_at, rung_at
from domain.limits import Limit
from domain.rulebook import ClockName, Rulebook, Rung

INSTANT_BEFORE = timedelta(microseconds=1)
"""A limit that ends at 24:00 ends on that day, not on the next: what follows it is counted from an instant before."""


class Clock(BaseModel):
    """A running clock. Instants are UTC; `limits` are counted one after the other (the second is an extension)."""

    name: ClockName
    unit: str | None
    started: datetime
    counted_from: datetime | None = None
    """Where its limits are counted from, if not from its start: the change without which they would have passed."""
    limits: list[Limit]
    due: datetime
    provisional: bool = False
    fixed: bool = False
    """Limits that no reclassification changes: what was left when a suspension stopped the clock."""
    extended: bool = False
    fired: int = 0
    """Rungs gone by, counted from the foot of the ladder; a fired rung never fires again."""
    next_at: datetime | None
    """When the next rung fires (the due instant of a suspension); None at the top of the ladder."""

    def next_rung(self, rules: Rulebook) -> Rung | None:
        """The rung that fires at `next_at`; None when the clock has no ladder."""
        ladder = rules.ladder(self.name)
        return ladder[self.fired] if self.fired < len(ladder) else None

    def advance(self, rules: Rulebook, calendar: WorkCalendar) -> None:
        """Go one rung up; at the top nothing more will fire."""
        self.fired += 1
        self.aim(rules, calendar)

    def aim(self, rules: Rulebook, calendar: WorkCalendar) -> None:
        """Work out when the next rung fires."""
        rung = self.next_rung(rules)
        if rung is None:
            self.next_at = None if rules.ladder(self.name) else self.due
        else:
            self.next_at = self.due if rung.at == 0 else rung_at(self.due, rung.at, rules.days, calendar)

    def move(self, limits: list[Limit], rules: Rulebook, calendar: WorkCalendar) -> bool:
        """Count again from the start with other limits or another calendar; rungs gone by stay so. True if it moved."""
        due, provisional = count(self.counted_from or self.started, limits, rules, calendar)
        moved = due != self.due
        self.limits, self.due, self.provisional = limits, due, provisional
        self.aim(rules, calendar)
        self.skip_warnings(rules, calendar)
        return moved

    def change(self, limits: list[Limit], at: datetime, rules: Rulebook, calendar: WorkCalendar) -> None:
        """Put it under other limits at `at`. None ends before the change that set it: then it is counted from there."""
        if limits == self.limits:
            return
        in_time, self.counted_from = self.due > at, None
        self.move(limits, rules, calendar)
        if in_time and self.due <= at:
            self.counted_from = at
            self.move(limits, rules, calendar)

    def extend(self, limit: Limit, rules: Rulebook, calendar: WorkCalendar) -> None:
        """Run on from the old due instant for another limit (细则 no. 6).

        The new limit has a warning of its own; what followed from a lapse never fires again.
        """
        self.extended = True
        if all(rung.at < 0 for rung in rules.ladder(self.name)[: self.fired]):
            self.fired = 0
        self.move([*self.limits, limit], rules, calendar)

    def run_on(self, since: datetime, rules: Rulebook, calendar: WorkCalendar) -> None:
        """Go on after a suspension, for the limits it was left with; rungs gone by stay so."""
        self.started, self.counted_from = since, None
        self.move(self.limits, rules, calendar)

    def skip_warnings(self, rules: Rulebook, calendar: WorkCalendar) -> None:
        """A warning whose moment came before the limit was counted is never sent."""
        since = self.counted_from or self.started
        while self.next_at is not None and self.next_at <= since and self._warns(rules):
            self.advance(rules, calendar)

    def _warns(self, rules: Rulebook) -> bool:
        rung = self.next_rung(rules)
        return rung is not None and rung.at < 0


def count(start: datetime, limits: list[Limit], rules: Rulebook, calendar: WorkCalendar) -> tuple[datetime, bool]:
    """When limits counted one after the other from `start` end (UTC), and whether that is provisional."""
    due, provisional = due_at(start, limits[0], rules.days, calendar)
    for limit in limits[1:]:
        due, more = due_at(due - INSTANT_BEFORE, limit, rules.days, calendar)
        provisional = provisional or more
    return due, provisional


def start_clock(
    name: ClockName,
    start: datetime,
    limits: list[Limit],
    rules: Rulebook,
    calendar: WorkCalendar,
    unit: str | None = None,
) -> Clock:
    """Start a clock."""
    due, provisional = count(start, limits, rules, calendar)
    clock = Clock(name=name, unit=unit, started=start, limits=limits, due=due, provisional=provisional, next_at=due)
    clock.aim(rules, calendar)
    clock.skip_warnings(rules, calendar)
    return clock

"""A citizen's request as one plain object: no clock, no network, no table. All that may happen to it happens here."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, PrivateAttr

from domain import words
from domain.calendar import WorkCalendar, name_days
from domain.clock import INSTANT_BEFORE, Clock, start_clock
from domain.command import Command
from domain.deadlines import changed_days, show
from domain.effects import Effect
from domain.escalation import fire
from domain.events import Assignment, Deadline, Event, EventKind, Handover, Outcome, Request, Status, Summary
from domain.limits import Limit
from domain.refusals import Refused
from domain.roles import ENGINE, Actor
from domain.rulebook import ClockName, Rulebook


class Opening(BaseModel):
    """What the engine is told when a request has been accepted: codes only, the rest stays in the ledger."""

    number: str
    received_at: datetime
    by: Actor
    channel: str
    category: str
    item: str | None = None
    item_limit: Limit | None = None
    """The item's own handling limit, on the day of the receipt."""
    outage: bool = False
    """大面积停水停电停气停热 or pollution: dispatch, sign-in and opinion in hours, progress every day (细则 no. 8)."""
    province: bool = False
    """Sent by the province's hotline: its handling limit is shorter (细则 no. 6)."""
    grid: str | None = None
    grid_name: str | None = None
    """What people call the grid; the case itself goes by its code."""
    grids_above: dict[str, str] = {}
    """The grids above it, nearest first: code and what people call it."""
    marks: list[str] = []
    ordered: list[str] = []
    """Units to which the engine itself sends it at once, the lead first."""
    nobody_to_call: bool = False
    """Whether it names no citizen who could judge the result."""


class Case(BaseModel):
    """The state of one request. `handle` takes a step, `due` tells what comes next, `lapse` lets it come."""

    number: str
    received_at: datetime
    category: str
    item: str | None
    item_limit: Limit | None = None
    """The item's own handling limit, which replaces the category's: that of the day on which the item was chosen."""
    outage: bool
    province: bool
    grid: str | None
    """Where it is."""
    rulebook: Rulebook
    calendar: WorkCalendar

    status: Status = Status.RECEIVED
    outcome: Outcome | None = None
    closed_at: datetime | None = None
    assignments: list[Assignment] = []
    names: dict[str, str] = {}
    """What people call the units that have had the case, and its grids."""
    clocks: list[Clock] = []
    refused_orders: list[Effect] = []
    """Those that the systems of its units refused for good."""
    request: Request | None = None
    transfer: Handover | None = None
    """To whom it is being transferred, or has been."""
    dispatched_at: datetime | None = None
    arbitrated_at: datetime | None = None
    return_refused: str | None = None
    """The unit whose return was refused."""
    extended_at: datetime | None = None
    extension_refused_at: datetime | None = None
    opinion_at: datetime | None = None
    paused: Clock | None = None
    """The handling clock of a suspended case; its limit is the working days it had left."""
    grids_above: list[str] = []
    """The grids it can still be passed up to, nearest first."""
    escalated_to: str | None = None
    """The grid that it was passed up to."""
    grid_signed_in_at: datetime | None = None
    resolved_by_grid: str | None = None
    """The grid whose result the citizen is asked about."""
    nobody_to_call: bool = False
    """Whether the result ends it, since there is no citizen who could judge it."""
    attempts: int = 0
    rework_rounds: int = 0
    hurries: int = 0
    breaches: list[ClockName] = []
    referrals: list[str] = []
    """Situations already referred to discipline inspection, by unit: none is referred twice."""
    last_event: int = 0

    _events: list[Event] = PrivateAttr(default_factory=list)

    # --- the three questions ------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, opening: Opening, rulebook: Rulebook, calendar: WorkCalendar) -> tuple[Self, list[Event]]:
        """A new case and its first event; the dispatch clock runs from the receipt (细则 no. 1).

        Raises ValueError when the rulebook has no such category.
        """
        if opening.category not in rulebook.categories:
            raise ValueError(f"category {opening.category!r} is not in rulebook {rulebook.version}")
        case = cls(
            number=opening.number,
            received_at=opening.received_at,
            category=opening.category,
            item=opening.item,
            item_limit=opening.item_limit,
            outage=opening.outage,
            province=opening.province,
            grid=opening.grid,
            names=_grid_names(opening),
            grids_above=list(opening.grids_above),
            nobody_to_call=opening.nobody_to_call,
            rulebook=rulebook,
            calendar=calendar,
        )
        case.record(
            EventKind.RECEIVED, opening.by, opening.received_at,
            channel=opening.channel, category=opening.category, item=opening.item, outage=opening.outage,
            province=opening.province, marks=opening.marks, rulebook=rulebook.version, calendar=calendar.version,
            limit=str(opening.item_limit) if opening.item_limit else None,
        )  # fmt: skip
        case.start(ClockName.DISPATCH, opening.received_at)
        return case, case._drain()

    def handle(self, command: Command, at: datetime) -> list[Event]:
        """Take a step at `at` (UTC), after letting lapse what is due by then; return what happened.

        Raises Refused when a rule stands against it; the case is then as it was before.
        """
        trial = self.model_copy(deep=True)
        trial._lapse(at)
        if trial.status is Status.CLOSED and not command.after_closing:
            raise trial._over()
        command.take(trial, at)
        object.__setattr__(self, "__dict__", trial.__dict__)
        return trial._drain()

    def due(self) -> Deadline | None:
        """The next instant at which something must happen, and why; None when no clock runs."""
        clock = self._next_clock()
        if clock is None or clock.next_at is None:
            return None
        rung = clock.next_rung(self.rulebook)
        return Deadline(
            at=clock.next_at, clock=clock.name, due=clock.due, provisional=clock.provisional, unit=clock.unit,
            action=rung.action if rung else None,
        )  # fmt: skip

    def lapse(self, at: datetime) -> list[Event]:
        """What follows from every instant that has passed by `at` (UTC), in order; none fires twice."""
        self._lapse(at)
        return self._drain()

    # --- what the steps work with -------------------------------------------------------------------------------------

    def record(
        self,
        kind: EventKind,
        by: Actor,
        at: datetime,
        *,
        clock: Clock | None = None,
        unit: str | None = None,
        due: datetime | None = None,
        note: str | None = None,
        **facts: Any,
    ) -> Event:
        """Note what happened. With `clock`, the limit that the step met or missed goes with it."""
        self.last_event += 1
        event = Event(
            n=self.last_event, at=at, kind=kind, by=by, unit=unit or (clock.unit if clock else None),
            clock=clock.name if clock else None, due=due or (clock.due if clock else None),
            provisional=clock.provisional if clock else False, action=facts.pop("action", None), note=note,
            facts={name: value for name, value in facts.items() if value is not None},
        )  # fmt: skip
        self._events.append(event)
        return event

    def require(self, *statuses: Status) -> None:
        """Refuse a step that does not belong to the stage the case is in."""
        if self.status not in statuses:
            if self.status is Status.TRANSFERRING and self.transfer is not None:
                to, on = self.transfer.to, self.day(self.transfer.at)
                raise Refused("being_transferred", to=to, to_zh=self.name_of(to), on=on)
            raise Refused(
                "not_in_this_stage",
                wanted=" or ".join(statuses),
                wanted_zh="”或“".join(words.STATUS[status] for status in statuses),
                status=self.status,
                status_zh=words.STATUS[self.status],
            )

    def limits_of(self, name: ClockName) -> list[Limit]:
        """The limits a clock runs under now: by category, item, outage and province."""
        if name is ClockName.HANDLING:
            return [self.rulebook.handling_limit(self.category, self.item_limit, province=self.province)]
        rule = getattr(self.rulebook.clocks, name.value)
        return [rule.outage if self.outage and rule.outage else rule.limit]

    def start(
        self, name: ClockName, at: datetime, *, unit: str | None = None, limits: list[Limit] | None = None
    ) -> Clock:
        """Start a clock at `at`, under its present limits unless others are given."""
        clock = start_clock(name, at, limits or self.limits_of(name), self.rulebook, self.calendar, unit)
        self.clocks.append(clock)
        return clock

    def stop(self, name: ClockName, unit: str | None = None) -> Clock | None:
        """Stop a clock (of a unit, where several run) and return it; its further rungs never fire."""
        clock = self.clock(name, unit)
        if clock is not None:
            self.clocks = [other for other in self.clocks if other is not clock]
        return clock

    def clock(self, name: ClockName, unit: str | None = None) -> Clock | None:
        """The running clock of that name, of that unit if one is given."""
        return next((c for c in self.clocks if c.name is name and unit in (None, c.unit)), None)

    def recount(
        self, by: Actor, at: datetime, why: str, *, anew: bool = False, before: WorkCalendar | None = None
    ) -> None:
        """Count every running clock again, and record each deadline that moved with the reason.

        `anew` takes the limits that category, item, outage and province give now; otherwise each clock keeps its own.
        `before` is the calendar counted on until now, when it is another: the reason names the days that changed.
        """
        for clock in self.clocks:
            if clock.name is ClockName.SUSPENSION:
                continue
            was = clock.due
            if anew and not clock.fixed:
                limits = [*self.limits_of(clock.name), *clock.limits[1:]]
                clock.change(limits, at, self.rulebook, self.calendar)
            else:
                clock.move(clock.limits, self.rulebook, self.calendar)
            if clock.due != was:
                days = f": {self._changed_days(clock, was, before)}" if before else ""
                self.record(EventKind.DEADLINE_MOVED, by, at, clock=clock, was=was, why=why + days)

    def start_handling(self, at: datetime) -> None:
        """Start the lead unit's work: the handling clock, and in an outage the opinion and daily progress clocks."""
        if self.clock(ClockName.HANDLING) is None:
            self.start(ClockName.HANDLING, at, unit=self.lead)
        if self.outage:
            self.start_outage_clocks(at)

    def start_outage_clocks(self, at: datetime, since: datetime | None = None) -> None:
        """Opinion within hours of sign-in, progress every natural day after that of `since` (细则 no. 8)."""
        if self.opinion_at is None and self.clock(ClockName.OPINION) is None:
            self.start(ClockName.OPINION, at, unit=self.lead)
        if self.clock(ClockName.PROGRESS) is None:
            self.start(ClockName.PROGRESS, since or at, unit=self.lead)

    def renew_progress(self, clock: Clock) -> None:
        """The day's report is in or missed: the next natural day begins."""
        self.clocks = [other for other in self.clocks if other is not clock]
        self.start(ClockName.PROGRESS, clock.due - INSTANT_BEFORE, unit=clock.unit)

    @property
    def lead(self) -> str | None:
        return next((a.unit for a in self.assignments if a.lead), None)

    @property
    def at_grid(self) -> str | None:
        """The grid that has the case: the one it is in, until that one passes it up."""
        return self.escalated_to or self.grid

    @property
    def answered_by(self) -> str | None:
        """Whose result the citizen judges: the lead unit's, or that of the grid which resolved it on the spot."""
        return self.resolved_by_grid or self.lead

    def assignment(self, unit: str | None) -> Assignment:
        """A unit's part in the case; refuses a unit that has none."""
        for assignment in self.assignments:
            if assignment.unit == unit:
                return assignment
        raise Refused("not_your_case", unit=unit or "nobody")

    def require_lead(self, unit: str | None) -> Assignment:
        """The lead unit's part, signed in; refuses anybody else."""
        assignment = self.assignment(unit)
        if not assignment.lead:
            raise Refused("not_the_lead", lead=self.lead, lead_zh=self.name_of(self.lead))
        if assignment.signed_in_at is None:
            raise Refused("not_signed_in", unit=unit, unit_zh=self.name_of(unit))
        return assignment

    def take_up_again(self, by: Actor, at: datetime, note: str | None = None) -> None:
        """End a suspension: the handling clock runs on with the working days it had left, the first day not counted.

        A suspension whose date has come ends with that day, however late the engine notices.
        """
        suspension, handling = self.stop(ClockName.SUSPENSION), self.paused
        assert suspension is not None, "a suspended case has a suspension clock"
        assert handling is not None, "a suspended case has a handling clock that stands still"
        self.status, self.paused = Status.HANDLING, None
        self.record(EventKind.RESUMED, by, at, unit=self.lead, due=suspension.due, note=note)
        since = min(at, suspension.due - INSTANT_BEFORE)
        handling.run_on(since, self.rulebook, self.calendar)
        self.clocks = [*self.clocks, handling]
        if self.outage:
            self.start_outage_clocks(min(at, suspension.due), since)

    def call_back(self, at: datetime) -> None:
        """What follows a result: the callback, or the end by the engine where there is nobody to call."""
        if self.nobody_to_call:
            self.close(Outcome.RESOLVED, ENGINE, at, nobody_to_call=True)
        else:
            self.status = Status.CALLBACK
            self.start(ClockName.CALLBACK, at)

    def close(self, outcome: Outcome, by: Actor, at: datetime, *, note: str | None = None, **facts: Any) -> None:
        """End the case: every clock stops, nothing fires any more."""
        self.status, self.outcome, self.closed_at = Status.CLOSED, outcome, at
        self.clocks, self.request, self.paused = [], None, None
        self.record(EventKind.CLOSED, by, at, note=note, outcome=outcome, **facts)

    def name_of(self, code: str | None) -> str:
        """A unit or grid as people call it; the hotline itself where there is none."""
        return self.names.get(code, code) if code else "热线"

    def day(self, at: datetime | None) -> str:
        """An instant as people of the city read it (24:00 is the end of its day)."""
        return show(at, self.rulebook.days) if at else "?"

    def summary(self) -> Summary:
        """The case at a glance, for the ledger's list."""
        nearest = min(self.clocks, key=lambda c: c.due, default=None)
        return Summary(
            number=self.number, status=self.status, outcome=self.outcome, category=self.category, item=self.item,
            outage=self.outage, province=self.province, lead=self.lead,
            assisting=[a.unit for a in self.assignments if not a.lead], grid=self.grid,
            due=nearest.due if nearest else None, due_clock=nearest.name if nearest else None,
            provisional=nearest.provisional if nearest else False, breaches=self.breaches,
            extended=self.extended_at is not None, rework_rounds=self.rework_rounds, hurries=self.hurries,
            closed_at=self.closed_at, last_event=self.last_event,
        )  # fmt: skip

    # --- inside -------------------------------------------------------------------------------------------------------

    def _over(self) -> Refused:
        assert self.outcome is not None, "a closed case has an outcome"
        return Refused(
            "case_closed", on=self.day(self.closed_at), outcome=self.outcome, outcome_zh=words.OUTCOME[self.outcome]
        )

    def _drain(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _changed_days(self, clock: Clock, was: datetime, before: WorkCalendar) -> str:
        start, end = clock.counted_from or clock.started, max(was, clock.due)
        return name_days(changed_days(start, end, self.rulebook.days, before, self.calendar))

    def _next_clock(self) -> Clock | None:
        running = [clock for clock in self.clocks if clock.next_at is not None and not self._held(clock)]
        return min(running, key=lambda clock: clock.next_at or clock.due, default=None)

    def _held(self, clock: Clock) -> bool:
        """A unit that asked in time is not punished for the hotline's slowness; refused, what has lapsed fires late."""
        asked = self.request is not None and self.request.kind in ("extension", "suspension")
        return asked and clock.name is ClockName.HANDLING and self.rulebook.extension.holds

    def _lapse(self, at: datetime) -> None:
        while (clock := self._next_clock()) is not None and clock.next_at is not None and clock.next_at <= at:
            fire(self, clock, at)


def _grid_names(opening: Opening) -> dict[str, str]:
    own = {opening.grid: opening.grid_name} if opening.grid and opening.grid_name else {}
    return own | opening.grids_above

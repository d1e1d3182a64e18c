"""What the engine itself tells a case: another calendar, or an outside party that could not be reached."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.calendar import WorkCalendar
from domain.command import Command
from domain.effects import Effect
from domain.events import EventKind

if TYPE_CHECKING:
    from domain.case import Case


class ChangeCalendar(Command):
    """Count open deadlines again under another calendar; each that moves is recorded with the days that moved it.

    A longer part of the calendar a case has already is taken without an event of its own.
    """

    step: ClassVar[str] = "change-calendar"

    calendar: WorkCalendar

    def take(self, case: "Case", at: datetime) -> None:
        if self.calendar == case.calendar:
            return
        was, case.calendar = case.calendar, self.calendar
        if was.version != self.calendar.version:
            case.record(EventKind.CALENDAR_CHANGED, self.by, at, was=was.version, calendar=self.calendar.version)
        case.recount(self.by, at, "calendar", before=was)


class ReportFailure(Command):
    """An outside party could not be reached for as long as the rulebook says; a person must see to it."""

    step: ClassVar[str] = "report-failure"
    after_closing: ClassVar[bool] = True

    effect: str
    party: str
    unit: str | None = None
    error: str
    refused: Effect | None = None
    """The order that was refused for good, if it was one."""

    def take(self, case: "Case", at: datetime) -> None:
        if self.refused is not None and self.refused.unit in {part.unit for part in case.assignments}:
            case.refused_orders = [*case.refused_orders, self.refused]
        case.record(
            EventKind.EFFECT_FAILED, self.by, at, unit=self.unit, effect=self.effect, party=self.party, error=self.error
        )

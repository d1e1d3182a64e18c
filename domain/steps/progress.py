"""办理进度与初步意见: in an outage an opinion within 2 hours of sign-in and progress every day (细则 no. 8)."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Status
from domain.refusals import Refused
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


class GiveOpinion(Command):
    """Give the preliminary opinion on an outage."""

    step: ClassVar[str] = "give-opinion"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.HANDLING)
        assignment = case.require_lead(self.by.unit)
        if not case.outage:
            raise Refused("not_an_outage")
        if case.opinion_at is not None:
            raise Refused("opinion_given", on=case.day(case.opinion_at))
        case.opinion_at = at
        clock = case.stop(ClockName.OPINION)
        case.record(EventKind.OPINION_GIVEN, self.by, at, clock=clock, unit=assignment.unit, note=self.note)


class ReportProgress(Command):
    """Tell how the work goes; every unit of the case may. In an outage the lead's report meets the day's duty."""

    step: ClassVar[str] = "report-progress"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.HANDLING, Status.SUSPENDED)
        assignment = case.assignment(self.by.unit)
        if assignment.signed_in_at is None:
            raise Refused("not_signed_in", unit=assignment.unit, unit_zh=case.name_of(assignment.unit))
        clock = case.clock(ClockName.PROGRESS) if assignment.lead else None
        case.record(EventKind.PROGRESS_REPORTED, self.by, at, clock=clock, unit=assignment.unit, note=self.note)
        if clock is not None:
            case.stop(ClockName.PROGRESS)
            case.start(ClockName.PROGRESS, at, unit=assignment.unit)

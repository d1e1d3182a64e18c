"""挂账: a matter that cannot be solved now is put off until a date, with the supervisor's approval (our decision)."""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from domain.clock import Clock
from domain.command import Command
from domain.deadlines import working_days_left
from domain.events import EventKind, Request, Status
from domain.limits import Limit
from domain.refusals import Refused
from domain.rulebook import ClockName
from domain.steps.dispatch import pending
from domain.steps.returns import decided

if TYPE_CHECKING:
    from domain.case import Case


class RequestSuspension(Command):
    """Ask to put the matter off, with the reason; `until` is the last local day of the suspension."""

    step: ClassVar[str] = "request-suspension"

    note: str
    until: date

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.HANDLING)
        assignment = case.require_lead(self.by.unit)
        if case.request is not None:
            raise pending(case)
        clock = case.clock(ClockName.HANDLING)
        assert clock is not None, "a case in handling has a handling clock"
        if at >= clock.due:
            raise Refused("limit_passed", on=case.day(clock.due))
        today = at.astimezone(ZoneInfo(case.rulebook.days.zone)).date()
        if not 1 <= (self.until - today).days <= case.rulebook.suspension.max_days:
            raise Refused("suspension_date", days=case.rulebook.suspension.max_days, until=self.until)
        end = _end_of(self.until, case)
        case.request = Request(kind="suspension", unit=assignment.unit, at=at, until=end)
        case.record(
            EventKind.SUSPENSION_REQUESTED, self.by, at, clock=clock, unit=assignment.unit, note=self.note, until=end
        )
        case.start(ClockName.DECISION, at)


class DecideSuspension(Command):
    """Approve or refuse. Approved, every clock stands still until the date or until somebody resumes the case."""

    step: ClassVar[str] = "decide-suspension"

    granted: bool

    def take(self, case: "Case", at: datetime) -> None:
        request = decided(case, "suspension")
        decision = case.stop(ClockName.DECISION)
        if not self.granted:
            case.record(EventKind.SUSPENSION_REFUSED, self.by, at, clock=decision, unit=request.unit, note=self.note)
            return
        assert request.until is not None, "a suspension request carries its date"
        handling = case.stop(ClockName.HANDLING)
        assert handling is not None, "a case with a suspension request has a handling clock"
        # A matter taken up again on its last day is given one more: nobody can finish at the moment of resuming.
        left = max(1, working_days_left(at, handling.due, case.rulebook.days, case.calendar))
        handling.limits, handling.fixed = [Limit(amount=left, unit="wd")], True
        case.status, case.paused = Status.SUSPENDED, handling
        case.record(
            EventKind.SUSPENSION_GRANTED, self.by, at, clock=decision, unit=request.unit, note=self.note,
            until=request.until, days_left=left,
        )  # fmt: skip
        until = max(request.until, at)
        case.clocks = [
            *(clock for clock in case.clocks if clock.name is ClockName.SIGN_IN),
            Clock(
                name=ClockName.SUSPENSION, unit=request.unit, started=at, limits=[], due=until, next_at=until
            ),
        ]  # fmt: skip


class Resume(Command):
    """Take a suspended matter up before its date."""

    step: ClassVar[str] = "resume"

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.SUSPENDED)
        case.take_up_again(self.by, at, note=self.note)


def _end_of(day: date, case: "Case") -> datetime:
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(case.rulebook.days.zone))
    return midnight.astimezone(ZoneInfo("UTC"))

"""签收: a unit takes its order, within 4 working days of dispatch (细则 no. 2), an hour in an outage (our value)."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Status
from domain.refusals import Refused
from domain.rulebook import ClockName
from domain.steps.dispatch import pending

if TYPE_CHECKING:
    from domain.case import Case


class SignIn(Command):
    """Take the order. The lead unit's sign-in starts the handling clock (where the rulebook says so)."""

    step: ClassVar[str] = "sign-in"

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED)
        assignment = case.assignment(self.by.unit)
        if assignment.signed_in_at is not None:
            name, on = case.name_of(assignment.unit), case.day(assignment.signed_in_at)
            raise Refused("already_signed_in", unit=assignment.unit, unit_zh=name, on=on)
        if case.request is not None and case.request.unit == self.by.unit:
            raise pending(case)
        assignment.signed_in_at = at
        clock = case.stop(ClockName.SIGN_IN, assignment.unit)
        case.record(
            EventKind.SIGNED_IN, self.by, at, clock=clock, unit=assignment.unit, note=self.note, lead=assignment.lead
        )
        if assignment.lead:
            case.status = Status.HANDLING
            case.start_handling(at)

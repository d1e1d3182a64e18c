"""退单: an order that is not the unit's business, with a reason, decided by the dispatcher; none after arbitration."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.deadlines import due_at
from domain.events import EventKind, Request, Status
from domain.refusals import Refused
from domain.rulebook import ClockName
from domain.steps.dispatch import pending
from domain.words import REQUEST

if TYPE_CHECKING:
    from domain.case import Case


class RequestReturn(Command):
    """Ask to give the order back, with the reason, before sign-in and within the return window.

    The sign-in clock stands still while the hotline decides.
    """

    step: ClassVar[str] = "request-return"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.DISPATCHED, Status.HANDLING)
        assignment = case.assignment(self.by.unit)
        if not assignment.lead:
            raise Refused("not_the_lead", lead=case.lead, lead_zh=case.name_of(case.lead))
        if assignment.signed_in_at is not None:
            name, on = case.name_of(assignment.unit), case.day(assignment.signed_in_at)
            raise Refused("return_after_sign_in", unit=assignment.unit, unit_zh=name, on=on)
        if case.arbitrated_at is not None:
            raise Refused("return_after_arbitration", on=case.day(case.arbitrated_at))
        if case.request is not None:
            raise pending(case)
        window, _ = due_at(assignment.dispatched_at, case.rulebook.returns.window, case.rulebook.days, case.calendar)
        if at >= window:
            raise Refused("return_window_over", on=case.day(window))
        clock = case.stop(ClockName.SIGN_IN, assignment.unit)
        case.request = Request(kind="return", unit=assignment.unit, at=at)
        case.record(EventKind.RETURN_REQUESTED, self.by, at, clock=clock, unit=assignment.unit, note=self.note)
        case.start(ClockName.DECISION, at)


class DecideReturn(Command):
    """Decide who is responsible. Accepted, the case waits for a new dispatch; refused, the unit signs in anew.

    Either way this is the arbitration: no unit may return the order again (潍坊 art. 22).
    """

    step: ClassVar[str] = "decide-return"

    accepted: bool

    def take(self, case: "Case", at: datetime) -> None:
        request = decided(case, "return")
        clock = case.stop(ClockName.DECISION)
        case.arbitrated_at = at
        if self.accepted:
            recalled = [a.unit for a in case.assignments if not a.lead]
            case.record(
                EventKind.RETURN_ACCEPTED,
                self.by,
                at,
                clock=clock,
                unit=request.unit,
                note=self.note,
                recalled=recalled,
            )
            _back_to_the_dispatcher(case, at)
        else:
            case.return_refused = request.unit
            case.record(EventKind.RETURN_REFUSED, self.by, at, clock=clock, unit=request.unit, note=self.note)
            case.start(ClockName.SIGN_IN, at, unit=request.unit)


def decided(case: "Case", kind: str) -> Request:
    """Take the waiting request of that kind off the case; refuses when there is none."""
    request = case.request
    if request is None or request.kind != kind:
        raise Refused("nothing_to_decide", request=kind, request_zh=REQUEST[kind])
    case.request = None
    return request


def _back_to_the_dispatcher(case: "Case", at: datetime) -> None:
    case.status, case.assignments, case.clocks = Status.RETURNED, [], []
    case.start(ClockName.DISPATCH, at)

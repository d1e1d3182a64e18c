"""受理审核: what the hotline does not accept, with what the citizen is told to do instead (细则, 受理范围)."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Outcome, Status
from domain.refusals import Refused
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


class Reject(Command):
    """Do not accept the request, on one of the rulebook's nine grounds; the citizen is sent the ground's guidance."""

    step: ClassVar[str] = "reject"

    ground: str

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.RECEIVED, Status.RETURNED)
        if self.ground not in case.rulebook.grounds:
            raise Refused("unknown_ground", known=", ".join(sorted(case.rulebook.grounds)))
        clock = case.stop(ClockName.DISPATCH)
        case.record(EventKind.REJECTED, self.by, at, clock=clock, note=self.note, ground=self.ground)
        case.close(Outcome.REJECTED, self.by, at)

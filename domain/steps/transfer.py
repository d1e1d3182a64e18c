"""一键转接: emergencies belong to 110, 119 and 120 (实践, linked hotlines)."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from domain.command import Command
from domain.events import EventKind, Outcome, Status
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


class Transfer(Command):
    """Hand the request over to an emergency line; the case ends here."""

    step: ClassVar[str] = "transfer"

    to: Literal["110", "119", "120"]

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.RECEIVED, Status.RETURNED)
        clock = case.stop(ClockName.DISPATCH)
        case.record(EventKind.TRANSFERRED, self.by, at, clock=clock, note=self.note, to=self.to)
        case.close(Outcome.TRANSFERRED, self.by, at)

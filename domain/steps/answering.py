"""当即答复: what can be answered at once is, without an order (细则 no. 1); the text goes to the citizen."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Outcome, Status
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


class Answer(Command):
    """Answer the citizen at once; `note` is the answer."""

    step: ClassVar[str] = "answer"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.RECEIVED, Status.RETURNED)
        clock = case.stop(ClockName.DISPATCH)
        case.record(EventKind.ANSWERED, self.by, at, clock=clock, note=self.note)
        case.close(Outcome.ANSWERED, self.by, at)

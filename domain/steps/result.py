"""反馈结果: the lead unit answers the citizen and reports; the callback clock starts (细则 no. 7)."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Status
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


class SubmitResult(Command):
    """Report what was done; `note` is the answer to the citizen. A waiting extension or suspension request lapses."""

    step: ClassVar[str] = "submit-result"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.HANDLING)
        assignment = case.require_lead(self.by.unit)
        clock = case.stop(ClockName.HANDLING)
        case.clocks, case.request, case.attempts = [], None, 0
        case.record(
            EventKind.RESULT_SUBMITTED, self.by, at, clock=clock, unit=assignment.unit, note=self.note,
            round=case.rework_rounds,
        )  # fmt: skip
        case.call_back(at)

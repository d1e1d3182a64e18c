"""核准办结: a supervisor ends a case that cannot end by itself, with a reason."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import Outcome

if TYPE_CHECKING:
    from domain.case import Case


class Close(Command):
    """End the case by decision; `note` is the reason."""

    step: ClassVar[str] = "close"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.close(Outcome.DECIDED, self.by, at, note=self.note)

"""监测恢复: what sensors had reported is over; a proactive case to which nobody has gone yet ends by itself."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Outcome

if TYPE_CHECKING:
    from domain.case import Case


class NoteRecovery(Command):
    """All assets of the case are well again. Once a unit or the grid has signed in it is theirs to end; they hear."""

    step: ClassVar[str] = "note-recovery"

    def take(self, case: "Case", at: datetime) -> None:
        nobody_went = not (
            case.grid_signed_in_at
            or case.escalated_to
            or case.transfer
            or any(part.signed_in_at for part in case.assignments)
        )
        case.record(EventKind.RECOVERED, self.by, at, unit=case.lead, closes=nobody_went)
        if nobody_went:
            case.close(Outcome.RECOVERED, self.by, at)

"""上门: a unit's visit to the citizen's home, before its result or after it (100% 上门服务, 100% 投诉上门回访, 003)."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Status

if TYPE_CHECKING:
    from domain.case import Case

FROM_ORDER_TO_CLOSING = (Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED, Status.CALLBACK)


class RecordVisit(Command):
    """Say that somebody of the unit was at the citizen's home. No limit moves for it."""

    step: ClassVar[str] = "record-visit"

    def take(self, case: "Case", at: datetime) -> None:
        case.require(*FROM_ORDER_TO_CLOSING)
        unit = case.assignment(self.by.unit).unit
        case.record(EventKind.VISITED, self.by, at, unit=unit, note=self.note)

"""诉求人的操作: the citizen adds to the request, hurries it, or takes it back; any time before it is closed."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Outcome

if TYPE_CHECKING:
    from domain.case import Case


class Supplement(Command):
    """Add to the request; the units that have it are told."""

    step: ClassVar[str] = "supplement"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.record(EventKind.SUPPLEMENTED, self.by, at, unit=case.lead, note=self.note)


class Hurry(Command):
    """催办: press for an answer; the units that have it are told. No limit moves."""

    step: ClassVar[str] = "hurry"

    def take(self, case: "Case", at: datetime) -> None:
        case.hurries += 1
        case.record(EventKind.HURRIED, self.by, at, unit=case.lead, note=self.note, times=case.hurries)


class Withdraw(Command):
    """Take the request back; the case ends and the units that have it are told."""

    step: ClassVar[str] = "withdraw"

    def take(self, case: "Case", at: datetime) -> None:
        case.record(EventKind.WITHDRAWN, self.by, at, unit=case.lead, note=self.note)
        case.close(Outcome.WITHDRAWN, self.by, at)

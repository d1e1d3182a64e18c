"""一键转接: what is another hotline's or platform's business goes there, and comes back if it is refused (实践)."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import StringConstraints

from domain.command import Command
from domain.events import EventKind, Handover, Outcome, Status
from domain.limits import Limit
from domain.refusals import Refused
from domain.roles import Actor, Role
from domain.rulebook import ClockName, Frozen

if TYPE_CHECKING:
    from domain.case import Case

PartnerCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
_SIGN = r"[\w\u4e00-\u9fff（）()〔〕\[\]/.#-]"
FOREIGN = rf"[0-9A-Za-z-]+|{_SIGN}*[0-9]{_SIGN}*"
"""How others number their cases: 郑公（2026）117号, but no name alone."""

ForeignNumber = Annotated[str, StringConstraints(pattern=f"^({FOREIGN})$", max_length=40)]


class Terms(Frozen):
    """What the city's files say of the partner on the day."""

    name: str
    within: Limit | None = None
    """How soon the partner acknowledges."""


class Transfer(Command):
    """Offer the request to another hotline or platform. The hotline stays responsible until that one has taken it.

    Without `terms`, as it was recorded before partners acknowledged, the case ends at once.
    """

    step: ClassVar[str] = "transfer"

    to: PartnerCode
    terms: Terms | None = None

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.RECEIVED, Status.RETURNED)
        if self.terms is None:
            clock = case.stop(ClockName.DISPATCH)
            case.record(EventKind.TRANSFERRED, self.by, at, clock=clock, note=self.note, to=self.to)
            case.close(Outcome.TRANSFERRED, self.by, at)
            return
        case.names = case.names | {self.to: self.terms.name}
        case.transfer = Handover(to=self.to, at=at, was=case.status)
        case.status = Status.TRANSFERRING
        case.record(EventKind.TRANSFER_REQUESTED, self.by, at, note=self.note, to=self.to)
        if self.terms.within is not None:
            case.start(ClockName.ACKNOWLEDGEMENT, at, limits=[self.terms.within])


class AcknowledgeTransfer(Command):
    """The partner has taken the request over, perhaps under a number of its own; the case ends here.

    By the partner itself, or by whoever at the hotline heard it on the phone. The acknowledgement says whether the
    partner was late, the end of the case whether the hotline was.
    """

    step: ClassVar[str] = "acknowledge-transfer"

    number: ForeignNumber | None = None

    def take(self, case: "Case", at: datetime) -> None:
        handover = _waiting(case, self.by)
        clock, own = case.stop(ClockName.ACKNOWLEDGEMENT), case.stop(ClockName.DISPATCH)
        case.record(
            EventKind.TRANSFER_ACKNOWLEDGED, self.by, at, clock=clock, note=self.note, to=handover.to,
            number=self.number,
        )  # fmt: skip
        case.close(Outcome.TRANSFERRED, self.by, at, clock=own)


class RefuseTransfer(Command):
    """The partner does not take the request, with the reason; it is where it was, its limits as if it had never left.

    By the partner itself, or by whoever at the hotline heard it on the phone.
    """

    step: ClassVar[str] = "refuse-transfer"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        handover = _waiting(case, self.by)
        clock = case.stop(ClockName.ACKNOWLEDGEMENT)
        case.status, case.transfer = handover.was, None
        case.record(EventKind.TRANSFER_REFUSED, self.by, at, clock=clock, note=self.note, to=handover.to)


def _waiting(case: "Case", by: Actor) -> Handover:
    """The transfer that waits for its partner's answer; refuses another partner's."""
    case.require(Status.TRANSFERRING)
    assert case.transfer is not None, "a case that is being transferred goes to somebody"
    if by.role is Role.INTEGRATION and by.unit != case.transfer.to:
        raise Refused("not_your_transfer")
    return case.transfer

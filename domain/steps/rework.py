"""退回重办: a dissatisfied or unsolved answer goes back to its unit, a few rounds at most (济南 arts. 27-29)."""

from datetime import datetime
from typing import TYPE_CHECKING

from domain.events import EventKind, Status
from domain.roles import Actor
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


def order_rework(case: "Case", by: Actor, at: datetime) -> None:
    """Begin another round: the lead works anew, and a unit that has not signed in yet still has to."""
    case.rework_rounds += 1
    case.status = Status.HANDLING
    case.record(EventKind.REWORK_ORDERED, by, at, unit=case.lead, round=case.rework_rounds)
    case.start_handling(at)
    for part in case.assignments:
        if part.signed_in_at is None:
            case.start(ClockName.SIGN_IN, at, unit=part.unit)

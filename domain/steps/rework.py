"""退回重办: a dissatisfied or unsolved answer goes back to its unit, a few rounds at most (济南 arts. 27-29)."""

from datetime import datetime
from typing import TYPE_CHECKING

from domain.events import EventKind, Status
from domain.roles import Actor
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


def order_rework(case: "Case", by: Actor, at: datetime) -> None:
    """Begin another round: the lead works anew, and a unit that has not signed in yet still has to.

    After a grid's result that may be the lead itself: then it stands where it stood, with all its limits before it.
    """
    case.rework_rounds += 1
    case.resolved_by_grid = None
    case.record(EventKind.REWORK_ORDERED, by, at, unit=case.lead, round=case.rework_rounds)
    if case.assignment(case.lead).signed_in_at is not None:
        case.status = Status.HANDLING
        case.start_handling(at)
    else:
        case.status = Status.DISPATCHED
        if case.rulebook.clocks.handling.starts != "sign_in":
            case.start(ClockName.HANDLING, at, unit=case.lead)
    for part in case.assignments:
        if part.signed_in_at is None:
            case.start(ClockName.SIGN_IN, at, unit=part.unit)

"""退回重办: a dissatisfied or unsolved answer goes back to its unit, a few rounds at most (济南 arts. 27-29)."""

from datetime import datetime
from typing import TYPE_CHECKING

from domain.escalation import escalate
from domain.events import EventKind, Outcome, Status
from domain.roles import Actor
from domain.rulebook import Action, ClockName

if TYPE_CHECKING:
    from domain.case import Case


def judge(case: "Case", by: Actor, at: datetime, *, rating: int, solved: bool, contacted: bool) -> None:
    """Close a case the citizen is content with; send any other back, and after the last round hand it to inspection."""
    if not contacted and not solved:
        escalate(case, Action.DISCIPLINE_REFERRAL, at, unit=case.lead, situation="formal_closing")
    if solved and rating > case.rulebook.callback.dissatisfied_at_most:
        case.close(Outcome.RESOLVED, by, at)
    elif case.rework_rounds < case.rulebook.rework.rounds:
        _rework(case, by, at)
    else:
        _no_more_rounds(case, by, at, solved=solved)


def _rework(case: "Case", by: Actor, at: datetime) -> None:
    case.rework_rounds += 1
    case.status = Status.HANDLING
    case.record(EventKind.REWORK_ORDERED, by, at, unit=case.lead, round=case.rework_rounds)
    case.start_handling(at)
    for part in case.assignments:
        if part.signed_in_at is None:
            case.start(ClockName.SIGN_IN, at, unit=part.unit)


def _no_more_rounds(case: "Case", by: Actor, at: datetime, *, solved: bool) -> None:
    escalate(case, Action.GOVERNMENT_INSPECTION, at, unit=case.lead)
    situation = "dissatisfied" if solved else "repeated_rework"
    escalate(case, Action.DISCIPLINE_REFERRAL, at, unit=case.lead, situation=situation)
    case.close(Outcome.UNRESOLVED, by, at)

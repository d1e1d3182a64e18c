"""满意度判定: what the citizen's rating decides: the case closes, goes back, or to inspection (济南 arts. 27-29)."""

from datetime import datetime
from typing import TYPE_CHECKING

from domain.escalation import escalate
from domain.events import Outcome
from domain.roles import Actor
from domain.rulebook import Action
from domain.steps.rework import order_rework

if TYPE_CHECKING:
    from domain.case import Case


def judge(case: "Case", by: Actor, at: datetime, *, rating: int, solved: bool, contacted: bool) -> None:
    """Close a case the citizen is content with; send any other back, and after the last round hand it to inspection.

    An answer that was neither solved nor preceded by any contact is also referred as a formal closing.
    """
    if not contacted and not solved:
        escalate(case, Action.DISCIPLINE_REFERRAL, at, unit=case.answered_by, situation="formal_closing")
    if solved and rating > case.rulebook.callback.dissatisfied_at_most:
        case.close(Outcome.RESOLVED, by, at)
    elif case.rework_rounds < case.rulebook.rework.rounds:
        order_rework(case, by, at)
    else:
        _no_more_rounds(case, by, at, solved=solved)


def _no_more_rounds(case: "Case", by: Actor, at: datetime, *, solved: bool) -> None:
    escalate(case, Action.GOVERNMENT_INSPECTION, at, unit=case.answered_by)
    situation = "dissatisfied" if solved else "repeated_rework"
    escalate(case, Action.DISCIPLINE_REFERRAL, at, unit=case.answered_by, situation=situation)
    case.close(Outcome.UNRESOLVED, by, at)

"""The ladder of each clock: reminders, cards, supervision, inspection. Which rungs there are, the rulebook says."""

from datetime import datetime
from typing import TYPE_CHECKING

from domain.events import EventKind
from domain.roles import ENGINE
from domain.rulebook import Action, ClockName

if TYPE_CHECKING:
    from domain.case import Case
    from domain.clock import Clock


def fire(case: "Case", clock: "Clock", at: datetime) -> None:
    """Let the clock's next instant come: fire its rung, stamped with when it was due and when it happened (UTC)."""
    if clock.name is ClockName.SUSPENSION:
        case.take_up_again(ENGINE, at)
        return
    rung = clock.next_rung(case.rulebook)
    due = clock.next_at
    assert rung is not None, "a clock that has climbed its whole ladder has no next instant"
    assert due is not None
    situation = _situation(case, clock, rung.situation)
    if situation is None or _first_referral(case, situation, clock.unit):
        case.record(
            EventKind.ESCALATED, ENGINE, at, clock=clock, due=due, action=rung.action, to=rung.to, situation=situation,
            limit_due=clock.due,
        )  # fmt: skip
    if rung.action is Action.RED and clock.name not in case.breaches:
        case.breaches = [*case.breaches, clock.name]
    clock.advance(case.rulebook, case.calendar)
    if clock.next_at is None and clock.name is ClockName.PROGRESS:
        case.renew_progress(clock)


def escalate(case: "Case", action: Action, at: datetime, *, unit: str | None, situation: str | None = None) -> None:
    """Supervise outside any clock, such as after the last round of rework; a situation is referred once per unit."""
    if situation is None or _first_referral(case, situation, unit):
        case.record(EventKind.ESCALATED, ENGINE, at, unit=unit, action=action, to="unit", situation=situation)


def _situation(case: "Case", clock: "Clock", situation: str | None) -> str | None:
    """A more telling situation takes the place of the clock's own."""
    if situation == "handling_overdue" and clock.extended:
        return "extension_overdue"
    if situation == "sign_in_overdue" and clock.unit == case.return_refused:
        return "groundless_return"
    return situation


def _first_referral(case: "Case", situation: str, unit: str | None) -> bool:
    key = f"{situation}:{unit or 'hotline'}"
    if key in case.referrals:
        return False
    case.referrals = [*case.referrals, key]
    return True

"""延期: once, asked before the limit, decided by the hotline, at most the original limit again (细则 no. 6)."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Request, Status
from domain.limits import Limit
from domain.refusals import Refused
from domain.rulebook import ClockName
from domain.steps.dispatch import pending
from domain.steps.returns import decided

if TYPE_CHECKING:
    from domain.case import Case


class RequestExtension(Command):
    """Ask for more time, with the reason. `limit` in working days; without it, the original limit again."""

    step: ClassVar[str] = "request-extension"

    note: str
    limit: Limit | None = None

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.HANDLING)
        assignment = case.require_lead(self.by.unit)
        if case.extended_at is not None:
            raise Refused("extension_used", on=case.day(case.extended_at))
        if case.extension_refused_at is not None:
            raise Refused("extension_refused_before", on=case.day(case.extension_refused_at))
        if case.request is not None:
            raise pending(case)
        clock = case.clock(ClockName.HANDLING)
        assert clock is not None, "a case in handling has a handling clock"
        if at >= clock.due:
            raise Refused("limit_passed", on=case.day(clock.due))
        limit = self.limit or case.limits_of(ClockName.HANDLING)[0]
        _check_length(case, limit)
        case.request = Request(kind="extension", unit=assignment.unit, at=at, limit=limit)
        case.record(
            EventKind.EXTENSION_REQUESTED,
            self.by,
            at,
            clock=clock,
            unit=assignment.unit,
            note=self.note,
            limit=str(limit),
        )
        case.start(ClockName.DECISION, at)


class DecideExtension(Command):
    """Grant or refuse. Granted, the handling clock runs on from the old due instant and the citizen is told why.

    `limit` in working days may be shorter than asked. Refused, what has lapsed while the ladder waited fires now.
    """

    step: ClassVar[str] = "decide-extension"

    granted: bool
    limit: Limit | None = None

    def take(self, case: "Case", at: datetime) -> None:
        request = decided(case, "extension")
        decision = case.stop(ClockName.DECISION)
        if not self.granted:
            case.extension_refused_at = at
            case.record(EventKind.EXTENSION_REFUSED, self.by, at, clock=decision, unit=request.unit, note=self.note)
            return
        limit = self.limit or request.limit
        assert limit is not None, "an extension request carries its limit"
        _check_length(case, limit)
        clock = case.clock(ClockName.HANDLING)
        assert clock is not None, "a case with an extension request has a handling clock"
        was = clock.due
        clock.extend(limit, case.rulebook, case.calendar)
        case.extended_at = at
        case.record(
            EventKind.EXTENSION_GRANTED, self.by, at, clock=decision, unit=request.unit, note=self.note,
            limit=str(limit), was=was, now=clock.due,
        )  # fmt: skip


def _check_length(case: "Case", limit: Limit) -> None:
    most = case.limits_of(ClockName.HANDLING)[0]
    if limit.unit != most.unit or not 1 <= limit.amount <= most.amount:
        raise Refused("extension_too_long", most=most, most_zh=most.text, asked=limit, asked_zh=limit.text)

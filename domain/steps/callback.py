"""回访与评价: within 3 working days of the result, several attempts; five levels, solved, contacted (细则 no. 7)."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from domain.command import Command
from domain.events import EventKind, Outcome, Status
from domain.refusals import Refused
from domain.rulebook import ClockName
from domain.steps.judgement import judge

if TYPE_CHECKING:
    from domain.case import Case

Rating = Annotated[int, Field(ge=1, le=5)]
"""5 very satisfied … 1 very dissatisfied."""


_QUESTIONS = {"rating": "五级评价", "solved": "是否解决", "contacted": "是否联系"}


class CallBack(Command):
    """One attempt to reach the citizen. Reached, it carries the rating; after the last attempt the case closes."""

    step: ClassVar[str] = "call-back"

    reached: bool
    rating: Rating | None = None
    solved: bool | None = None
    contacted: bool | None = None

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.CALLBACK)
        answers = {"rating": self.rating, "solved": self.solved, "contacted": self.contacted}
        if not self.reached:
            if any(answer is not None for answer in answers.values()):
                raise Refused("rating_unreached")
            _not_reached(case, self, at)
            return
        if missing := [name for name, answer in answers.items() if answer is None]:
            missing_zh = "、".join(_QUESTIONS[name] for name in missing)
            raise Refused("rating_incomplete", missing=", ".join(missing), missing_zh=missing_zh)
        assert self.rating is not None
        case.attempts += 1
        clock = case.stop(ClockName.CALLBACK)
        case.record(
            EventKind.CALLED_BACK, self.by, at, clock=clock, unit=case.answered_by, note=self.note, reached=True,
            attempt=case.attempts, rating=self.rating, solved=self.solved, contacted=self.contacted,
        )  # fmt: skip
        judge(case, self.by, at, rating=self.rating, solved=bool(self.solved), contacted=bool(self.contacted))


class Rate(Command):
    """The citizen's own rating, by the invitation in the text message; it stands in for the callback."""

    step: ClassVar[str] = "rate"

    rating: Rating
    solved: bool
    contacted: bool

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.CALLBACK)
        clock = case.stop(ClockName.CALLBACK)
        case.record(
            EventKind.RATED, self.by, at, clock=clock, unit=case.answered_by, note=self.note,
            rating=self.rating, solved=self.solved, contacted=self.contacted,
        )  # fmt: skip
        judge(case, self.by, at, rating=self.rating, solved=self.solved, contacted=self.contacted)


def _not_reached(case: "Case", command: CallBack, at: datetime) -> None:
    case.attempts += 1
    last = case.attempts >= case.rulebook.callback.attempts
    clock = case.stop(ClockName.CALLBACK) if last else case.clock(ClockName.CALLBACK)
    case.record(
        EventKind.CALLED_BACK, command.by, at, clock=clock, unit=case.answered_by, note=command.note, reached=False,
        attempt=case.attempts,
    )  # fmt: skip
    if last:
        case.close(Outcome.UNREACHABLE, command.by, at)

"""Names by which the engine's pieces call each other, and the messages that travel between them."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel

from domain.calendar import WorkCalendar
from domain.case import Case, Opening
from domain.effects import Effect
from domain.events import Outcome, Status
from domain.rulebook import ClockName, Rulebook
from domain.steps.dispatch import Dispatch

CASE: Final = "Case"
"""Workflow type of a case; its id is the case number."""

SWEEP: Final = "Sweep"
"""Workflow type of a shift of the sweep."""

FOLLOW: Final = "Follow"
"""Workflow type of an order's life at a unit that does not report by itself."""

UNENCRYPTED: Final = "unencrypted"
"""Metadata of a payload that came to us unencrypted: nobody of ours sent it."""

KEEP_SWEEPING: Final = "keep_sweeping"
"""Name of the activity that carries out a shift."""

SHIFT: Final = timedelta(hours=1)
"""How long a shift of the sweep lasts, and how often the Schedule starts one."""


class Taken(BaseModel):
    """The engine's answer to a step that was accepted."""

    number: str
    event: int
    """Number of the last event it caused."""
    status: Status
    outcome: Outcome | None
    due: datetime | None
    """When the nearest limit ends, UTC."""
    due_clock: ClockName | None
    provisional: bool


class Followed(BaseModel):
    """An order to be followed, and the task queue on which its unit's system is asked."""

    order: Effect
    queue: str


class CaseInput(BaseModel):
    """What a case is started with: its opening, and the rules and calendar it keeps for life.

    The rest carries a long case over when its history is continued in a new run.
    """

    opening: Opening
    rulebook: Rulebook
    calendar: WorkCalendar
    dispatch: Dispatch | None = None
    """The engine's own dispatch of a case that waits for no dispatcher."""
    state: Case | None = None
    story: list[str] = []
    answers: dict[str, Taken] = {}
    """Latest answers by update id: a caller who repeats a step after the change of runs gets the first answer."""

"""网格办理: a grid's own people sign in, report, resolve on the spot or pass it up (实践, 网格全程办; 上报转单, 000).

They work beside the units: no limit of a unit starts, stands still or ends by what a grid does, but for a result on the
spot before the lead unit has signed in, which goes to the callback as a unit's result does.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.command import Command
from domain.events import EventKind, Status
from domain.refusals import Refused

if TYPE_CHECKING:
    from domain.case import Case

GridCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
Photos = Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")], ...], Field(max_length=20)]
"""Files attached to the case, by SHA-256."""

AT_WORK = (Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED)


class GridSignIn(Command):
    """Take the case up for the grid."""

    step: ClassVar[str] = "grid-sign-in"

    def take(self, case: "Case", at: datetime) -> None:
        case.require(*AT_WORK)
        grid = _own(case, self.by.unit)
        if case.grid_signed_in_at is not None:
            on = case.day(case.grid_signed_in_at)
            raise Refused("already_signed_in", unit=grid, unit_zh=case.name_of(grid), on=on)
        case.grid_signed_in_at = at
        case.record(EventKind.GRID_SIGNED_IN, self.by, at, unit=grid, note=self.note)


class GridReport(Command):
    """Tell what was found or done there, with photographs; the units that have the case are told."""

    step: ClassVar[str] = "grid-report"

    note: str
    photos: Photos = ()

    def take(self, case: "Case", at: datetime) -> None:
        case.require(*AT_WORK)
        grid = _signed_in(case, self.by.unit)
        case.record(EventKind.GRID_REPORTED, self.by, at, unit=grid, note=self.note, photos=list(self.photos))


class GridResolve(Command):
    """Resolve the request on the spot, before the lead unit has signed in; `note` is the answer to the citizen.

    The case waits for the callback, and the units are told. If the citizen is not content, the lead unit handles it.
    """

    step: ClassVar[str] = "grid-resolve"

    note: str
    photos: Photos = ()

    def take(self, case: "Case", at: datetime) -> None:
        case.require(*AT_WORK)
        grid = _signed_in(case, self.by.unit)
        if case.status is not Status.DISPATCHED:
            signed = case.day(case.assignment(case.lead).signed_in_at)
            raise Refused("unit_at_work", unit=case.lead, unit_zh=case.name_of(case.lead), on=signed)
        if case.rework_rounds:
            raise Refused("unit_to_rework", unit=case.lead, unit_zh=case.name_of(case.lead))
        case.clocks, case.request, case.attempts = [], None, 0
        case.resolved_by_grid = grid
        case.record(EventKind.GRID_RESOLVED, self.by, at, unit=grid, note=self.note, photos=list(self.photos))
        case.call_back(at)


class GridEscalate(Command):
    """上报转单: pass the case up to the grid above, with the reason; it and the units are told."""

    step: ClassVar[str] = "grid-escalate"

    note: str

    def take(self, case: "Case", at: datetime) -> None:
        case.require(*AT_WORK)
        grid = _own(case, self.by.unit)
        if not case.grids_above:
            raise Refused("no_grid_above", grid=grid, grid_zh=case.name_of(grid))
        case.escalated_to, *case.grids_above = case.grids_above
        case.grid_signed_in_at = None
        case.record(EventKind.GRID_ESCALATED, self.by, at, unit=grid, note=self.note, to=case.escalated_to)


class AssignGrid(Command):
    """指定网格: say in which grid it is, where neither position nor address did or they were wrong."""

    step: ClassVar[str] = "assign-grid"

    grid: GridCode
    lineage: dict[GridCode, str] = Field(default_factory=dict)
    """The grid and those above it, nearest first: code and what people call it."""

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.RECEIVED, Status.RETURNED, *AT_WORK)
        was = case.at_grid
        if self.grid == was:
            raise Refused("nothing_changes")
        case.grid, case.escalated_to, case.grid_signed_in_at = self.grid, None, None
        case.grids_above = [code for code in self.lineage if code != self.grid]
        case.names = case.names | self.lineage
        case.record(EventKind.GRID_ASSIGNED, self.by, at, unit=self.grid, note=self.note, was=was)


def _own(case: "Case", grid: str | None) -> str:
    """The grid that has the case, if it is the actor's."""
    if grid is None or grid != case.at_grid:
        raise Refused("not_your_grid")
    return grid


def _signed_in(case: "Case", grid: str | None) -> str:
    own = _own(case, grid)
    if case.grid_signed_in_at is None:
        raise Refused("not_signed_in", unit=own, unit_zh=case.name_of(own))
    return own

"""How the units' commitments stand in one case, read from all its events."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from domain.commitments import Commitment, Deed, Start
from domain.events import EventKind, Outcome
from domain.units import Unit

State = Literal["met", "missed", "running", "dropped"]
End = Literal["finished", "dropped", "void"]

DEEDS: dict[Deed, frozenset[str]] = {
    "answer": frozenset(
        {
            EventKind.SIGNED_IN,
            EventKind.RETURN_REQUESTED,
            EventKind.OPINION_GIVEN,
            EventKind.PROGRESS_REPORTED,
            EventKind.VISITED,
            EventKind.RESULT_SUBMITTED,
        }
    ),
    "clear": frozenset({EventKind.RESULT_SUBMITTED}),
    "visit": frozenset({EventKind.VISITED}),
}
"""What of a unit's doings keeps a commitment; nothing that a grid does."""

RELEVANT = frozenset.union(
    *DEEDS.values(),
    {
        EventKind.RECEIVED,
        EventKind.RECLASSIFIED,
        EventKind.DISPATCHED,
        EventKind.REDISPATCHED,
        EventKind.RETURN_ACCEPTED,
        EventKind.REWORK_ORDERED,
        EventKind.GRID_RESOLVED,
        EventKind.CLOSED,
    },
)
"""The kinds of events from which commitments are read."""

LET_OFF = frozenset({Outcome.WITHDRAWN, Outcome.DECIDED})
"""Endings of a case that leave a unit no time to do what was not due yet."""


class CommitmentClock(BaseModel):
    """A commitment in one case. Instants are UTC."""

    model_config = ConfigDict(frozen=True)

    unit: str
    code: str
    name: str
    event: int
    """Number of the event it started with."""
    started: datetime
    due: datetime | None = Field(description="None: before the result, or before the closing.")
    state: State = Field(
        description="`missed` also when it was met too late; `dropped` when the order was taken back before it was due."
    )
    met_at: datetime | None = Field(description="When it was met, in time or not.")


class Happening(Protocol):
    """An event of a case, as the engine or the ledger has it."""

    @property
    def n(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def kind(self) -> str: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...


def clocks_of(
    events: Iterable[Happening], units: Mapping[str, Unit], zone: ZoneInfo, now: datetime
) -> list[CommitmentClock]:
    """The commitments of all units in one case, by all its events in order, as they stand at `now`."""
    course = _Course()
    for event in events:
        course.follow(event)
    return [
        _clock(commitment, stage, zone, now)
        for stage in course.stages
        if stage.unit in units
        for commitment in units[stage.unit].commitments
        if commitment.starts == stage.of and commitment.concerns(stage.category, stage.item, lead=stage.lead)
    ]


@dataclass
class _Stage:
    """A stretch in which a unit has something to keep."""

    of: Start
    event: int
    unit: str
    lead: bool
    began: datetime
    category: str
    item: str | None
    done: dict[Deed, datetime] = field(default_factory=dict)
    ended: datetime | None = None
    end: End | None = None


class _Course:
    """The stages of a case, one event after the other."""

    def __init__(self) -> None:
        self.stages: list[_Stage] = []
        self._category, self._item = "", None

    def follow(self, event: Happening) -> None:
        self._note(event)
        match event.kind:
            case EventKind.RECEIVED | EventKind.RECLASSIFIED:
                self._classify(event.facts)
            case EventKind.DISPATCHED | EventKind.REDISPATCHED:
                ordered = event.facts.get("ordered", ())
                self._end(event, "dropped", {*ordered, *event.facts.get("recalled", ())})
                for unit in ordered:
                    self._begin("order", event, unit, lead=unit == event.unit)
            case EventKind.RETURN_ACCEPTED:
                # It was never theirs: late or not, there was nothing to keep.
                self._end(event, "void", {event.unit})
                self._end(event, "dropped")
            case EventKind.RESULT_SUBMITTED:
                self._end(event, "finished", {event.unit})
                self._end(event, "dropped")
                self._begin("result", event, event.unit)
            case EventKind.REWORK_ORDERED:
                self._end(event, "dropped")
                self._begin("order", event, event.unit)
            case EventKind.GRID_RESOLVED:
                self._end(event, "dropped")
            case EventKind.CLOSED:
                self._end(event, "dropped" if event.facts.get("outcome") in LET_OFF else "finished")

    def _open(self) -> Iterator[_Stage]:
        return (stage for stage in self.stages if stage.ended is None)

    def _note(self, event: Happening) -> None:
        for stage in self._open():
            if stage.unit == event.unit:
                for deed, kinds in DEEDS.items():
                    if event.kind in kinds:
                        stage.done.setdefault(deed, event.at)

    def _classify(self, facts: Mapping[str, Any]) -> None:
        """Another matter brings other commitments, from the same beginning."""
        self._category, self._item = facts.get("category", ""), facts.get("item")
        for stage in self._open():
            stage.category, stage.item = self._category, self._item

    def _begin(self, of: Start, event: Happening, unit: str | None, *, lead: bool = True) -> None:
        if unit is not None:
            self.stages.append(_Stage(of, event.n, unit, lead, event.at, self._category, self._item))

    def _end(self, event: Happening, end: End, units: set[str | None] | None = None) -> None:
        for stage in self._open():
            if units is None or stage.unit in units:
                stage.ended, stage.end = event.at, end


def _clock(commitment: Commitment, stage: _Stage, zone: ZoneInfo, now: datetime) -> CommitmentClock:
    due, met_at = commitment.due(stage.began, zone), stage.done.get(commitment.met_by)
    return CommitmentClock(
        unit=stage.unit, code=commitment.code, name=commitment.name, event=stage.event, started=stage.began, due=due,
        state=_state(stage, due, met_at, now), met_at=met_at,
    )  # fmt: skip


def _state(stage: _Stage, due: datetime | None, met_at: datetime | None, now: datetime) -> State:
    if stage.end == "void":
        return "dropped"
    if due is not None and due <= (met_at or stage.ended or now):
        return "missed"
    if met_at is not None:
        return "met"
    if stage.end is None:
        return "running"
    return "missed" if stage.end == "finished" else "dropped"

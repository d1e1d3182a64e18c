"""What has happened to a case: the record from which people, ledger and effects work."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.limits import Limit
from domain.roles import Actor, Role
from domain.rulebook import Action, ClockName

ENGINE_GRACE = timedelta(minutes=1)
"""A timer is never exact: what the engine does by itself within this time of its instant is in time."""


class Status(StrEnum):
    """Where a case stands."""

    RECEIVED = "received"
    DISPATCHED = "dispatched"
    RETURNED = "returned"
    TRANSFERRING = "transferring"
    HANDLING = "handling"
    SUSPENDED = "suspended"
    CALLBACK = "callback"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a case ended."""

    REJECTED = "rejected"
    ANSWERED = "answered"
    TRANSFERRED = "transferred"
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"
    DECIDED = "decided"
    """Closed by a supervisor, with a reason."""
    RECOVERED = "recovered"
    """What sensors had reported was over before anybody was sent."""


class EventKind(StrEnum):
    """One word for each thing that can happen."""

    RECEIVED = "received"
    REJECTED = "rejected"
    ANSWERED = "answered"
    TRANSFERRED = "transferred"
    TRANSFER_REQUESTED = "transfer_requested"
    TRANSFER_ACKNOWLEDGED = "transfer_acknowledged"
    TRANSFER_REFUSED = "transfer_refused"
    DISPATCHED = "dispatched"
    REDISPATCHED = "redispatched"
    SIGNED_IN = "signed_in"
    RETURN_REQUESTED = "return_requested"
    RETURN_ACCEPTED = "return_accepted"
    RETURN_REFUSED = "return_refused"
    OPINION_GIVEN = "opinion_given"
    PROGRESS_REPORTED = "progress_reported"
    EXTENSION_REQUESTED = "extension_requested"
    EXTENSION_GRANTED = "extension_granted"
    EXTENSION_REFUSED = "extension_refused"
    SUSPENSION_REQUESTED = "suspension_requested"
    SUSPENSION_GRANTED = "suspension_granted"
    SUSPENSION_REFUSED = "suspension_refused"
    RESUMED = "resumed"
    VISITED = "visited"
    RESULT_SUBMITTED = "result_submitted"
    GRID_SIGNED_IN = "grid_signed_in"
    GRID_REPORTED = "grid_reported"
    GRID_RESOLVED = "grid_resolved"
    GRID_ESCALATED = "grid_escalated"
    GRID_ASSIGNED = "grid_assigned"
    CALLED_BACK = "called_back"
    RATED = "rated"
    REWORK_ORDERED = "rework_ordered"
    SUPPLEMENTED = "supplemented"
    HURRIED = "hurried"
    WITHDRAWN = "withdrawn"
    RECOVERED = "recovered"
    RECLASSIFIED = "reclassified"
    CALENDAR_CHANGED = "calendar_changed"
    DEADLINE_MOVED = "deadline_moved"
    ESCALATED = "escalated"
    EFFECT_FAILED = "effect_failed"
    RESENT = "resent"
    CLOSED = "closed"


class Event(BaseModel):
    """One thing that happened. Instants are UTC.

    `due` is the instant by which it should have happened, where a clock was running for it: for an escalation the
    instant at which its rung was due, for a step the limit it met or missed. `note` names a text kept in the ledger.
    """

    model_config = ConfigDict(frozen=True)

    n: int
    at: datetime
    kind: EventKind
    by: Actor
    unit: str | None = None
    clock: ClockName | None = None
    due: datetime | None = None
    provisional: bool = False
    action: Action | None = None
    note: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict)

    @property
    def late(self) -> bool:
        """Whether it came too late: a step at or after its limit's end, the engine's own a while after its instant."""
        return lateness(self.at, self.due, self.by.role) is not None


def lateness(at: datetime, due: datetime | None, role: str) -> timedelta | None:
    """How much too late something came that `role` did; None if it was in time or nothing was due."""
    grace = ENGINE_GRACE if role == Role.SYSTEM else timedelta()
    return None if due is None or at < due + grace else at - due


def late_seconds(at: datetime, due: datetime | None, role: str) -> int | None:
    """The same in whole seconds."""
    late = lateness(at, due, role)
    return None if late is None else int(late.total_seconds())


class Deadline(BaseModel):
    """The next instant (UTC) at which something must happen to a case, and why."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    clock: ClockName
    due: datetime
    provisional: bool
    unit: str | None = None
    action: Action | None = None
    """The rung that fires; None for the end of a suspension."""


class Summary(BaseModel):
    """A case at a glance, as the ledger lists it. Codes only, no personal data."""

    number: str
    status: Status
    outcome: Outcome | None = None
    category: str
    item: str | None = None
    outage: bool = False
    province: bool = False
    lead: str | None = None
    assisting: list[str] = Field(default_factory=list)
    grid: str | None = None
    due: datetime | None = None
    """When the nearest running limit ends (not its warnings), UTC."""
    due_clock: ClockName | None = None
    provisional: bool = False
    breaches: list[ClockName] = Field(default_factory=list)
    extended: bool = False
    rework_rounds: int = 0
    hurries: int = 0
    closed_at: datetime | None = None
    last_event: int


class Assignment(BaseModel):
    """A unit's part in a case."""

    unit: str
    lead: bool
    dispatched_at: datetime
    signed_in_at: datetime | None = None


class Handover(BaseModel):
    """A transfer to a partner: one that has taken the case over, or has yet to answer."""

    to: str
    at: datetime
    was: Status
    """Where the case stood, and stands again if the partner refuses."""


class Request(BaseModel):
    """Something a unit asked and the hotline has not yet decided."""

    kind: str
    """`return`, `extension` or `suspension`."""
    unit: str
    at: datetime
    until: datetime | None = None
    limit: Limit | None = None

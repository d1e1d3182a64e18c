"""Who acts, and who may take which step: one table, used by the API and printed by `jiesu roles`."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Role(StrEnum):
    """The posts around a hotline."""

    CITIZEN = "citizen"
    AGENT = "agent"
    DISPATCHER = "dispatcher"
    UNIT = "unit"
    GRID = "grid"
    CALLBACK = "callback"
    SUPERVISOR = "supervisor"
    INSPECTOR = "inspector"
    ADMIN = "admin"
    INTEGRATION = "integration"
    SYSTEM = "system"
    """The engine itself: timers and effects. Nobody signs in as it."""


class Actor(BaseModel):
    """Who took a step: a post, the name of the key or account (never a person's name), and the unit if any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    id: str
    unit: str | None = None


ENGINE = Actor(role=Role.SYSTEM, id="jiesu")

_R = Role

MAY: dict[str, frozenset[Role]] = {
    "receive": frozenset({_R.CITIZEN, _R.AGENT, _R.DISPATCHER, _R.GRID, _R.INTEGRATION, _R.ADMIN}),
    "reject": frozenset({_R.AGENT, _R.DISPATCHER}),
    "answer": frozenset({_R.AGENT, _R.DISPATCHER}),
    "transfer": frozenset({_R.AGENT, _R.DISPATCHER}),
    "acknowledge-transfer": frozenset({_R.AGENT, _R.DISPATCHER, _R.INTEGRATION}),
    "refuse-transfer": frozenset({_R.AGENT, _R.DISPATCHER, _R.INTEGRATION}),
    "dispatch": frozenset({_R.DISPATCHER}),
    "redispatch": frozenset({_R.DISPATCHER}),
    "resend": frozenset({_R.DISPATCHER}),
    "reclassify": frozenset({_R.AGENT, _R.DISPATCHER}),
    "sign-in": frozenset({_R.UNIT}),
    "request-return": frozenset({_R.UNIT}),
    "decide-return": frozenset({_R.DISPATCHER}),
    "give-opinion": frozenset({_R.UNIT}),
    "report-progress": frozenset({_R.UNIT}),
    "request-extension": frozenset({_R.UNIT}),
    "decide-extension": frozenset({_R.DISPATCHER, _R.SUPERVISOR}),
    "request-suspension": frozenset({_R.UNIT}),
    "decide-suspension": frozenset({_R.SUPERVISOR}),
    "resume": frozenset({_R.DISPATCHER, _R.SUPERVISOR}),
    "record-visit": frozenset({_R.UNIT}),
    "submit-result": frozenset({_R.UNIT}),
    "grid-sign-in": frozenset({_R.GRID}),
    "grid-report": frozenset({_R.GRID}),
    "grid-resolve": frozenset({_R.GRID}),
    "grid-escalate": frozenset({_R.GRID}),
    "assign-grid": frozenset({_R.AGENT, _R.DISPATCHER}),
    "call-back": frozenset({_R.CALLBACK}),
    "rate": frozenset({_R.CITIZEN}),
    "supplement": frozenset({_R.CITIZEN, _R.AGENT}),
    "hurry": frozenset({_R.CITIZEN, _R.AGENT}),
    "withdraw": frozenset({_R.CITIZEN, _R.AGENT}),
    "close": frozenset({_R.SUPERVISOR}),
    "attach": frozenset({_R.CITIZEN, _R.AGENT, _R.DISPATCHER, _R.UNIT, _R.GRID, _R.CALLBACK, _R.INTEGRATION}),
    "track": frozenset({_R.CITIZEN}),
    "read": frozenset(set(_R) - {_R.CITIZEN, _R.SYSTEM}),
    "read-personal": frozenset({_R.AGENT, _R.DISPATCHER, _R.UNIT, _R.GRID, _R.CALLBACK, _R.SUPERVISOR, _R.INSPECTOR}),
    "read-readers": frozenset({_R.INSPECTOR, _R.ADMIN}),
    "export": frozenset({_R.SUPERVISOR, _R.INSPECTOR}),
    "record-finding": frozenset({_R.INSPECTOR}),
    "read-findings": frozenset({_R.INSPECTOR}),
    "read-commitments": frozenset({_R.UNIT, _R.DISPATCHER, _R.SUPERVISOR, _R.INSPECTOR, _R.ADMIN}),
    "report-alert": frozenset({_R.INTEGRATION, _R.UNIT}),
    "read-alerts": frozenset({_R.AGENT, _R.DISPATCHER, _R.UNIT, _R.CALLBACK, _R.SUPERVISOR, _R.INSPECTOR, _R.ADMIN}),
    "read-refused": frozenset({_R.SUPERVISOR, _R.INSPECTOR, _R.ADMIN}),
    "read-systems": frozenset({_R.DISPATCHER, _R.SUPERVISOR, _R.INSPECTOR, _R.ADMIN}),
    "decode": frozenset({_R.SUPERVISOR, _R.INSPECTOR, _R.ADMIN}),
}
"""Step or reading → the roles that may. A citizen's part needs the code of the case besides.

`read` shows who has what to do, masked; `read-personal` also name, phone, address and words of the request, except to
the grid platform as a whole, which acts for no grid; `decode` opens a workflow's payloads in the Temporal Web UI, which
hold codes and no personal data.
"""


def may(role: Role, step: str) -> bool:
    """Whether `role` may take `step`; an unknown step is open to nobody."""
    return role in MAY.get(step, frozenset())


def permitted(actor: Actor, step: str) -> bool:
    """Whether this actor may take `step`: as their role, but the grid platform as a whole reads nothing personal."""
    platform = actor.role is Role.GRID and actor.unit is None
    return may(actor.role, step) and not (platform and step == "read-personal")

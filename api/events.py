"""Events of sensors (未诉先办): CloudEvents by HTTP, taken in durably before the answer is given."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.access import allowed
from api.problems import Problem, problems
from api.service import Jiesu, Service, now
from domain.alerts import Became
from domain.city import City
from domain.readings import BATCH, REASONS, STRUCTURED, BadEvent, Reading, read_events
from domain.roles import Actor, Role
from domain.tables import with_those_below
from ledger.alerts import take_in
from ledger.refused import note_refused
from temporal.proactive import follow_up

router = APIRouter(tags=["sensors"])

SOURCE = "events"
"""Under which refused events are counted and kept."""

EXAMPLE = {
    "specversion": "1.0",
    "id": "8c1f",
    "source": "/zz-water/noise",
    "type": "jiesu.alert.leak-noise",
    "subject": "ZS-0017",
    "time": "2026-11-22T08:00:00+08:00",
    "data": {"value": 48.5},
}
BODY = {
    "required": True,
    "content": {
        STRUCTURED: {"schema": {"type": "object"}, "example": EXAMPLE},
        BATCH: {"schema": {"type": "array", "items": {}}, "example": [EXAMPLE]},
        "application/json": {"schema": {"type": "object"}, "example": EXAMPLE["data"]},
    },
}


class EventTaken(BaseModel):
    """What became of one event."""

    model_config = ConfigDict(from_attributes=True)

    became: Became
    alert: int | None = Field(description="The alert it was counted to.")
    case: str | None = Field(description="The alert's proactive case, once it is confirmed.")
    opened: bool = Field(description="Whether that case was opened for it just now.")
    code: str | None = Field(description="Why it was refused.")
    detail: str | None
    detail_zh: str | None


class EventsTaken(BaseModel):
    """What became of each event, in their order."""

    events: list[EventTaken]


@router.post(
    "/events",
    summary="Take in alerts of sensors, as CloudEvents 1.0",
    openapi_extra={"requestBody": BODY},
    responses=problems(400, 413),
)
async def report(
    request: Request, actor: Annotated[Actor, Depends(allowed("report-alert"))], jiesu: Jiesu
) -> EventsTaken:
    """Structured JSON, a JSON batch of at most 500, or HTTP's binary mode (`ce-` headers, the data as body).

    `type` is `jiesu.alert.<kind>` or `jiesu.recovered.<kind>`, `subject` the code of the asset, and data, if any, an
    object with `value`, and `longitude` and `latitude` (WGS 84) of what moves. An event that alone is refused is
    answered 422; in a batch the answer says which. What is refused is counted and kept; a repetition changes nothing.
    """
    events, units = await _read(jiesu, request), units_of(actor, jiesu.city)
    outcomes = await jiesu.ledger.run(take_in, jiesu.city, events, now(), units=units, source=SOURCE)
    await follow_up(jiesu.client, jiesu.ledger, jiesu.city, jiesu.settings.task_queue, outcomes)
    if len(outcomes) == 1 and outcomes[0].code and not _is_batch(request):
        raise _problem(outcomes[0].code)
    return EventsTaken(events=[EventTaken.model_validate(outcome) for outcome in outcomes])


async def _read(jiesu: Service, request: Request) -> list[Reading | BadEvent]:
    try:
        return read_events(dict(request.headers), await request.body())
    except BadEvent as bad:
        await jiesu.ledger.run(note_refused, SOURCE, bad.code, bad.detail, bad.body, now())
        raise _problem(bad.code) from None


def units_of(actor: Actor, city: City) -> Collection[str] | None:
    """Whose assets the sender may speak for: a unit for its own and those of its sub-units."""
    if actor.role is not Role.UNIT:
        return None
    return with_those_below(actor.unit, city.units) if actor.unit else ()


def _is_batch(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith(BATCH)


def _problem(code: str) -> Problem:
    detail, detail_zh = REASONS[code]
    return Problem(422, code, detail, detail_zh)

"""Webhooks of units: sign-ins, progress and results from a unit's own order system, as steps like those of people."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, RootModel, create_model

from api.examples import STEP_EXAMPLES
from api.fields import NUMBER, Instant
from api.problems import problems
from api.repeating import Asked
from api.service import Jiesu
from api.steps import body_of, take_step
from api.webhooks import by_signature, read_as, signed, taking
from domain.roles import Actor, Role
from domain.steps import PEOPLE_STEPS
from workflows.names import Taken

TYPES = {
    "order.signed_in": "sign-in",
    "order.opinion": "give-opinion",
    "order.progress": "report-progress",
    "order.visited": "record-visit",
    "order.result": "submit-result",
    "order.return_requested": "request-return",
    "order.extension_requested": "request-extension",
    "order.suspension_requested": "request-suspension",
}
"""Type of a message → the step that it takes."""

BODIES = {type: body_of(PEOPLE_STEPS[step]) for type, step in TYPES.items()}

NOBODY = "units"
"""Source of what comes in the name of no unit that sends webhooks: names that somebody made up are not kept."""


class OfCase(BaseModel):
    """Which case a message is about; the rest of its data is the body of the step."""

    case: Annotated[str, Field(pattern=f"^{NUMBER}$")]


class Message(BaseModel):
    """A message in the form that Standard Webhooks suggest."""

    type: str
    timestamp: Instant | None = None
    data: OfCase

    @property
    def body(self) -> BaseModel:
        """The body of the step, as people send it."""
        body = BODIES[self.type]
        return body(**{name: getattr(self.data, name) for name in body.model_fields})


def _of_type(type: str) -> Any:
    only: Any = Literal[type]
    data: Any = create_model(f"{TYPES[type]}-data", __base__=(OfCase, BODIES[type]))
    return create_model(f"{TYPES[type]}-message", __base__=Message, type=(only, ...), data=(data, ...))


ANY_TYPE: Any = reduce(or_, map(_of_type, TYPES))


class AnyMessage(RootModel[Message]):
    """A message of one of the types."""

    root: Annotated[ANY_TYPE, Field(discriminator="type")]


CONTENT = {
    "schema": {
        "type": "object",
        "required": ["type", "data"],
        "properties": {
            "type": {"enum": list(TYPES)},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened at the unit."},
            "data": {
                "type": "object",
                "required": ["case"],
                "properties": {"case": {"type": "string", "pattern": f"^{NUMBER}$"}},
                "description": "The case, and the fields that the step of people has.",
            },
        },
    },
    "examples": {
        type: {"value": {"type": type, "data": {"case": "ZZ-20261121-00001", **STEP_EXAMPLES[step]}}}
        for type, step in TYPES.items()
    },
}

router = APIRouter(prefix="/webhooks/units", tags=["systems of units"], dependencies=[Depends(by_signature)])


@router.post(
    "/{unit}",
    summary="A unit's own system reports",
    responses=problems(404, 409),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": CONTENT}}},
)
async def of_unit(unit: str, request: Request, jiesu: Jiesu) -> Taken:
    """Signed with the unit's secret, not older than five minutes; the `webhook-id` is the idempotency key.

    A message sent again, signed anew, gets the first answer. The very same sending, once it was taken, is refused.
    """
    known = jiesu.city.units.get(unit)
    sends = known is not None and known.reach == "webhook"
    secret = known.secret if known and sends else None
    message = await signed(jiesu, request, f"unit:{unit}" if sends else NOBODY, secret)
    content: Message = (await read_as(jiesu, message, AnyMessage)).root
    step, number = TYPES[content.type], content.data.case
    actor = Actor(role=Role.UNIT, id=f"webhook:{unit}", unit=unit)
    async with taking(jiesu, message, f"{step} {number}"):
        return await take_step(jiesu, Asked(actor, step, number, message.id), content.body)

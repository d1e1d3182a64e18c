"""Webhooks of units: sign-ins, progress and results from a unit's own order system, as steps like those of people."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.envelopes import described, read, read_as
from api.examples import STEP_EXAMPLES
from api.fields import NUMBER
from api.problems import problems
from api.repeating import Asked
from api.service import Jiesu
from api.steps import body_of, take_step
from api.webhooks import WebhookRoute, by_signature, signed_by, taking
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


class OfCase(BaseModel):
    """Which case a message is about; the rest of its data is the body of the step."""

    model_config = ConfigDict(extra="allow")

    case: Annotated[str, Field(pattern=f"^{NUMBER}$")]


OF_CASE = dict.fromkeys(TYPES, OfCase)
BODIES = {type: body_of(PEOPLE_STEPS[step]) for type, step in TYPES.items()}
EXAMPLES = {type: {"case": "ZZ-20261121-00001", **STEP_EXAMPLES[step]} for type, step in TYPES.items()}

router = APIRouter(
    prefix="/webhooks/units",
    tags=["systems of units"],
    dependencies=[Depends(by_signature)],
    route_class=WebhookRoute,
)


@router.post(
    "/{unit}", summary="A unit's own system reports", responses=problems(404, 409), openapi_extra=described(EXAMPLES)
)
async def of_unit(unit: str, request: Request, jiesu: Jiesu) -> Taken:
    """Signed with the unit's secret, not older than five minutes; the `webhook-id` is the idempotency key.

    The data is `case` and the fields that the step of people has. A message sent again, signed anew, gets the first
    answer. The very same sending, once it was taken, is refused.
    """
    message = await signed_by(request, "unit", jiesu.city.units.get(unit))
    type, about = read(message.body, OF_CASE)
    body = read_as(BODIES[type], about.model_extra or {})
    actor = Actor(role=Role.UNIT, id=f"webhook:{unit}", unit=unit)
    asked = Asked(actor, TYPES[type], about.case, message.id)
    async with taking(jiesu, message, f"{asked.step} {asked.number}"):
        return await take_step(jiesu, asked, body)

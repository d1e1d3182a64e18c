"""The steps of a case as plain verbs: one route each, made from the table of steps, so that none can be forgotten."""

from collections.abc import Awaitable, Callable, Collection
from inspect import getdoc
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, StrictBool, create_model
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import allowed
from api.examples import STEP_EXAMPLES
from api.fields import (
    CaseNumber,
    IdempotencyKey,
    LimitText,
    Line,
    OptionalForeignNumber,
    OptionalLine,
    OptionalProse,
    Prose,
)
from api.problems import Problem, problems, unknown_item
from api.repeating import Asked, digest
from api.service import Jiesu, Service, now
from domain.command import Command
from domain.grids import lineage
from domain.limits import Limit
from domain.roles import MAY, Actor
from domain.steps import PEOPLE_STEPS
from domain.steps.transfer import ForeignNumber, Terms
from ledger.attachments import attachments_of
from ledger.cases import get_case
from ledger.models import CaseRow
from ledger.notes import put_note
from ledger.requests import claim, claimed
from workflows.names import Taken

NOT_IN_BODY = frozenset({"by", "note", "names", "lineage", "item_limit", "terms"})

BOUNDED: dict[Any, Any] = {
    str: Line,
    str | None: OptionalLine,
    bool: StrictBool,
    bool | None: StrictBool | None,
    Limit | None: LimitText | None,
    ForeignNumber | None: OptionalForeignNumber,
}
"""How a field comes in that the command itself does not bound, or not enough."""


def body_of(command: type[Command]) -> type[BaseModel]:
    """The request body of a step: the command without its actor, and its free text in place of the note's id."""
    fields: dict[str, Any] = {
        name: (field.annotation if field.metadata else BOUNDED.get(field.annotation, field.annotation), field)
        for name, field in command.model_fields.items()
        if name not in NOT_IN_BODY
    }
    needs_text = command.model_fields["note"].is_required()
    fields["text"] = (Prose, ...) if needs_text else (OptionalProse, None)
    config = ConfigDict(extra="forbid", json_schema_extra={"example": STEP_EXAMPLES[command.step]})
    return create_model(f"{command.__name__}Body", __config__=config, __doc__=getdoc(command), **fields)


def create_router() -> APIRouter:
    """One route for each step that people take."""
    router = APIRouter()
    for step, command in PEOPLE_STEPS.items():
        router.add_api_route(
            f"/cases/{{number}}/{step}",
            _endpoint(command),
            methods=["POST"],
            name=step,
            tags=["steps of a " + ", ".join(sorted(MAY[step]))],
            summary=(getdoc(command) or step).splitlines()[0],
            description=getdoc(command),
            responses=problems(404, 409),
        )
    return router


def _endpoint(command_type: type[Command]) -> Callable[..., Awaitable[Taken]]:
    body_type = body_of(command_type)
    needs_body = any(field.is_required() for field in body_type.model_fields.values())
    default = Body() if needs_body else Body(default_factory=body_type)

    async def take(
        number: CaseNumber,
        actor: Annotated[Actor, Depends(allowed(command_type.step))],
        jiesu: Jiesu,
        body: body_type = default,  # type: ignore[valid-type]
        key: IdempotencyKey = None,
    ) -> Taken:
        return await take_step(jiesu, Asked(actor, command_type.step, number, key), body)

    return take


async def take_step(jiesu: Service, asked: Asked, body: BaseModel) -> Taken:
    """Take a step in somebody's name; `body` is one of `body_of` its command.

    Raises Problem: 404 for who does not see the case, 409 when a rule stands against it, 422 for what the city or the
    case does not know, and Unavailable.
    """
    command_type = PEOPLE_STEPS[asked.step]
    fields = {name: getattr(body, name) for name in type(body).model_fields if name != "text"}
    _check_codes(fields, jiesu)
    if "names" in command_type.model_fields:
        fields["names"] = {unit: jiesu.city.units[unit].name for unit in _units(fields)}
    if "lineage" in command_type.model_fields:
        fields["lineage"] = {grid.code: grid.name for grid in lineage(fields["grid"], jiesu.city.grids)}
    if "item_limit" in command_type.model_fields:
        fields["item_limit"] = _item_limit(fields, jiesu)
    if "terms" in command_type.model_fields:
        fields["terms"] = _terms(fields["to"], jiesu)
    row, note = await _keep(jiesu, asked, body)
    return await jiesu.take(row, command_type(by=asked.by, note=note, **fields), asked.id)


async def _keep(jiesu: Service, asked: Asked, body: BaseModel) -> tuple[CaseRow, str | None]:
    """Claim the request's key for this body, and keep its text in the ledger; the engine is told only the text's id.

    Returns the case and that id. Raises Problem: 404 for who does not see the case, 422 for photos it does not have.
    """
    text: str | None = getattr(body, "text", None)
    note = None
    async with jiesu.ledger.session() as session:
        row = await _case(jiesu, session, asked)
        await _check_photos(session, asked.number, getattr(body, "photos", ()))
        await claim(session, asked.number, asked.key, digest(body))
        if text:
            note = f"n-{asked.id}"
            await put_note(session, note, asked.number, asked.by, text, now())
    return row, note


async def _case(jiesu: Service, session: AsyncSession, asked: Asked) -> CaseRow:
    """The case, if its asker sees it, or saw it at the first time of asking: the answer they may ask for again."""
    known = await get_case(session, asked.number) if await claimed(session, asked.number, asked.key) else None
    return known or await jiesu.find(session, asked.number, asked.by)


def _units(fields: dict[str, Any]) -> list[str]:
    return [unit for unit in (fields.get("lead"), *fields.get("assisting", ())) if unit]


def _check_codes(fields: dict[str, Any], jiesu: Service) -> None:
    for unit in _units(fields):
        if unit not in jiesu.city.units:
            raise Problem(
                422, "unknown_unit", "lead, assisting: not a unit of this city; see /units.", "没有该承办单位。"
            )
    if fields.get("grid") and fields["grid"] not in jiesu.city.grids:
        raise Problem(422, "unknown_grid", "grid: not a grid of this city; see /grids.", "没有该网格。")


def _item_limit(fields: dict[str, Any], jiesu: Service) -> Limit | None:
    """The own limit of the item named, in the catalog now in force. Raises Problem when that has no such item."""
    if not fields.get("item"):
        return None
    item = jiesu.city.catalog_at(now()).items.get(fields["item"])
    if item is None:
        raise unknown_item()
    return item.limit


def _terms(to: str, jiesu: Service) -> Terms:
    """What the city's files say of the partner named. Raises Problem when the city has none that takes transfers."""
    partner = jiesu.city.partners.get(to)
    if partner is None or not partner.takes:
        raise Problem(
            422,
            "unknown_partner",
            "to: not a partner of this city that takes transfers; see /partners.",
            "没有该转接对象，或其不接收转接。",
        )
    return partner.terms


async def _check_photos(session: AsyncSession, number: str, photos: Collection[str]) -> None:
    kept = {file.sha256 for file in await attachments_of(session, number)} if photos else set()
    if not kept.issuperset(photos):
        raise Problem(
            422, "unknown_attachment", "photos: attach each file to the case first.", "照片须先作为附件上传到本工单。"
        )

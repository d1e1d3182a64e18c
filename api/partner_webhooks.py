"""Webhooks of partners: requests they send us, and their answers to what we transferred to them."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.attachments import CONTENT, content_of, no_such_file
from api.fields import LONGEST
from api.intake import Case, NewCase, accept, usable_position
from api.partner_messages import FILE, MESSAGE, Acknowledged, AnyMessage, FileAsked, Offer, Offered, Refused
from api.partner_photos import keep_photos
from api.problems import Problem, not_found, problems
from api.repeating import Asked
from api.service import Jiesu, Service, now
from api.steps import body_of, take_step
from api.webhooks import Signed, by_signature, read_as, signed, taking
from domain.events import Outcome, Status
from domain.partners import Partner
from domain.roles import Actor, Role
from domain.steps.transfer import AcknowledgeTransfer, RefuseTransfer
from ledger.access_log import note_read
from ledger.attachments import get_attachment
from ledger.cases import events_of, get_case
from ledger.errors import KeyReused
from ledger.intake import opened_with
from ledger.models import CaseRow, EventRow
from workflows.names import Taken

NOBODY = "partners"
"""Source of what comes in the name of no partner that sends webhooks: names that somebody made up are not kept."""

NOTES = {
    "unknown_category": (
        "Not a category of this city: somebody will choose one.",
        "本市规则中没有该类别，将由人工确定。",
    ),
    "unknown_item": ("Not an item of the catalog: somebody will choose one.", "目录中没有该事项，将由人工确定。"),
    "no_position": ("The position is none on earth.", "坐标无效，将由人工核实地点。"),
    "no_grid": ("The place is in no grid of this city.", "该地点不在本市网格内，将由人工核实。"),
    "photo_refused": ("A photo is no image that is taken, of 1 MB at most.", "部分照片格式或大小不符，未予保存。"),
    "known": (
        "The request of this number is here already; nothing of it has changed.",
        "该编号的诉求已登记，内容未变更。",
    ),
}
"""What the answer to an offer says of it: code → (English, Chinese)."""

UNCLASSIFIED = frozenset({"unknown_category", "unknown_item"})
"""Notes for which somebody looks at what the request is about."""

AcknowledgeBody, RefuseBody = body_of(AcknowledgeTransfer), body_of(RefuseTransfer)


class Note(BaseModel):
    """Something about the request that a person will look at, or that was not taken."""

    code: str
    detail: str
    detail_zh: str


class TakenOver(BaseModel):
    """Our acknowledgement: the request is a case of ours, durably."""

    case: str = Field(description="Our number.")
    original_number: str | None = Field(description="The partner's.")
    marks: list[str] = Field(description="As at intake: for a person to look at.")
    notes: list[Note]


router = APIRouter(prefix="/webhooks/partners", tags=["systems of partners"], dependencies=[Depends(by_signature)])


@router.post(
    "/{partner}",
    summary="Another hotline or platform reports",
    responses=problems(404, 409) | {201: {"model": TakenOver, "description": "A request that is new here."}},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": MESSAGE}}},
)
async def of_partner(partner: str, request: Request, response: Response, jiesu: Jiesu) -> TakenOver | Taken:
    """Signed with the partner's secret, not older than five minutes; the `webhook-id` is the idempotency key.

    `transfer.offered` gives a request to us, `transfer.acknowledged` and `transfer.refused` answer a transfer of ours.
    An offer's number makes it one case, however often and under whatever `webhook-id` it comes.
    """
    known, message = await _signed(jiesu, request, partner)
    content = (await read_as(jiesu, message, AnyMessage)).root
    if not isinstance(content, Offered):
        return await _answered(jiesu, known, message, content)
    async with taking(jiesu, message, f"{content.type} {content.data.number}"):
        answer, new = await _take_over(jiesu, known, content.data)
    response.status_code = 201 if new else 200
    return answer


@router.post(
    "/{partner}/files",
    summary="A partner reads a file of a case",
    responses=problems(404, 409, 410) | CONTENT,
    response_class=StreamingResponse,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": FILE}}},
)
async def file_of_partner(partner: str, request: Request, jiesu: Jiesu) -> StreamingResponse:
    """Of a case that is being transferred to it, or has been; that it was read is recorded."""
    known, message = await _signed(jiesu, request, partner)
    asked = await read_as(jiesu, message, FileAsked)
    async with taking(jiesu, message, f"file {asked.case} {asked.sha256}"):
        async with jiesu.ledger.session() as session:
            row = await get_case(session, asked.case)
            if row is None or not _is_with(known, row, await events_of(session, asked.case)):
                raise not_found(asked.case)
            file = await get_attachment(session, asked.case, asked.sha256)
            if file is None or not known.may_see(file.author_role, withheld=row.withheld):
                raise no_such_file()
            await note_read(session, _actor(known), asked.case, "attachment")
        return await content_of(jiesu, file)


async def _signed(jiesu: Service, request: Request, code: str) -> tuple[Partner, Signed]:
    partner = jiesu.city.partners.get(code)
    sends = partner is not None and partner.reach == "webhook"
    source = f"partner:{code}" if sends else NOBODY
    message = await signed(jiesu, request, source, partner.secret if partner and sends else None)
    assert partner is not None, "nobody else can sign"
    return partner, message


def _actor(partner: Partner) -> Actor:
    return Actor(role=Role.INTEGRATION, id=f"partner:{partner.code}", unit=partner.code)


async def _answered(jiesu: Service, partner: Partner, message: Signed, content: Acknowledged | Refused) -> Taken:
    """The step that a partner's answer to a transfer of ours takes."""
    number = content.data.case
    if isinstance(content, Refused):
        step, body = RefuseTransfer.step, RefuseBody(text=content.data.reason)
    else:
        step, body = AcknowledgeTransfer.step, AcknowledgeBody(number=content.data.number, text=content.data.reason)
    async with taking(jiesu, message, f"{step} {number}"):
        await _check_offered(jiesu, number, partner)
        return await take_step(jiesu, Asked(_actor(partner), step, number, message.id), body)


async def _take_over(jiesu: Service, partner: Partner, offer: Offer) -> tuple[TakenOver, bool]:
    """A case for the request, or the one that its number has; and whether it is new."""
    if partner.sends is None:
        raise Problem(403, "not_your_post", "This partner sends no requests here.", "该平台未开通向热线转入诉求。")
    actor, notes = _actor(partner), _unknown(jiesu, offer)
    try:
        case = await accept(
            jiesu, actor, _request(jiesu, partner, offer, notes), offer.number,
            unclassified=not UNCLASSIFIED.isdisjoint(notes),
        )  # fmt: skip
    except KeyReused:
        known = await jiesu.ledger.run(opened_with, f"{actor.id}:{offer.number}")
        assert known is not None, "the key has opened a case"
        case, notes = Case(known, False, []), ["known"]
    if await keep_photos(jiesu, case.row.number, actor, offer.photos):
        notes.append("photo_refused")
    row = case.row.model_dump(include={"original_number", "marks"})
    said = [Note(code=code, detail=NOTES[code][0], detail_zh=NOTES[code][1]) for code in notes]
    return TakenOver(case=case.row.number, notes=said, **row), case.new


def _unknown(jiesu: Service, offer: Offer) -> list[str]:
    """What the city does not know of an offer, by the codes of `NOTES`."""
    located = offer.longitude is not None and offer.latitude is not None
    position = usable_position(offer.longitude, offer.latitude)
    found: dict[str, Any] = {
        "unknown_category": offer.category and offer.category not in jiesu.city.rulebook.categories,
        "unknown_item": offer.item and offer.item not in jiesu.city.catalog_at(now()).items,
        "no_position": located and position is None,
        "no_grid": position and jiesu.city.grid_at(position, offer.address) is None,
    }
    return [code for code, holds in found.items() if holds]


def _request(jiesu: Service, partner: Partner, offer: Offer, unknown: list[str]) -> NewCase:
    left_out = {"number", "happened_at", "photos"}
    left_out |= {name for name in ("category", "item") if f"unknown_{name}" in unknown}
    given = offer.model_dump(exclude=left_out) | {"channel": partner.sends, "original_number": offer.number}
    when = f"\n（来件注明发生于{jiesu.local_day(offer.happened_at)}）" if offer.happened_at else ""
    if len(offer.text) + len(when) <= LONGEST:
        given["text"] = f"{offer.text}{when}"
    return NewCase.model_validate(given)


async def _check_offered(jiesu: Service, number: str, partner: Partner) -> None:
    """Raises Problem 404 for a case that was never transferred to the partner, as for one there is not."""
    async with jiesu.ledger.session() as session:
        events = await events_of(session, number)
    if not any(event.kind == "transfer_requested" and event.facts["to"] == partner.code for event in events):
        raise not_found(number)


def _is_with(partner: Partner, row: CaseRow, events: list[EventRow]) -> bool:
    """Whether the case is being transferred to the partner, or the partner has taken it over."""
    to = [event.facts["to"] for event in events if event.kind == "transfer_requested"]
    under_way = row.status == Status.TRANSFERRING or row.outcome == Outcome.TRANSFERRED
    return under_way and to[-1:] == [partner.code]

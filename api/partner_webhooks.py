"""Webhooks of partners: requests they send us, and their answers to what we transferred to them."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from api.attachments import CONTENT, content_of, no_such_file
from api.envelopes import described, described_as, read, read_as
from api.partner_messages import BODIES, EXAMPLES, Acknowledgement, FileAsked, Offer, Refusal
from api.partner_offers import TakenOver, take_over
from api.problems import not_found, problems
from api.repeating import Asked
from api.service import Jiesu, Service
from api.steps import body_of, take_step
from api.webhooks import Signed, WebhookRoute, by_signature, signed_by, taking
from domain.events import Outcome, Status
from domain.partners import Partner
from domain.roles import Actor, Role
from domain.steps.transfer import AcknowledgeTransfer, RefuseTransfer
from ledger.access_log import note_read
from ledger.attachments import get_attachment
from ledger.cases import get_case
from ledger.models import CaseRow
from ledger.transfers import partners_offered
from workflows.names import Taken

AcknowledgeBody, RefuseBody = body_of(AcknowledgeTransfer), body_of(RefuseTransfer)

router = APIRouter(
    prefix="/webhooks/partners",
    tags=["systems of partners"],
    dependencies=[Depends(by_signature)],
    route_class=WebhookRoute,
)


@router.post(
    "/{partner}",
    summary="Another hotline or platform reports",
    responses=problems(404, 409) | {201: {"model": TakenOver, "description": "A request that is new here."}},
    openapi_extra=described(EXAMPLES),
)
async def of_partner(partner: str, request: Request, response: Response, jiesu: Jiesu) -> TakenOver | Taken:
    """Signed with the partner's secret, not older than five minutes; the `webhook-id` is the idempotency key.

    `transfer.offered` gives a request to us, `transfer.acknowledged` and `transfer.refused` answer a transfer of ours.
    An offer's number makes it one case, however often and under whatever `webhook-id` it comes. A message has 6 MB at
    most, photos in base64 included.
    """
    known, message = await _signed(jiesu, request, partner)
    type, data = read(message.body, BODIES)
    if not isinstance(data, Offer):
        return await _answered(jiesu, known, message, data)
    async with taking(jiesu, message, f"{type} {data.number}"):
        answer, new = await take_over(jiesu, known, _actor(known), data)
    response.status_code = 201 if new else 200
    return answer


@router.post(
    "/{partner}/files",
    summary="A partner reads a file of a case",
    responses=problems(404, 409, 410) | CONTENT,
    response_class=StreamingResponse,
    openapi_extra=described_as({"schema": FileAsked.model_json_schema()}),
)
async def file_of_partner(partner: str, request: Request, jiesu: Jiesu) -> StreamingResponse:
    """Of a case that is being transferred to it, or has been; that it was read is recorded."""
    known, message = await _signed(jiesu, request, partner)
    asked = read_as(FileAsked, message.body)
    async with taking(jiesu, message, f"file {asked.case} {asked.sha256}"):
        async with jiesu.ledger.session() as session:
            row = await get_case(session, asked.case)
            if row is None or not _is_with(known, row, await partners_offered(session, asked.case)):
                raise not_found(asked.case)
            file = await get_attachment(session, asked.case, asked.sha256)
            if file is None or not known.may_see(file.author_role, withheld=row.withheld):
                raise no_such_file()
            await note_read(session, _actor(known), asked.case, "attachment")
        return await content_of(jiesu, file)


async def _signed(jiesu: Service, request: Request, code: str) -> tuple[Partner, Signed]:
    partner = jiesu.city.partners.get(code)
    message = await signed_by(request, "partner", partner)
    assert partner is not None, "nobody else can sign"
    return partner, message


def _actor(partner: Partner) -> Actor:
    return Actor(role=Role.INTEGRATION, id=f"partner:{partner.code}", unit=partner.code)


async def _answered(jiesu: Service, partner: Partner, message: Signed, said: Acknowledgement | Refusal) -> Taken:
    """The step that a partner's answer to a transfer of ours takes."""
    if isinstance(said, Refusal):
        step, body = RefuseTransfer.step, RefuseBody(text=said.reason)
    else:
        step, body = AcknowledgeTransfer.step, AcknowledgeBody(number=said.number, text=said.reason)
    async with taking(jiesu, message, f"{step} {said.case}"):
        await _check_offered(jiesu, said.case, partner)
        return await take_step(jiesu, Asked(_actor(partner), step, said.case, message.id), body)


async def _check_offered(jiesu: Service, number: str, partner: Partner) -> None:
    """Raises Problem 404 for a case that was never transferred to the partner, as for one there is not."""
    async with jiesu.ledger.session() as session:
        if partner.code not in await partners_offered(session, number):
            raise not_found(number)


def _is_with(partner: Partner, row: CaseRow, transfers: list[str]) -> bool:
    """Whether the case is being transferred to the partner, or the partner has taken it over."""
    under_way = row.status == Status.TRANSFERRING or row.outcome == Outcome.TRANSFERRED
    return under_way and transfers[-1:] == [partner.code]

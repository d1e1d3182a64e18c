"""What inspectors find out about the handling of a case (督查意见), for inspectors only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.access import allowed
from api.access_log import record_reading
from api.fields import CaseNumber, IdempotencyKey, Prose
from api.problems import problems
from api.repeating import Asked, digest
from api.service import Jiesu, now
from domain.roles import Actor
from ledger.findings import findings_of, put_finding
from ledger.models import FindingRow
from ledger.requests import claim

router = APIRouter(tags=["findings"])


class NewFinding(BaseModel):
    """A finding. It can be neither changed nor taken back."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"text": "经核查，承办单位未联系诉求人即反馈办结。"}}
    )

    text: Prose


class Finding(BaseModel):
    """A finding as it stands."""

    id: str
    at: AwareDatetime
    author: str = Field(description="Id of the key or account; never a person's name.")
    text: str | None = Field(description="None once the personal data of the case is erased.")


@router.post(
    "/cases/{number}/findings",
    status_code=201,
    summary="Record a finding (督查意见)",
    responses={200: {"model": Finding, "description": "Recorded before, under the same key."}, **problems(404, 409)},
)
async def record_finding(
    number: CaseNumber,
    body: NewFinding,
    response: Response,
    actor: Annotated[Actor, Depends(allowed("record-finding"))],
    jiesu: Jiesu,
    key: IdempotencyKey = None,
) -> Finding:
    """Keep a finding beside the case; nothing of it shows in the case, and nobody is told."""
    asked = Asked(actor, "record-finding", number, key)
    async with jiesu.ledger.session() as session:
        await jiesu.find(session, number, actor)
        await claim(session, number, asked.key, digest(body))
        row, new = await put_finding(session, f"f-{asked.id}", number, actor, body.text, now())
    response.status_code = 201 if new else 200
    return _finding(row)


@router.get("/cases/{number}/findings", summary="Read the findings about a case", responses=problems(404, 409))
async def findings(
    number: CaseNumber,
    actor: Annotated[Actor, Depends(allowed("read-findings"))],
    jiesu: Jiesu,
) -> list[Finding]:
    """All findings, oldest first. Reading them is recorded."""
    async with jiesu.ledger.session() as session:
        row = await jiesu.find(session, number, actor)
        found = await findings_of(session, number)
        if found:
            await record_reading(session, actor, row, "findings")
    return [_finding(finding) for finding in found]


def _finding(row: FindingRow) -> Finding:
    return Finding(id=row.id, at=row.at, author=row.author_id, text=row.text or None)

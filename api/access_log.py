"""Who read a case's personal data (查阅记录)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import allowed
from api.fields import CaseNumber
from api.problems import problems
from api.service import Jiesu
from api.sight import reads_personal
from domain import words
from domain.roles import Actor, Role
from ledger.access_log import note_read, reads_of
from ledger.models import CaseRow, ReadRow

router = APIRouter(tags=["reading"])

HIGHEST_ID = 2**63 - 1


class Read(BaseModel):
    """One read of a case's personal data."""

    at: AwareDatetime
    role: str
    role_zh: str
    reader: str = Field(description="Id of the key or account; never a person's name.")
    unit: str | None
    what: str = Field(
        description="`case`, `timeline`, `search`, `record`, `attachment`, `findings`, `open311`, `refused`: a "
        "message that was not taken, or `erased`: removed."
    )


class Readers(BaseModel):
    """One page of reads, newest first."""

    items: list[Read]
    next: int | None = Field(description="`before` of the next page.")


@router.get("/cases/{number}/readers", summary="Who read the personal data (查阅记录)", responses=problems(404, 409))
async def readers(
    number: CaseNumber,
    actor: Annotated[Actor, Depends(allowed("read-readers"))],
    jiesu: Jiesu,
    before: Annotated[int | None, Query(ge=1, le=HIGHEST_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Readers:
    """Every read of the case by staff to whom it was shown unmasked."""
    async with jiesu.ledger.session() as session:
        await jiesu.find(session, number, actor)
        page = await reads_of(session, number, before, limit)
    return Readers(items=[_read(row) for row in page.items], next=page.next)


def _read(row: ReadRow) -> Read:
    role_zh = words.ROLE[Role(row.role)]
    return Read(at=row.at, role=row.role, role_zh=role_zh, reader=row.actor_id, unit=row.actor_unit, what=row.what)


async def record_reading(session: AsyncSession, actor: Actor, row: CaseRow, what: str) -> None:
    """Record a read of a case, if the actor is shown its personal data and there still is any."""
    if reads_personal(actor) and row.erased_at is None:
        await note_read(session, actor, row.number, what)

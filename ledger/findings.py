"""Inspectors' findings: beside the case and no event of it, so that those who handle it learn nothing of them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.roles import Actor
from ledger.database import insert
from ledger.models import FindingRow
from ledger.readable import read_rows
from ledger.requests import refuse_erased


async def put_finding(
    session: AsyncSession, id: str, case_number: str, author: Actor, text: str, at: datetime
) -> tuple[FindingRow, bool]:
    """Keep a finding under an id; returns it and whether it is new. Raises CaseErased."""
    row = FindingRow(id=id, case_number=case_number, author_id=author.id, text=text, at=at)
    statement = insert(session, FindingRow).values(row.model_dump()).on_conflict_do_nothing(index_elements=["id"])
    new = (await session.execute(statement.returning(col(FindingRow.id)))).first() is not None
    await refuse_erased(session, case_number)
    return await session.get_one(FindingRow, id), new


async def findings_of(session: AsyncSession, case_number: str) -> list[FindingRow]:
    """The findings about a case, oldest first. Raises Unreadable."""
    statement = select(FindingRow).where(col(FindingRow.case_number) == case_number)
    return await read_rows(session, case_number, statement.order_by(col(FindingRow.at), col(FindingRow.id)))

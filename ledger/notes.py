"""Free texts of steps: results, reasons. Events name them by id, and only the ledger holds the words."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from domain.roles import Actor
from ledger.chain import new_salt, seal_note
from ledger.database import insert
from ledger.errors import KeyReused
from ledger.models import NoteRow
from ledger.requests import refuse_erased


async def put_note(session: AsyncSession, id: str, case_number: str, author: Actor, text: str, at: datetime) -> None:
    """Keep a text under an id. The same text again is harmless; another case or text raises KeyReused.

    Raises CaseErased for a case that takes no personal words any more.
    """
    salt = new_salt()
    row = NoteRow(
        id=id,
        case_number=case_number,
        author_role=author.role.value,
        author_id=author.id,
        text=text,
        created_at=at,
        salt=salt,
        sealed=seal_note(salt, text),
    )
    statement = insert(session, NoteRow).values(row.model_dump()).on_conflict_do_nothing(index_elements=["id"])
    new = await session.scalar(statement.returning(NoteRow))
    await refuse_erased(session, case_number)
    if new:
        return
    kept = await get_note(session, id)
    if not kept or (kept.case_number, kept.text) != (case_number, text):
        raise KeyReused(id)


async def get_note(session: AsyncSession, id: str) -> NoteRow | None:
    """The note of an id."""
    return await session.get(NoteRow, id)

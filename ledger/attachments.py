"""Files that belong to cases: rows here, contents outside the database (ledger/files.py)."""

import asyncio
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.roles import Actor
from ledger import files
from ledger.database import hold, lock
from ledger.errors import CaseErased, TooManyFiles
from ledger.models import AttachmentRow
from ledger.readable import read_rows
from ledger.tables import CASES

MOST = 20
"""Files of one case."""


async def put_attachment(
    session: AsyncSession, folder: Path, draft: files.Draft, number: str, media_type: str, author: Actor, at: datetime
) -> tuple[AttachmentRow, bool]:
    """Keep a drafted file with a case; returns its row and whether it is new: the same content again is not.

    The content is in its place before the transaction ends. Raises TooManyFiles, CaseErased, and OSError.
    """
    erased = await _hold_case(session, number)
    kept = await session.get(AttachmentRow, (number, draft.sha256))
    row = kept or AttachmentRow(
        case_number=number,
        sha256=draft.sha256,
        media_type=media_type,
        size=draft.size,
        author_role=author.role.value,
        author_id=author.id,
        at=at,
    )
    if kept is None:
        if erased:
            raise CaseErased(number)
        if len(await attachments_of(session, number)) >= MOST:
            raise TooManyFiles(number)
        session.add(row)
        await session.flush()
    await lock(session, draft.sha256)
    # Also when it was kept before: a content that was damaged since is whole again.
    await asyncio.to_thread(files.keep, folder, draft)
    return row, kept is None


async def attachments_of(session: AsyncSession, number: str) -> list[AttachmentRow]:
    """The files of a case, oldest first. Raises Unreadable."""
    statement = select(AttachmentRow).where(col(AttachmentRow.case_number) == number)
    return await read_rows(session, number, statement.order_by(col(AttachmentRow.at), col(AttachmentRow.sha256)))


async def get_attachment(session: AsyncSession, number: str, sha256: str) -> AttachmentRow | None:
    """A file of a case."""
    return await session.get(AttachmentRow, (number, sha256))


async def remove_attachments(session: AsyncSession, folder: Path, number: str) -> int:
    """Remove the files of a case, and each content that no other case has; returns how many files it had.

    A content is gone before the transaction ends: should that fail, repeat it. Raises OSError.
    """
    await _hold_case(session, number)
    mine = delete(AttachmentRow).where(col(AttachmentRow.case_number) == number).returning(col(AttachmentRow.sha256))
    removed = sorted(await session.scalars(mine))
    for sha256 in removed:
        await lock(session, sha256)
        if not await session.scalar(select(exists().where(col(AttachmentRow.sha256) == sha256))):
            await asyncio.to_thread(files.remove, folder, sha256)
    return len(removed)


async def _hold_case(session: AsyncSession, number: str) -> bool:
    """Let nobody else attach to the case or erase it until the transaction ends; tells whether it was erased."""
    of_case = select(CASES.c.erased_at).where(CASES.c.number == number).with_for_update(key_share=True)
    case = await (await session.connection()).run_sync(hold, of_case)
    return case is not None and case["erased_at"] is not None

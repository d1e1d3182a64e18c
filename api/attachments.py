"""Files of a case: photographs, recordings, documents. The name a file had is not kept: it may be personal."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from typing import Annotated, Any, BinaryIO, TypeVar

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from api.access import Reader, allowed
from api.fields import CaseNumber, IdempotencyKey
from api.problems import Problem, Unavailable, problems
from api.repeating import Asked
from api.service import Jiesu, Service, now
from api.sight import shows_file
from api.uploads import EXTENSIONS, Kind, uploaded
from domain.roles import Actor, Role
from ledger.access_log import note_read
from ledger.attachments import attachments_of, get_attachment, put_attachment
from ledger.files import CHUNK, open_whole, write_draft
from ledger.models import AttachmentRow
from ledger.requests import claim

log = logging.getLogger("jiesu.api")

router = APIRouter(tags=["attachments"])

Done = TypeVar("Done")

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {"file": {"type": "string", "format": "binary", "minLength": 1}},
                }
            }
        },
    }
}
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in EXTENSIONS},
    }
}


class Attachment(BaseModel):
    """A file of a case."""

    sha256: str = Field(description="Its name here: the hash of its content.")
    media_type: str
    size: int = Field(description="Bytes.")
    by: Role
    at: AwareDatetime


@router.post(
    "/cases/{number}/attachments",
    status_code=201,
    summary="Attach a file",
    responses=problems(404, 409, 413, 415)
    | {200: {"model": Attachment, "description": "The case has this file already."}},
    openapi_extra=FORM,
)
async def attach(
    number: CaseNumber,
    request: Request,
    response: Response,
    actor: Annotated[Actor, Depends(allowed("attach"))],
    jiesu: Jiesu,
    key: IdempotencyKey = None,
) -> Attachment:
    """JPEG, PNG, GIF, WebP, HEIC, PDF, MP3, M4A, AAC, WAV or AMR up to 10 MB, MP4 up to 50 MB; twenty files a case."""
    await jiesu.case(number, actor)
    folder = jiesu.settings.attachments_folder
    async with uploaded(request) as (upload, kind):
        draft = await stored(asyncio.to_thread(write_draft, folder, upload.file))
    with draft:
        async with jiesu.ledger.session() as session:
            await claim(session, number, Asked(actor, "attach", number, key).key, draft.sha256)
            put = put_attachment(session, folder, draft, number, kind.media_type, actor, now())
            row, new = await stored(put)
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"/cases/{number}/attachments/{row.sha256}"
    return _attachment(row)


@router.get("/cases/{number}/attachments", summary="List the files of a case", responses=problems(404, 409))
async def attachments(number: CaseNumber, actor: Reader, jiesu: Jiesu) -> list[Attachment]:
    """Oldest first."""
    case = await jiesu.case(number, actor)
    async with jiesu.ledger.session() as session:
        return [_attachment(row) for row in await attachments_of(session, number) if shows_file(row, case, actor)]


@router.get(
    "/cases/{number}/attachments/{sha256}",
    summary="Read a file of a case",
    responses=problems(404, 409, 410) | CONTENT,
    response_class=StreamingResponse,
)
async def attachment(
    number: CaseNumber,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    actor: Annotated[Actor, Depends(allowed("read-personal"))],
    jiesu: Jiesu,
) -> StreamingResponse:
    """The content, to be saved, not shown; that it was read is recorded."""
    case = await jiesu.case(number, actor)
    async with jiesu.ledger.session() as session:
        row = await get_attachment(session, number, sha256)
        if row is None or not shows_file(row, case, actor):
            raise no_such_file()
        await note_read(session, actor, number, "attachment")
    return await content_of(jiesu, row)


async def content_of(jiesu: Service, row: AttachmentRow) -> StreamingResponse:
    """The content of a file, as an answer. Raises Problem 410 when it is missing or damaged, and Unavailable."""
    file = await stored(asyncio.to_thread(open_whole, jiesu.settings.attachments_folder, row.sha256))
    if file is None:
        log.error("the content of attachment %s is missing or damaged", row.sha256)
        raise Problem(410, "file_lost", "The file is no longer whole on our side.", "附件已损坏或丢失。")
    name = f"{row.case_number}-{row.sha256[:8]}.{EXTENSIONS[row.media_type]}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(row.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(_chunks(file), media_type=row.media_type, headers=headers)


async def keep_file(jiesu: Service, number: str, actor: Actor, source: BinaryIO, kind: Kind) -> None:
    """Attach a file that came with a request; harmless if the case has it. Raises as `put_attachment`, Unavailable."""
    folder = jiesu.settings.attachments_folder
    with await stored(asyncio.to_thread(write_draft, folder, source)) as draft:
        async with jiesu.ledger.session() as session:
            await stored(put_attachment(session, folder, draft, number, kind.media_type, actor, now()))


def no_such_file() -> Problem:
    """A file that the case does not have, or that the asker may not see."""
    return Problem(404, "no_such_file", "This case has no such file.", "该工单没有此附件。")


def _attachment(row: AttachmentRow) -> Attachment:
    return Attachment(sha256=row.sha256, media_type=row.media_type, size=row.size, by=Role(row.author_role), at=row.at)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


async def stored(work: Awaitable[Done]) -> Done:
    """What the store gives. Raises Unavailable when it cannot write or read: full, unreachable, not permitted."""
    try:
        return await work
    except OSError as error:
        log.error("the store of attachments: %s", type(error).__name__)
        raise Unavailable("The store of attachments") from None

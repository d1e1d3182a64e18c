"""A file that comes in: its type decided by how its content begins, never by its name, and its size bounded by it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.problems import Problem, malformed

HEAD = 32
"""Bytes that tell the type."""


@dataclass(frozen=True)
class Kind:
    """A type of file that is taken."""

    media_type: str
    extension: str
    begins: bytes
    """A regular expression."""
    also: tuple[str, ...] = ()
    """Other media types by which its senders may call it."""
    largest: int = 10_000_000
    """Bytes."""


KINDS = (
    Kind("image/jpeg", "jpg", rb"\xff\xd8\xff", ("image/jpg", "image/pjpeg")),
    Kind("image/png", "png", rb"\x89PNG\r\n\x1a\n"),
    Kind("image/gif", "gif", rb"GIF8[79]a"),
    Kind("image/webp", "webp", rb"RIFF....WEBP"),
    Kind("image/heic", "heic", rb"....ftyp(hei[csmx]|hev[cmsx]|mif1|msf1)", ("image/heif",)),
    Kind("application/pdf", "pdf", rb"%PDF-\d", ("application/x-pdf",)),
    Kind("audio/mp4", "m4a", rb"....ftypM4[AB] ", ("audio/m4a", "audio/x-m4a", "audio/aac", "video/mp4")),
    Kind(
        "video/mp4",
        "mp4",
        rb"....ftyp(isom|iso[2-9]|mp4[12]|avc1|M4V |MSNV|dash|f4v |3gp[4-7])",
        ("video/x-m4v", "video/3gpp", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/3gpp"),
        largest=50_000_000,
    ),
    # A tag, or the header of a layer III frame: recordings of calls are often MPEG-2 or 2.5.
    Kind(
        "audio/mpeg", "mp3", rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xeb]", ("audio/mp3", "audio/x-mp3")
    ),
    Kind("audio/aac", "aac", rb"\xff[\xf0\xf1\xf8\xf9]", ("audio/x-aac", "audio/aacp")),
    Kind("audio/wav", "wav", rb"RIFF....WAVE", ("audio/x-wav", "audio/wave", "audio/vnd.wave")),
    Kind("audio/amr", "amr", rb"#!AMR(-WB)?\n", ("audio/amr-wb", "audio/amr-nb")),
)
EXTENSIONS = {kind.media_type: kind.extension for kind in KINDS}
UNDECLARED = ("", "application/octet-stream", "binary/octet-stream")

LARGEST = max(kind.largest for kind in KINDS)


@asynccontextmanager
async def uploaded(request: Request) -> AsyncIterator[tuple[UploadFile, Kind]]:
    """The one file of a multipart form, and its kind. Raises Problem 413, 415 and 422."""
    try:
        form = await request.form(max_files=1, max_fields=0)
    except HTTPException as error:
        if error.status_code == 413:
            raise _too_large(LARGEST) from None
        if error.status_code != 400:
            raise
        raise _no_file() from None
    except (ClientDisconnect, UnicodeError):
        raise _no_file() from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.size:
            raise _no_file()
        yield file, await _kind_of(file, file.size)
    finally:
        await form.close()


async def _kind_of(file: UploadFile, size: int) -> Kind:
    head = await file.read(HEAD)
    await file.seek(0)
    return kind_of(head, file.content_type or "", size)


def kind_of(head: bytes, content_type: str, size: int) -> Kind:
    """The kind of a file of that size in bytes, by how it begins. Raises Problem 413 and 415."""
    kind = next((kind for kind in KINDS if re.match(kind.begins, head, re.DOTALL)), None)
    declared = content_type.partition(";")[0].strip().lower()
    if kind is None or declared not in (kind.media_type, *kind.also, *UNDECLARED):
        raise Problem(
            415,
            "file_type",
            f"The file is none of {', '.join(EXTENSIONS.values())}, or not what its Content-Type says.",
            "文件类型不支持，或与声明的类型不符。",
        )
    if size > kind.largest:
        raise _too_large(kind.largest)
    return kind


def _too_large(largest: int) -> Problem:
    megabytes = largest // 1_000_000
    return Problem(
        413,
        "file_too_large",
        f"A file of this type may have {megabytes} MB at most.",
        f"文件过大，此类文件不得超过{megabytes}MB。",
    )


def _no_file() -> Problem:
    return malformed("file: send one file that is not empty, as the part `file` of multipart/form-data, and no other.")

"""Photographs that come with a transfer, small and in the message itself; checked and kept as every file is."""

import re
from base64 import b64decode
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from api.attachments import keep_file
from api.problems import Problem
from api.service import Service
from api.uploads import HEAD, Kind, kind_of
from domain.roles import Actor
from ledger.errors import TooManyFiles

MOST = 4
LARGEST = 1_000_000
"""Bytes of a photograph in a message."""
DATA_URL = re.compile(r"^data:[^,]{0,100},")


async def keep_photos(jiesu: Service, number: str, actor: Actor, photos: Sequence[Any]) -> list[str]:
    """Attach photographs, in base64, to a case; returns why some were not: `photo_refused`, `photos_full`.

    Raises Unavailable and CaseErased.
    """
    why = [await _kept(jiesu, number, actor, photo) for photo in photos[:MOST]]
    why += ["photos_full"] * (len(photos) > MOST)
    return sorted({reason for reason in why if reason})


async def _kept(jiesu: Service, number: str, actor: Actor, photo: Any) -> str | None:
    try:
        content = _decoded(photo)
        kind = _image(content)
    except (ValueError, Problem):
        return "photo_refused"
    try:
        await keep_file(jiesu, number, actor, BytesIO(content), kind)
    except TooManyFiles:
        return "photos_full"
    return None


def _decoded(photo: Any) -> bytes:
    if not isinstance(photo, str):
        raise ValueError("no text")
    # Browsers put the media type in front (RFC 2397), mail breaks the lines (RFC 2045).
    content = b64decode("".join(DATA_URL.sub("", photo).split()), validate=True)
    if len(content) > LARGEST:
        raise ValueError("too large")
    return content


def _image(content: bytes) -> Kind:
    kind = kind_of(content[:HEAD], "", len(content))
    if not kind.media_type.startswith("image/"):
        raise ValueError("no image")
    return kind

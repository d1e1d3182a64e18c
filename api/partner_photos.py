"""Photographs that come with a transfer, small and in the message itself; checked and kept as every file is."""

import asyncio
from base64 import b64decode
from collections.abc import Iterable
from io import BytesIO
from typing import Annotated

from pydantic import StringConstraints

from api.attachments import stored
from api.problems import Problem
from api.service import Service, now
from api.uploads import HEAD, Kind, kind_of
from domain.roles import Actor
from ledger.attachments import put_attachment
from ledger.files import write_draft

MOST = 4
LARGEST = 1_000_000
"""Bytes of a photograph in a message."""

Photo = Annotated[str, StringConstraints(max_length=LARGEST * 4 // 3 + 4)]
"""A photograph in base64."""


async def keep_photos(jiesu: Service, number: str, actor: Actor, photos: Iterable[str]) -> int:
    """Attach photographs to a case; returns how many were none that we take. Raises Unavailable and CaseErased."""
    refused = 0
    for photo in photos:
        try:
            content = b64decode(photo, validate=True)
            kind = _image(content)
        except (ValueError, Problem):
            refused += 1
        else:
            await _keep(jiesu, number, actor, content, kind)
    return refused


def _image(content: bytes) -> Kind:
    kind = kind_of(content[:HEAD], "", len(content))
    if not kind.media_type.startswith("image/"):
        raise ValueError("no image")
    return kind


async def _keep(jiesu: Service, number: str, actor: Actor, content: bytes, kind: Kind) -> None:
    folder = jiesu.settings.attachments_folder
    with await stored(asyncio.to_thread(write_draft, folder, BytesIO(content))) as draft:
        async with jiesu.ledger.session() as session:
            await stored(put_attachment(session, folder, draft, number, kind.media_type, actor, now()))

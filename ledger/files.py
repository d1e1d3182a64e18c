"""Contents of files, each kept once in a folder under its SHA-256: `ab/cdef…`."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Self

from durable import replace, sync_folder

CHUNK = 256 * 1024
"""Bytes."""
DRAFT_LIFE = 24 * 3600
"""Seconds after which a draft was surely left behind by a process that died."""


@dataclass(frozen=True)
class Draft:
    """A content written down durably, but not kept yet; as a context it is forgotten at the end."""

    path: Path
    sha256: str
    size: int
    """Bytes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


def write_draft(folder: Path, source: BinaryIO) -> Draft:
    """Write what `source` gives into the folder. Raises OSError."""
    drafts = folder / "drafts"
    for needed in (folder, drafts):
        _make(needed)
    _forget_old(drafts)
    digest, size = sha256(), 0
    with NamedTemporaryFile(dir=drafts, delete=False) as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return Draft(Path(file.name), digest.hexdigest(), size)


def keep(folder: Path, draft: Draft) -> None:
    """Put a draft in its place, durably, whether or not the same content is there. Raises OSError."""
    place = _place(folder, draft.sha256)
    _make(place.parent)
    replace(draft.path, place)
    sync_folder(folder)


def remove(folder: Path, digest: str) -> None:
    """Remove a content; harmless when it is not there. Raises OSError."""
    place = _place(folder, digest)
    if place.exists():
        place.unlink()
        sync_folder(place.parent)


def open_whole(folder: Path, digest: str) -> BinaryIO | None:
    """The content open for reading; None when it is missing or no longer what it was. Raises OSError."""
    try:
        file = _place(folder, digest).open("rb")
    except FileNotFoundError:
        return None
    if file_digest(file, "sha256").hexdigest() != digest:
        file.close()
        return None
    file.seek(0)
    return file


def _place(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest[2:]


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _forget_old(drafts: Path) -> None:
    for path in drafts.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - DRAFT_LIFE:
                path.unlink()

"""Files that outlast a power cut: what a folder holds is on the disk, too."""

import os
from pathlib import Path


def replace(draft: Path, place: Path) -> None:
    """Put a file that is on the disk in another's place, durably; both are in one file system. Raises OSError."""
    draft.replace(place)
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has what the folder now holds. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

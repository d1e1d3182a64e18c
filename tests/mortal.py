"""Servers that end with the tests that started them, however these end."""

import os
from pathlib import Path

LAUNCHER = """#!/bin/sh
(while kill -0 {owner} && kill -0 $$; do sleep 1; done; kill -9 $$) >/dev/null 2>&1 &
exec "{program}" "$@"
"""


def mortal(program: str, launcher: Path, owner: int | None = None) -> str:
    """Write a launcher of a program, which is killed a second after its owner, by default this process, is gone."""
    launcher.write_text(LAUNCHER.format(program=program, owner=owner or os.getpid()))
    launcher.chmod(0o755)
    return str(launcher)

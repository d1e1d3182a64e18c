"""A mosquitto broker for trials: the machine's own or else Debian's, unpacked beside our programs, not installed."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock

SHELF = Path(sys.prefix) / "share" / "mosquitto"
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin"
DPKG_STATUS = Path("/var/lib/dpkg/status")
FETCH_SECONDS = 120


class NoMosquitto(RuntimeError):
    """The machine has no mosquitto, and its packages cannot be had; the message says why."""


@dataclass(frozen=True)
class Mosquitto:
    """The programs, and the variables that they need in their environment."""

    broker: Path
    passwords: Path
    environment: Mapping[str, str]


@cache
def mosquitto() -> Mosquitto:
    """The machine's own mosquitto, or the one unpacked from Debian's packages; the first call may fetch them.

    Needs neither root nor `apt-get update`. Raises NoMosquitto.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
    broker, passwords = shutil.which("mosquitto", path=path), shutil.which("mosquitto_passwd", path=path)
    if broker and passwords:
        return Mosquitto(Path(broker), Path(passwords), {})
    SHELF.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(SHELF.with_suffix(".lock")):
        if not SHELF.exists():
            _unpack_into(SHELF)
    libraries = {str(library.parent) for library in SHELF.rglob("*.so.*")}
    unpacked = {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}
    return Mosquitto(SHELF / "usr/sbin/mosquitto", SHELF / "usr/bin/mosquitto_passwd", unpacked)


def _unpack_into(shelf: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and DPKG_STATUS.exists()):
        raise NoMosquitto("mosquitto is not installed, and this is no Debian from whose packages it could be unpacked")
    with tempfile.TemporaryDirectory(dir=shelf.parent, prefix="mosquitto-") as folder:
        draft = Path(folder) / "root"
        for package in _download(Path(folder) / "apt"):
            _run("dpkg-deb", "-x", str(package), str(draft))
        draft.rename(shelf)


def _download(folder: Path) -> list[Path]:
    """mosquitto's package, and those of the libraries that the machine lacks. What apt keeps, it keeps in `folder`."""
    archives = folder / "cache" / "archives"
    for needed in (archives / "partial", folder / "state" / "lists" / "partial"):
        needed.mkdir(parents=True)
    options = {
        "Dir::State": folder / "state",
        "Dir::State::status": DPKG_STATUS,
        "Dir::Cache": folder / "cache",
        "Debug::NoLocking": "true",
        "Acquire::Languages": "none",
        "Acquire::http::Timeout": "15",
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    with suppress(NoMosquitto):  # a source that fails need not be Debian's
        _run(*apt, "update")
    _run(*apt, "install", "--download-only", "--no-install-recommends", "--yes", "mosquitto")
    return sorted(archives.glob("*.deb"))


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_SECONDS)  # noqa: S603
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["no word why"])[-1]
        raise NoMosquitto(f"mosquitto is not installed, and {command[0]} could not fetch it: {said}") from None
    except subprocess.TimeoutExpired:
        raise NoMosquitto(f"mosquitto is not installed, and {command[0]} took too long to fetch it") from None

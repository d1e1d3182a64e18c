"""What services do alike: they log to standard error, run until told to stop, and mark that they are ready."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvloop

from domain.errors import ConfigError


def run(serve: Callable[[], Coroutine[Any, Any, None]], log: logging.Logger) -> None:
    """Run a service to its end; one that cannot start says why in one sentence, with status 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        uvloop.run(serve())
    except (ConfigError, ValueError, RuntimeError) as error:
        log.error("cannot start: %s", error)
        sys.exit(1)


def told_to_stop() -> asyncio.Event:
    """What SIGTERM or SIGINT sets from now on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def mark(marker: Path) -> None:
    """Create a file that says we are ready; without it we serve all the same."""
    with suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()

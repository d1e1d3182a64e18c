"""Keep one child process alive: start it, know when it is ready, restart it when it dies, end it."""

import asyncio
import ctypes
import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

PR_SET_PDEATHSIG = 1
POLL = 0.05
"""Seconds between two looks at whether a child is ready."""
TAIL = 20
"""Lines of a child's log that are shown when it fails."""

log = logging.getLogger(__name__)


class StackError(RuntimeError):
    """The stack cannot start or go on; the message says why, and what to do."""


@dataclass(frozen=True)
class Port:
    """A port a process listens on, and the environment variable that moves it."""

    number: int
    title: str
    variable: str


@dataclass(frozen=True)
class Restarts:
    """How a dead process is restarted: after `first` seconds, doubling to `longest`, from the start again once it lived
    `steady` seconds; `deaths` within `window` seconds are one too many."""

    first: float = 0.2
    longest: float = 5.0
    steady: float = 10.0
    deaths: int = 8
    window: float = 30.0


@dataclass(frozen=True)
class Process:
    """What to run, and how to know that it works.

    `ready` is asked until it says yes; `marker` is a file the process makes once it is ready; with neither, a process
    that has started counts as ready. `descriptors` are open files it inherits.
    """

    name: str
    title: str
    command: Sequence[str]
    ready: Callable[[], Awaitable[bool]] | None = None
    marker: Path | None = None
    ports: Sequence[Port] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    folder: Path | None = None
    patience: float = 60.0
    """Seconds it may take to become ready."""
    user: str | None = None
    """System user it runs as, if not as ours."""


def answers(url: str) -> Callable[[], Awaitable[bool]]:
    """A `ready` that asks whether `url` answers GET with success."""

    async def ask() -> bool:
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
            try:
                return (await client.get(url)).is_success
            except httpx2.TransportError:
                return False

    return ask


def check_free(host: str, port: Port, patience: float = 0.0) -> None:
    """Raise StackError unless `port` can be listened on at `host`, or comes free within `patience` seconds."""
    end = time.monotonic() + patience
    while (error := _listening_fails(host, port.number)) is not None:
        if error.errno != errno.EADDRINUSE:
            raise StackError(f"Cannot listen on {host}:{port.number} ({error.strerror}); set JIESU_HOST.")
        if time.monotonic() >= end:
            raise StackError(
                f"Port {port.number} ({port.title}) is already in use by another program; "
                f"free it or set {port.variable}."
            )
        time.sleep(POLL)


def _listening_fails(host: str, port: int) -> OSError | None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        return error
    return None


class Child:
    """One process under supervision, writing to the log file `log_file`; `changed` is called after every (re)start."""

    def __init__(self, process: Process, log_file: Path, restarts: Restarts, changed: Callable[[], None]) -> None:
        self.process = process
        self._log_file = log_file
        self._restarts = restarts
        self._changed = changed
        self._deaths: deque[float] = deque(maxlen=restarts.deaths)
        self._running: asyncio.subprocess.Process | None = None
        self.kept: asyncio.Task[None] | None = None
        """Runs as long as the child is kept alive; ends with StackError when it dies too often."""

    @property
    def pid(self) -> int | None:
        """Its process id; None between a death and the restart."""
        running = self._running
        return running.pid if running is not None and running.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises StackError when it does not become ready."""
        await self._spawn()
        self.kept = asyncio.create_task(self._keep())
        ready = asyncio.create_task(self._become_ready())
        try:
            async with asyncio.timeout(self.process.patience):
                await asyncio.wait({ready, self.kept}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            waited = f"{self.process.patience:g} s"
            raise StackError(f"{self.process.title} was not ready after {waited}.{self._tail()}") from None
        finally:
            ready.cancel()
        if self.kept.done():
            self.kept.result()
        await ready

    async def stop(self, grace: float) -> None:
        """End it: SIGTERM, then SIGKILL after `grace` seconds. Harmless when it has not been started."""
        if self.kept is not None:
            self.kept.cancel()
            await asyncio.gather(self.kept, return_exceptions=True)
        running = self._running
        if running is None or running.returncode is not None:
            return
        running.terminate()
        try:
            await asyncio.wait_for(running.wait(), grace)
        except TimeoutError:
            log.warning("%s did not end within %g s; killed", self.process.name, grace)
            running.kill()
            await running.wait()

    async def _spawn(self) -> None:
        process = self.process
        _remove(process.marker)
        # uvloop, on which the measurements run, does not know the option.
        as_another: dict[str, Any] = {"user": process.user} if process.user else {}
        with self._log_file.open("ab") as output:
            self._running = await asyncio.create_subprocess_exec(
                *process.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **process.environment},
                cwd=process.folder,
                **as_another,
                pass_fds=tuple(process.descriptors),
                start_new_session=True,
                preexec_fn=_tied_to(os.getpid()),
            )
        self._changed()

    async def _become_ready(self) -> None:
        while True:
            if await self.is_ready():
                return
            await asyncio.sleep(POLL)

    async def is_ready(self) -> bool:
        """Whether it works, as far as it can tell; a process just killed may still be said to."""
        process = self.process
        if process.marker is not None and not _exists(process.marker):
            return False
        return process.ready is None or await process.ready()

    async def _keep(self) -> None:
        pause = self._restarts.first
        while self._running is not None:
            started = time.monotonic()
            code = await self._running.wait()
            if time.monotonic() - started >= self._restarts.steady:
                pause = self._restarts.first
            self._count_death()
            log.warning("%s ended (%s); restarting in %g s", self.process.name, _ending(code), pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._restarts.longest)
            await self._spawn()

    def _count_death(self) -> None:
        self._deaths.append(time.monotonic())
        span = self._deaths[-1] - self._deaths[0]
        if len(self._deaths) == self._restarts.deaths and span <= self._restarts.window:
            times = f"{self._restarts.deaths} times within {self._restarts.window:g} s"
            raise StackError(f"{self.process.title} ended {times}; stopping.{self._tail()}")

    def _tail(self) -> str:
        with self._log_file.open("rb") as file:
            file.seek(max(0, self._log_file.stat().st_size - 8192))
            last = file.read().decode(errors="replace").splitlines()[-TAIL:]
        return "\n".join([f" Its log, {self._log_file}, ends:", *last])


def _tied_to(parent: int) -> Callable[[], None]:
    """What a new child does first: on Linux, ask to be killed when `parent` dies."""
    # Elsewhere children outlive a killed supervisor; their ports and the engine's lock then keep a second set out.
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None)

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the request.
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _exists(path: Path) -> bool:
    return path.exists()


def _remove(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)

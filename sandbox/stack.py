"""The whole system on one machine: the engine, the worker, the API and the sandbox city under one supervisor."""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from sandbox import system
from sandbox.supervisor import POLL, Child, Process, Restarts, StackError, check_free
from settings import Settings
from temporal import embedded

__all__ = ["Process", "Restarts", "Stack", "StackError"]

GRACE = 15.0
"""Seconds a process is given to end by itself."""
HANDOVER = 3.0
"""Seconds in which the processes of a stack that was killed are surely gone."""

log = logging.getLogger(__name__)

Hook = Callable[[], Awaitable[None]]


class Stack:
    """Runs the system of `settings` under `settings.home`, where a later start continues.

    `prepare` is awaited once the engine answers, before anything that needs it. `progress` is told, in a few words,
    what is being started and how long it took. `before` are processes that the system needs, started first; `processes`
    replaces the system's own, the engine first; `beside` are started with them.

        async with Stack(Settings(), prepare=prepare, progress=print) as stack:
            await stack.wait()
    """

    def __init__(
        self,
        settings: Settings,
        *,
        prepare: Hook | None = None,
        progress: Callable[[str], None] = log.info,
        before: Sequence[Process] = (),
        processes: Sequence[Process] | None = None,
        beside: Sequence[Process] = (),
        time_skipping: bool = False,
        restarts: Restarts | None = None,
        grace: float = GRACE,
    ) -> None:
        self.settings = settings
        self.urls = system.urls(settings)
        self._prepare = prepare
        self._progress = progress
        self._before = before
        self._processes = processes
        self._beside = beside
        self._time_skipping = time_skipping
        self._restarts = restarts or Restarts()
        self._grace = grace
        self._home = settings.home.resolve()
        self._children: list[Child] = []
        self._asked = asyncio.Event()
        self._undo = AsyncExitStack()

    def pids(self) -> dict[str, int]:
        """The process id of each process that is running now, by name."""
        return {child.process.name: child.pid for child in self._children if child.pid is not None}

    async def ready_again(self, name: str, killed: int) -> None:
        """Wait until the process of that name, killed as process id `killed`, runs anew and is ready."""
        child = next(child for child in self._children if child.process.name == name)
        while True:
            if child.pid not in (None, killed) and await child.is_ready():
                return
            await asyncio.sleep(POLL)

    async def start(self) -> None:
        """Start everything: the engine first, and once it is ready and prepared all others at the same time.

        Raises StackError, with everything ended again, when a stack runs here already, a port is taken, a process does
        not become ready, or the start is interrupted by SIGINT or SIGTERM.
        """
        self._asked.clear()
        starting = asyncio.create_task(self._start())
        try:
            await self._until_asked([starting])
        finally:
            if not starting.done():
                starting.cancel()
                await asyncio.wait([starting])
        if starting.cancelled():
            raise StackError("Stopped before everything was up.")
        starting.result()

    async def wait(self) -> None:
        """Wait for SIGINT or SIGTERM since the start. Raises StackError when a process keeps dying."""
        kept = [child.kept for child in self._children if child.kept is not None]
        await self._until_asked(kept)
        for task in kept:
            if task.done():
                task.result()

    async def stop(self) -> None:
        """End everything, in reverse order. Harmless when repeated."""
        await self._undo.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _until_asked(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Wait until a signal asks to end, or one of `tasks` has ended."""
        asked = asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait([asked, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()

    def _catch_signals(self) -> ExitStack:
        """Have SIGINT and SIGTERM ask to end; once asked, or when the result is closed, they do again what they did."""
        loop = asyncio.get_running_loop()
        restore = ExitStack()

        def ask() -> None:
            restore.close()
            self._asked.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            restore.callback(signal.signal, number, signal.getsignal(number))
            restore.callback(loop.remove_signal_handler, number)
            loop.add_signal_handler(number, ask)
        return restore

    async def _start(self) -> None:
        async with AsyncExitStack() as undo:
            undo.callback(self._catch_signals().close)
            engine, *others = self._claim(undo)
            others += self._beside
            for process in (*self._before, engine):
                await self._run([process], undo)
            await self._after_engine()
            await self._run(others, undo)
            self._undo = undo.pop_all()

    def _claim(self, undo: AsyncExitStack) -> Sequence[Process]:
        """Make sure that home, database file and ports are ours; returns what to run."""
        (self._home / "logs").mkdir(parents=True, exist_ok=True)
        # What is kept in it, personal data among it, is for our own user alone.
        self._home.chmod(0o700)
        lock = FileLock(self._home / "stack.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StackError(
                f"A stack is already running here (process {self._owner()}). "
                "Stop it with Ctrl-C in its terminal, or set JIESU_HOME to another folder."
            ) from None
        undo.callback(lock.release)
        # A state file left behind tells of a stack that was killed; its processes may take a moment to go.
        patience = HANDOVER if self._state_file.exists() else 0.0
        processes = self._processes if self._processes is not None else self._system(undo, patience)
        for port in [port for process in processes for port in process.ports]:
            check_free(self.settings.host, port, patience)
        self._children = []
        undo.callback(self._state_file.unlink, missing_ok=True)
        self._write_state()
        return processes

    def _system(self, undo: AsyncExitStack, patience: float) -> list[Process]:
        try:
            hold = embedded.hold(self._home, patience=patience)
            undo.callback(hold.release)
            return system.processes(self.settings, hold, time_skipping=self._time_skipping)
        except (embedded.FileInUse, FileNotFoundError) as error:
            raise StackError(str(error)) from error

    async def _run(self, processes: Sequence[Process], undo: AsyncExitStack) -> None:
        """Start processes at the same time and wait until all are ready; the first that fails ends the others' wait."""
        try:
            async with asyncio.TaskGroup() as starting:
                for process in processes:
                    log_file = self._home / "logs" / f"{process.name}.log"
                    child = Child(process, log_file, self._restarts, self._write_state)
                    self._children.append(child)
                    undo.push_async_callback(child.stop, self._grace)
                    starting.create_task(self._start_child(child))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _start_child(self, child: Child) -> None:
        with self._timed(f"starting {child.process.title} …", f"{child.process.title} ready"):
            await child.start()

    async def _after_engine(self) -> None:
        if self._processes is None:
            await embedded.keep_histories(system.temporal_address(self.settings))
        if self._prepare is not None:
            with self._timed("preparing …", "prepared"):
                await self._prepare()

    @contextmanager
    def _timed(self, before: str, after: str) -> Iterator[None]:
        self._progress(before)
        started = time.monotonic()
        yield
        self._progress(f"{after} in {time.monotonic() - started:.1f} s")

    @property
    def _state_file(self) -> Path:
        return self._home / "stack.json"

    def _write_state(self) -> None:
        state = {"pid": os.getpid(), "processes": self.pids(), "urls": self.urls}
        draft = self._state_file.with_suffix(".new")
        draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        draft.replace(self._state_file)

    def _owner(self) -> str:
        try:
            return str(json.loads(self._state_file.read_text(encoding="utf-8"))["pid"])
        except (OSError, ValueError, KeyError):
            return "unknown"

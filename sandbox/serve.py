"""Serve the sandbox city: `python -m sandbox.serve`. One process, eight ports."""

import asyncio
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Self

import uvicorn
from fastapi import FastAPI

from sandbox.control import create_control
from sandbox.faults import PARTIES, Faults
from sandbox.grid import create_grid
from sandbox.jiesu import Jiesu
from sandbox.partner import create_partners
from sandbox.receipts import Receipts
from sandbox.sms import create_sms
from sandbox.unit import create_unit
from service import run, told_to_stop
from settings import read_settings

UNITS = {"water": "郑州水务", "heat": "郑州热力", "gas": "郑州燃气", "power": "郑州供电", "office": "委办局与街道"}
GRACE = 1
"""Seconds that requests under way are given when a party goes down."""

log = logging.getLogger(__name__)


def ports(first: int) -> dict[str, int]:
    """The port of the control and of each party, given the first of them."""
    return {name: first + offset for offset, name in enumerate(("control", *PARTIES))}


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it shares with seven others."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Service:
    """One app on one port, which can stop listening and start again."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._app = app
        self._address = (host, port)
        self._lock = asyncio.Lock()
        self._running: tuple[_Server, asyncio.Task[None]] | None = None

    async def open(self) -> None:
        """Listen, unless listening already. Raises OSError when the port is taken."""
        async with self._lock:
            if self._running is not None:
                return
            listener = socket.create_server(self._address)
            config = uvicorn.Config(
                self._app, log_config=None, log_level="error", lifespan="off", timeout_graceful_shutdown=GRACE
            )
            server = _Server(config)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            self._running = server, task
            await server.listening.wait()

    async def close(self) -> None:
        """Stop listening; requests under way get a moment to finish."""
        async with self._lock:
            if self._running is None:
                return
            server, task = self._running
            self._running = None
            server.should_exit = True
            await task


class City:
    """The sandbox city: the control and seven parties, each on its own port of `host`."""

    def __init__(self, host: str, ports: Mapping[str, int]) -> None:
        self.faults = Faults()
        self._jiesu, self._receipts = Jiesu(), Receipts(self.faults)
        apps = {party: create_unit(title, party, self.faults, self._jiesu) for party, title in UNITS.items()}
        apps |= {"grid": create_grid(self.faults), "sms": create_sms(self.faults, self._receipts)}
        apps["office"].include_router(create_partners())
        # The control comes last, so that whoever can reach it can reach all.
        apps["control"] = create_control(self.faults, self._apply)
        self._services = {name: Service(app, host, ports[name]) for name, app in apps.items()}
        self._undo = AsyncExitStack()

    async def start(self) -> None:
        """Open every port. Raises OSError, with all of them closed again, when one is taken."""
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._jiesu.close)
            undo.push_async_callback(self._receipts.close)
            for service in self._services.values():
                undo.push_async_callback(service.close)
                await service.open()
            self._undo = undo.pop_all()

    async def stop(self) -> None:
        """Close every port."""
        # All at once: each takes a moment to notice.
        await asyncio.gather(*(service.close() for service in self._services.values()))
        await self._undo.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _apply(self, party: str) -> None:
        service = self._services[party]
        fault = self.faults.current[party]
        log.info("fault of %s is now %s", party, fault.kind)
        if fault.kind == "down":
            await service.close()
        else:
            await service.open()


async def serve() -> None:
    """Serve the city until the process is asked to end."""
    settings, stop = read_settings(), told_to_stop()
    async with City(settings.host, ports(settings.sandbox_port)):
        log.info("sandbox city on %s, control on port %d", settings.host, settings.sandbox_port)
        await stop.wait()


if __name__ == "__main__":
    run(serve, log)

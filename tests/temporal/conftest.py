import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from temporal import embedded
from tests.ports import free_ports


@dataclass
class Server:
    """A running embedded server."""

    address: str
    process: subprocess.Popen[bytes]


Start = Callable[[Path, embedded.Hold], Awaitable[Server]]


@pytest.fixture
async def start_server() -> AsyncIterator[Start]:
    """Starts a real server on a home; those still alive are ended after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def spawn(command: list[str], hold: embedded.Hold) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command, pass_fds=[hold.fd], stdout=subprocess.DEVNULL))
        return started[-1]

    async def start(home: Path, hold: embedded.Hold) -> Server:
        port, ui_port = free_ports(2)
        server = Server(f"127.0.0.1:{port}", spawn(embedded.command(home, "127.0.0.1", port, ui_port), hold))
        async with asyncio.timeout(60):
            while True:
                if await embedded.ready(server.address):
                    return server
                await asyncio.sleep(0.05)

    yield start
    for process in started:
        process.kill()
        process.wait()

import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress

import httpx2
import pytest

from sandbox.faults import PARTIES
from sandbox.serve import City

Url = Callable[[str], str]


@pytest.fixture
def free_ports() -> Callable[[int], list[int]]:
    """Gives so many different free ports."""

    def find(count: int) -> list[int]:
        with ExitStack() as held:
            listeners = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
            return [listener.getsockname()[1] for listener in listeners]

    return find


@pytest.fixture
def free_run() -> Callable[[int], int]:
    """Gives the first of so many free ports in a row, below those the system hands out by itself."""

    def find(count: int) -> int:
        while True:
            first = random.randrange(20_000, 30_000)
            with ExitStack() as held, suppress(OSError):
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
                return first

    return find


@pytest.fixture
async def url(free_ports: Callable[[int], list[int]]) -> AsyncIterator[Url]:
    """A running city; gives the address of the control or of a party."""
    names = ("control", *PARTIES)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    async with City("127.0.0.1", ports):
        yield lambda name: f"http://127.0.0.1:{ports[name]}"


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
        yield client

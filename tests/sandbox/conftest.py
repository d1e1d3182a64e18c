from collections.abc import AsyncIterator, Callable

import httpx2
import pytest

from sandbox.faults import PARTIES
from sandbox.serve import City
from tests.ports import free_ports

Url = Callable[[str], str]


@pytest.fixture
async def url() -> AsyncIterator[Url]:
    """A running city; gives the address of the control or of a party."""
    names = ("control", *PARTIES)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    async with City("127.0.0.1", ports):
        yield lambda name: f"http://127.0.0.1:{ports[name]}"


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        yield client

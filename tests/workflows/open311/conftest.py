from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from temporalio.testing import WorkflowEnvironment

from domain.city import City
from ledger.database import Ledger
from tests.workflows.hotline import Hotline, Street
from tests.workflows.open311.unit_server import Server, with_server


@pytest.fixture
async def gas(street: Street, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The gas company's server, which works well again after the test."""
    monkeypatch.setenv("JIESU_ENDPOINT_GAS311", f"{street.addresses['gas']}/open311/v2")
    monkeypatch.setenv("JIESU_SECRET_GAS311", "key-of-the-hotline")
    # A connection that lay idle may be closed while it is used.
    limits = httpx2.Limits(max_keepalive_connections=0)
    async with httpx2.AsyncClient(trust_env=False, timeout=10, limits=limits) as http:
        server = Server(street.addresses["gas"], http)
        yield server
        await server.behave("well")


@pytest.fixture
async def hotline(
    server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger, gas: Server
) -> AsyncIterator[Hotline]:
    """The whole engine, in a city whose gas company runs an Open311 server."""
    async with AsyncExitStack() as stack:
        yield await Hotline.open(stack, server, with_server(city), ledger)

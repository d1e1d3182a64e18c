"""One real server for all tests here, and for each test a ledger and a worker."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from domain.city import City, load_city
from domain.rulebook import Rulebook
from ledger.database import Ledger
from sandbox.faults import PARTIES, Fault
from settings import ROOT
from temporal import search_attributes
from tests.keys import CONVERTER
from tests.workflows.hotline import Hotline, Street

GUARDED = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "domain", "workflows.names", "workflows.attributes", "pydantic"
    )
)
"""Every workflow runs in the SDK's sandbox here, which refuses what is not deterministic."""


@pytest.fixture(scope="session")
async def server(temporal_server: str) -> AsyncIterator[WorkflowEnvironment]:
    """A real server; each case has a clock of its own, which runs as ours does until a test winds it forward."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),
        data_converter=CONVERTER,
        dev_server_existing_path=temporal_server,
        dev_server_log_level="error",
        dev_server_extra_args=["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"],
    ) as environment:
        await search_attributes.ensure(environment.client)
        yield environment


@pytest.fixture(scope="session")
async def whole_street(sandbox_city: dict[str, str]) -> AsyncIterator[Street]:
    """The sandbox city, as tests here see it."""
    async with Street(sandbox_city) as street:
        yield street


@pytest.fixture
async def street(whole_street: Street) -> AsyncIterator[Street]:
    """The sandbox city, every fault of which ends with the test."""
    yield whole_street
    for party in PARTIES:
        await whole_street.fault(party, Fault())


def trying(city: City, **pauses: str) -> City:
    """The city with other pauses between attempts to reach outside systems."""
    rules = city.rulebook.model_dump()
    return city.model_copy(update={"rulebook": Rulebook.model_validate(rules | {"effects": rules["effects"] | pauses})})


@pytest.fixture(scope="session")
def city() -> City:
    """Zhengzhou, trying again after a second: pauses between attempts are real time, which no test winds forward."""
    return trying(load_city(ROOT / "cities" / "zhengzhou").at_any_hour(), first_retry="1s", longest_pause="1s")


@pytest.fixture(scope="session")
def hasty_city(city: City) -> City:
    """The same city, giving up after seconds instead of days."""
    return trying(city, give_up_after="3s")


@pytest.fixture
def database_kind() -> str:
    """Workflows know no database: one kind will do."""
    return "sqlite"


@pytest.fixture
async def hotline(server: WorkflowEnvironment, street: Street, city: City, ledger: Ledger) -> AsyncIterator[Hotline]:
    """The whole engine: server, worker, ledger, city."""
    async with AsyncExitStack() as stack:
        yield await Hotline.open(stack, server, city, ledger, runner=GUARDED)


@pytest.fixture
async def hasty(
    server: WorkflowEnvironment, street: Street, hasty_city: City, ledger: Ledger
) -> AsyncIterator[Hotline]:
    """The same, in a city that soon gives up on outside systems."""
    async with AsyncExitStack() as stack:
        yield await Hotline.open(stack, server, hasty_city, ledger, runner=GUARDED)

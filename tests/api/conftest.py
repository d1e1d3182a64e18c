"""The real thing: sites of a ledger, a worker and an API over HTTP."""

import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from temporalio.client import Client

from api.__main__ import SERVING
from api.app import create_app
from domain.city import load_city
from domain.roles import Role
from ledger.database import Ledger, open_ledger
from ledger.keys import create_key
from ledger.models import CaseRow
from settings import Settings, SmsSettings
from temporal import search_attributes
from tests.keys import CODEC_KEYS, CONVERTER
from tests.ports import free_ports
from worker import create_worker

UNITS = ("zz-water", "zz-heat")
RATES = ("JIESU_RATE_LIMIT", "JIESU_REFUSED_LIMIT", "JIESU_OPEN311_LIMIT")
UNLIMITED = dict.fromkeys(RATES, "100000/second")
"""All tests come from one address."""


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


class Api:
    """The app behind a real server, in a thread with an event loop of its own."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = {"JIESU_CODEC_KEYS": CODEC_KEYS, **values}

    def start(self) -> None:
        (self.port,) = free_ports(1)
        config = uvicorn.Config(
            create_app(),
            # Tests are many clients: the address that each names is believed.
            **{**SERVING, "proxy_headers": True},
            port=self.port,
            ws="none",
            log_config=None,
            log_level="error",
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        with environment(self.values):
            self._thread.start()
            while not self._server.started:
                assert self._thread.is_alive()
                time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


class Site:
    """One installation, and how its people call it: `by` is a role, or the code of a unit; a citizen shows the code."""

    def __init__(self, api: Api, ledger: Ledger, keys: dict[str, str], http: httpx2.AsyncClient) -> None:
        self.api, self.ledger, self.keys, self.http = api, ledger, keys, http

    async def code(self, number: str) -> str:
        """The code of a case, as its citizen was texted it."""
        async with self.ledger.session() as session:
            return str((await session.get_one(CaseRow, number)).code)

    async def call(
        self, method: str, path: str, by: str | None = None, *, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        headers = {"Idempotency-Key": key} if key else {}
        if by is not None:
            headers["Authorization"] = f"Bearer {self.keys.get(by, by)}"
        headers |= more.pop("headers", {})
        return await self.http.request(method, f"http://127.0.0.1:{self.api.port}{path}", headers=headers, **more)

    async def get(self, path: str, by: str = "dispatcher", **params: Any) -> Any:
        answer = await self.call("GET", path, by, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def receive(self, **changes: Any) -> str:
        body = {"text": "家里自来水水压变小", "phone": "13800000000", "address": "丰庆路3号楼", "category": "help"}
        answer = await self.call("POST", "/cases", "agent", json=body | changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["number"])

    async def step(self, number: str, step: str, by: str, key: str | None = None, /, **body: Any) -> httpx2.Response:
        path = f"/cases/{number}/{step}"
        if by == "citizen":
            headers = {"Case-Code": await self.code(number)}
            return await self.call("POST", path, key=key, headers=headers, json=body)
        return await self.call("POST", path, by, key=key, json=body)

    async def take(self, number: str, step: str, by: str, key: str | None = None, /, **body: Any) -> dict[str, Any]:
        answer = await self.step(number, step, by, key, **body)
        assert answer.status_code == 200, answer.text
        taken: dict[str, Any] = answer.json()
        return taken

    async def dispatched(self, lead: str = "zz-water", **changes: Any) -> str:
        number = await self.receive(**changes)
        await self.take(number, "dispatch", "dispatcher", lead=lead)
        return number

    async def in_callback(self) -> str:
        number = await self.dispatched()
        await self.take(number, "sign-in", "zz-water")
        await self.take(number, "submit-result", "zz-water", text="阀门已打开，水压恢复。")
        return number


async def issue_keys(ledger: Ledger) -> dict[str, str]:
    staff: dict[str, tuple[Role, str | None]] = {role.value: (role, None) for role in Role if role is not Role.UNIT}
    staff |= {unit: (Role.UNIT, unit) for unit in UNITS}
    async with ledger.session() as session:
        return {name: await create_key(session, role, unit, "test") for name, (role, unit) in staff.items()}


OpenSite = Callable[..., Any]


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def open_site(http: httpx2.AsyncClient, tmp_path_factory: pytest.TempPathFactory) -> OpenSite:
    """Opens a site on a ledger with tables; `values` are settings that differ from the usual."""

    @asynccontextmanager
    async def open(ledger_url: str, values: dict[str, str]) -> AsyncIterator[Site]:
        ledger = open_ledger(ledger_url)
        home = str(tmp_path_factory.mktemp("home"))
        api = Api({"JIESU_DATABASE_URL": ledger_url, "JIESU_HOME": home, **UNLIMITED, **values})
        async with AsyncExitStack() as stack:
            stack.push_async_callback(ledger.close)
            keys = await issue_keys(ledger)
            api.start()
            stack.callback(api.stop)
            yield Site(api, ledger, keys, http)

    return open


@asynccontextmanager
async def manned(engine: str, namespace: str, ledger_url: str, open_site: OpenSite) -> AsyncIterator[Site]:
    """A site with a worker."""
    city = load_city(Settings().city_folder).at_any_hour()
    client = await Client.connect(engine, namespace=namespace, data_converter=CONVERTER)
    await search_attributes.ensure(client)
    values = {"TEMPORAL_ADDRESS": engine, "TEMPORAL_NAMESPACE": namespace, "JIESU_TASK_QUEUE": "jiesu"}
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(open_site(ledger_url, values))
        await stack.enter_async_context(await create_worker(client, city, site.ledger, "jiesu", stack, SmsSettings()))
        yield site


@pytest.fixture(scope="session")
def new_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Call it for the URL of a fresh SQLite ledger."""

    def fresh() -> str:
        path = tmp_path_factory.mktemp("site") / "ledger.db"
        shutil.copy(migrated_sqlite, path)
        return f"sqlite+aiosqlite:///{path}"

    return fresh


@pytest.fixture(scope="session")
async def site(
    engine: str, sandbox_city: dict[str, str], open_site: OpenSite, new_sqlite: Callable[[], str]
) -> AsyncIterator[Site]:
    """A whole installation on SQLite."""
    async with manned(engine, "sqlite", new_sqlite(), open_site) as opened:
        yield opened


@pytest.fixture(scope="session")
async def postgres_site(
    engine: str, sandbox_city: dict[str, str], open_site: OpenSite, postgres_url: Callable[..., str]
) -> AsyncIterator[Site]:
    """A whole installation on PostgreSQL."""
    async with manned(engine, "postgres", postgres_url(), open_site) as opened:
        yield opened


@pytest.fixture(params=["site", "postgres_site"])
def each_site(request: pytest.FixtureRequest) -> Site:
    """Runs a test on an installation of each kind."""
    found: Site = request.getfixturevalue(request.param)
    return found

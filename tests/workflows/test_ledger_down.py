"""A ledger that is down: steps are still taken, and everything is written in order once it is back."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager

import psycopg
import pytest
from temporalio.testing import WorkflowEnvironment

from domain.city import City
from ledger.database import LEDGER_ERRORS, open_ledger
from tests.conftest import PostgresUrl
from tests.workflows.conftest import GUARDED
from tests.workflows.hotline import Hotline, Street, eventually, kinds


@contextmanager
def sqlite_locked(url: str) -> Iterator[None]:
    """Hold the file's only write lock, as a long report or a backup might."""
    connection = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


async def all_written(hotline: Hotline, number: str, count: int) -> list[str]:
    async def written() -> list[str]:
        try:
            found = kinds(await hotline.events(number))
        except LEDGER_ERRORS:
            return []
        return found if len(found) == count else []

    found: list[str] = await eventually(written)
    return found


async def test_steps_are_taken_while_the_ledger_is_locked(hotline: Hotline, ledger_url: str, street: Street) -> None:
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    with sqlite_locked(ledger_url):
        assert (await hotline.take(number, "sign-in")).event == 3
        assert (await hotline.take(number, "hurry")).event == 4
    assert await all_written(hotline, number, 4) == ["received", "dispatched", "signed_in", "hurried"]
    assert (await hotline.row(number)).last_event == 4

    async def told() -> bool:
        return [order["kind"] for order in await street.received("water", number)] == ["dispatch", "notice"]

    assert await eventually(told)


@pytest.fixture
async def on_postgres(
    server: WorkflowEnvironment, street: Street, city: City, postgres_url: PostgresUrl
) -> AsyncIterator[tuple[Hotline, str]]:
    url = postgres_url()
    ledger = open_ledger(url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(ledger.close)
        yield await Hotline.open(stack, server, city, ledger, runner=GUARDED), url


@contextmanager
def postgres_closed(admin: str, url: str) -> Iterator[None]:
    """Let nobody into one database, and put out who is in it."""
    name = url.split("?")[0].rsplit("/", 1)[1]
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'".encode())
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


async def test_steps_are_taken_while_postgresql_is_down(on_postgres: tuple[Hotline, str], postgres_server: str) -> None:
    hotline, url = on_postgres
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    assert kinds(await hotline.events(number)) == ["received", "dispatched"]
    with postgres_closed(postgres_server, url):
        assert (await hotline.take(number, "sign-in")).event == 3
        assert (await hotline.take(number, "hurry")).event == 4
    assert await all_written(hotline, number, 4) == ["received", "dispatched", "signed_in", "hurried"]

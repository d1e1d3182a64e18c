"""The ledger's database: SQLite beside the embedded engine, or PostgreSQL by URL, with the same code for both."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, RowMapping, Select, create_engine, event, exc, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import SQLModel

LEDGER_ERRORS = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What an unreachable, overloaded or locked database raises; try again later."""

BUSY_SECONDS = 10
CONNECT_SECONDS = 10
SQLITE_POOL = 4

THREADS = 8

Given = ParamSpec("Given")
Result = TypeVar("Result")

Insert = postgresql.Insert | sqlite.Insert


class Ledger:
    """An open ledger."""

    def __init__(self, engine: AsyncEngine, threaded: Engine, threads: int) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._threaded = threaded
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ledger")

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back by an exception."""
        return self._sessions.begin()

    async def run(
        self, work: Callable[Concatenate[Connection, Given], Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """One transaction in a thread: half the processor time of a session, for what every step of every case does."""

        def transact() -> Result:
            with self._threaded.begin() as connection:
                return work(connection, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._threads, transact)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        self._threads.shutdown()
        self._threaded.dispose()


def open_ledger(url: str) -> Ledger:
    """The ledger at an SQLAlchemy URL. Nothing is connected yet: an unreachable one raises LEDGER_ERRORS when used."""
    address = normal_url(url)
    # At DEBUG it logs the values of every statement, which may be personal.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)
    engine = create_async_engine(address, **engine_options(address))
    if address.get_backend_name() != "sqlite":
        return Ledger(engine, create_engine(address, **engine_options(address)), THREADS)
    threaded = create_engine(address.set(drivername="sqlite"), **engine_options(address))
    for one in (engine.sync_engine, threaded):
        event.listen(one, "connect", prepare_sqlite)
    # One thread: SQLite has one writer at a time anyway, and its lock has no queue.
    return Ledger(engine, threaded, 1)


def normal_url(url: str) -> URL:
    """The URL with the driver we use: aiosqlite for SQLite, psycopg 3 for PostgreSQL."""
    address = make_url(url.replace("postgres://", "postgresql://", 1))
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    return address.set(drivername=drivers.get(address.drivername, address.drivername))


def engine_options(address: URL) -> dict[str, Any]:
    """What to pass to SQLAlchemy for this kind of database; values never appear in its errors, they may be personal."""
    if address.get_backend_name() == "sqlite":
        # A transaction that writes takes the lock at its start: one that took it later could not wait for another.
        connect = {"isolation_level": "IMMEDIATE", "timeout": BUSY_SECONDS}
        # Writers queue for a connection in fair order; SQLite's own lock has no queue.
        return {"hide_parameters": True, "connect_args": connect, "pool_size": SQLITE_POOL, "max_overflow": 0}
    return {"hide_parameters": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}, "pool_pre_ping": True}


def prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Make a new SQLite connection durable, patient and strict, and have it overwrite what is removed with zeros."""
    cursor = connection.cursor()
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def snapshot(connection: Connection) -> None:
    """Make all that this transaction reads the state of one moment."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def hold(connection: Connection, rows: Select[Any], values: dict[str, Any] | None = None) -> RowMapping | None:
    """The row of a SELECT … FOR UPDATE, if any; nobody else changes it until this transaction ends."""
    begin_writing(connection)
    return connection.execute(rows, values).mappings().one_or_none()


def queue(connection: Connection, name: str) -> None:
    """Wait until nobody else who queued for this name is in a transaction, and let the next wait for ours to end."""
    begin_writing(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def begin_writing(connection: Connection) -> None:
    """SQLite knows neither FOR UPDATE nor named locks: whoever is to write next takes its one write lock first."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


async def lock(session: AsyncSession, name: str) -> None:
    """Let nobody else lock this name until the transaction ends. SQLite has one writer at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def empty_log(ledger: Ledger) -> None:
    """Have SQLite fold its write-ahead log into the database, for the log still holds what was removed."""
    if ledger.engine.dialect.name == "sqlite":
        async with ledger.session() as session:
            await (await session.connection()).exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def insert(session: AsyncSession, table: type[SQLModel]) -> Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` of the session's database."""
    return insert_for(session.get_bind().dialect.name, table)


def insert_for(dialect: str, table: type[SQLModel]) -> Insert:
    """`insert` for the database of a dialect's name, where there is no session."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)

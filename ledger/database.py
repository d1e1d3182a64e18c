"""The ledger's database: SQLite beside the embedded engine, or PostgreSQL by URL, with the same code for both."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import URL, event, exc, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import SQLModel

LEDGER_ERRORS = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
"""What an unreachable, overloaded or locked database raises; try again later."""

BUSY_SECONDS = 10
CONNECT_SECONDS = 10
SQLITE_POOL = 4

Insert = postgresql.Insert | sqlite.Insert


class Ledger:
    """An open ledger."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back by an exception."""
        return self._sessions.begin()

    async def close(self) -> None:
        """Close every connection; the ledger opens new ones if used again."""
        await self.engine.dispose()


def open_ledger(url: str) -> Ledger:
    """The ledger at an SQLAlchemy URL. Nothing is connected yet: an unreachable one raises LEDGER_ERRORS when used."""
    address = normal_url(url)
    engine = create_async_engine(address, **engine_options(address))
    if address.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", prepare_sqlite)
    return Ledger(engine)


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
    return {"hide_parameters": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}


def prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Make a new SQLite connection durable, patient and strict."""
    cursor = connection.cursor()
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def insert(session: AsyncSession, table: type[SQLModel]) -> Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` of the session's database."""
    return insert_for(session.get_bind().dialect.name, table)


def insert_for(dialect: str, table: type[SQLModel]) -> Insert:
    """The same by the dialect's name."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)

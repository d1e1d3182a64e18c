"""Bring a ledger's tables up to date."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event

from ledger.database import engine_options, normal_url, prepare_sqlite

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 12345
"""Number of the PostgreSQL advisory lock under which one process migrates while others wait."""


def upgrade(url: str) -> None:
    """Create or upgrade the tables at an SQLAlchemy URL, all or nothing; blocks.

    Safe to run from many processes at once. Raises LEDGER_ERRORS when the database cannot be reached.
    """
    address = normal_url(url)
    options = engine_options(address)
    if address.get_backend_name() == "sqlite":
        address = address.set(drivername="sqlite")
    engine = create_engine(address, **options)
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", prepare_sqlite)
    try:
        with engine.begin() as connection:
            _lock(connection)
            command.upgrade(config(connection), "head")
    finally:
        engine.dispose()


class LedgerOutdated(ValueError):
    """The ledger's tables are older than this program."""

    def __init__(self) -> None:
        super().__init__("The ledger's tables are missing or out of date: run `jiesu migrate`.")


def check_tables(connection: Connection) -> None:
    """Raise LedgerOutdated unless the tables are as new as this program, or newer."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None or revision in _older():
        raise LedgerOutdated


@cache
def _older() -> frozenset[str]:
    scripts = ScriptDirectory(str(MIGRATIONS))
    return frozenset(script.revision for script in scripts.walk_revisions()) - set(scripts.get_heads())


def config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection; no file is read."""
    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    found.attributes["connection"] = connection
    return found


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

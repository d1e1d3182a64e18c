"""Bring a ledger's tables up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
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

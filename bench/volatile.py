"""The API with durability switched off, to measure against: nothing waits for a disk, and no case is ever started."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.engine.interfaces import DBAPIConnection

from api import app as durable
from api.service import Service, lifespan
from ledger import database
from ledger.database import prepare_sqlite
from ledger.models import CaseRow


class Unstarted(Service):
    """A service that leaves every case to itself."""

    async def start(self, row: CaseRow) -> None:
        """Do nothing."""


def create_app() -> FastAPI:
    """The same app, route for route. The process is of no other use: its SQLite never syncs."""
    database.prepare_sqlite = _unsynced
    app = durable.create_app()
    app.router.lifespan_context = _unstarted
    return app


def _unsynced(connection: DBAPIConnection, _record: object) -> None:
    prepare_sqlite(connection, _record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


@asynccontextmanager
async def _unstarted(app: FastAPI) -> AsyncIterator[None]:
    async with lifespan(app):
        app.state.service = Unstarted(**vars(app.state.service))
        yield

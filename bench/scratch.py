"""PostgreSQL databases for a measurement: made on a server somebody names, and dropped afterwards."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from ledger.database import normal_url


@contextmanager
def scratch_databases(server: str) -> Iterator[tuple[str, str]]:
    """URLs of two empty databases on the server at a URL; a commit in the second does not wait for the disk.

    Raises ValueError when the server does not answer or its user may not make databases.
    """
    url = normal_url(server).set(drivername="postgresql")
    durable, volatile = (f"jiesu_bench_{uuid4().hex}" for _ in range(2))
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(psycopg.connect(_text(url), autocommit=True))
            for name in (durable, volatile):
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
                stack.callback(connection.execute, SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
            connection.execute(SQL("ALTER DATABASE {} SET synchronous_commit = off").format(Identifier(volatile)))
        except psycopg.Error as error:
            raise ValueError(f"no databases can be made at {url.render_as_string()} ({type(error).__name__})") from None
        yield _text(url.set(database=durable)), _text(url.set(database=volatile))


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)

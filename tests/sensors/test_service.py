"""The listener as a process of its own: from an alert to its case, killed, told to stop, or without a broker."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiomqtt import Client
from sqlalchemy import Row, select
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from bench.broker import HOST, Broker
from ledger.database import Ledger
from ledger.tables import CASES
from settings import ROOT
from temporal import search_attributes
from temporal.connection import connect
from tests.keys import CODEC_KEYS, KEYRING
from tests.sensors.conftest import METERS, PASSWORD, TOPIC, Papers, alerts, event
from tests.sensors.listening import until
from tests.workflows.hotline import eventually
from tests.workflows.test_ledger_down import sqlite_locked

COMMAND = [sys.executable, "-m", "sensors"]


@pytest.fixture
def environment(broker: Broker, papers: Papers, ledger_url: str, engine: str, tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "TEMPORAL_ADDRESS": engine,
        "JIESU_DATABASE_URL": ledger_url,
        "JIESU_TASK_QUEUE": f"sensors-{uuid4().hex}",
        "JIESU_HOME": str(tmp_path),
        "JIESU_CODEC_KEYS": CODEC_KEYS,
        "JIESU_MQTT_URL": f"mqtts://{HOST}:{broker.port}",
        "JIESU_MQTT_USERNAME": "jiesu",
        "JIESU_MQTT_PASSWORD": PASSWORD,
        "JIESU_MQTT_CA": str(papers.ca),
    }


class Service:
    """The process; `start` it again after it has ended."""

    def __init__(self, environment: dict[str, str], home: Path) -> None:
        self._environment, self.marker, self._log = environment, home / "sensors.ready", home / "sensors.log"

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*COMMAND, cwd=ROOT, env=self._environment, stderr=log)
        await until(self.marker.exists)

    def said(self) -> str:
        """Its log."""
        return self._log.read_text(encoding="utf-8")

    async def kill(self) -> None:
        """End it by SIGKILL. Harmless when it has ended."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.marker.unlink(missing_ok=True)


@pytest.fixture
async def service(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Service]:
    service = Service(environment, tmp_path)
    await service.start()
    yield service
    await service.kill()


async def publish(sensor: Client, message: bytes) -> None:
    async with sensor:
        await sensor.publish(TOPIC, message, qos=1)


async def test_an_alert_becomes_a_case_that_the_engine_carries(
    service: Service, sensor: Client, ledger: Ledger, engine: str
) -> None:
    client = await connect(KEYRING, {"TEMPORAL_ADDRESS": engine})
    await search_attributes.ensure(client)
    await publish(sensor, event(METERS[1], "no-water-drawn", data={"value": 40}))

    async def opened() -> Row[Any] | None:
        async with ledger.session() as session:
            return (await session.execute(select(CASES))).one_or_none()

    async def carried() -> bool:
        try:
            description = await client.get_workflow_handle(case.number).describe()
        except RPCError:
            return False
        return description.status is WorkflowExecutionStatus.RUNNING

    case = await eventually(opened)
    assert case.channel == "sensor"
    assert "meter-2" in case.text
    assert "40" in case.text
    await eventually(carried)
    assert "meter-2" not in service.said(), "nothing of a message is logged"


async def test_killed_between_receipt_and_commit_it_is_told_again_and_counts_once(
    service: Service, sensor: Client, ledger: Ledger, ledger_url: str, broker: Broker
) -> None:
    with sqlite_locked(ledger_url):
        await publish(sensor, event())
        await until(lambda: "Sending PUBLISH to jiesu " in broker.log())
        await service.kill()
    assert await alerts(ledger) == []
    assert "PUBACK from jiesu" not in broker.log()
    await service.start()

    async def counted() -> bool:
        return list(await alerts(ledger)) == [(METERS[0], 1)]

    await eventually(counted)


async def test_told_to_stop_it_ends_in_order_and_goes_on_later_where_it_was(
    service: Service, sensor: Client, ledger: Ledger
) -> None:
    await publish(sensor, event())
    service.process.terminate()
    assert await asyncio.wait_for(service.process.wait(), 15) == 0
    assert not service.marker.exists()
    await publish(sensor, event())
    await service.start()

    async def counted() -> bool:
        return list(await alerts(ledger)) == [(METERS[0], 2)]

    await eventually(counted)


async def test_without_a_broker_it_says_in_one_sentence_what_is_missing(environment: dict[str, str]) -> None:
    del environment["JIESU_MQTT_URL"]
    ended = await asyncio.to_thread(
        subprocess.run, COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    [sentence] = ended.stderr.splitlines()
    assert "cannot start: JIESU_MQTT_URL is not set" in sentence

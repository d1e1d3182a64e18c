"""Alerts by MQTT: how many a second the listener takes from a broker into the ledger, for `jiesu bench alerts`."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiomqtt import Client
from sqlalchemy import Connection, func, select

from bench.broker import HOST, Broker
from ledger.database import Ledger
from ledger.tables import SENSOR_EVENTS
from sandbox import system
from settings import ROOT, Settings

USER, PASSWORD = "bench", "bench"
TOPIC = "jiesu/alerts/bench"
PAUSE = 0.01
AT_ONCE = 200


async def mqtt_per_s(settings: Settings, ledger: Ledger, messages: Sequence[bytes]) -> float:
    """Events a second, from the first publish until the last is in the ledger. Raises NoMosquitto."""
    broker = Broker(settings.home / "broker", _free_port(), {USER: PASSWORD})
    await broker.start()
    try:
        async with _listener(settings, broker.port), _client(broker.port) as client:
            end = await ledger.run(_taken) + len(messages)
            started = time.perf_counter()
            await _publish(client, messages)
            while await ledger.run(_taken) < end:  # noqa: ASYNC110 (another process counts)
                await asyncio.sleep(PAUSE)
            return len(messages) / (time.perf_counter() - started)
    finally:
        await broker.stop()


def _client(port: int) -> Client:
    client = Client(HOST, port, username=USER, password=PASSWORD, max_inflight_messages=AT_ONCE)
    client.pending_calls_threshold = AT_ONCE
    return client


@asynccontextmanager
async def _listener(settings: Settings, port: int) -> AsyncIterator[None]:
    """`python -m sensors`, once it listens."""
    broker = {
        "JIESU_MQTT_URL": f"mqtt://{HOST}:{port}", "JIESU_MQTT_USERNAME": USER, "JIESU_MQTT_PASSWORD": PASSWORD,
    }  # fmt: skip
    environment = os.environ | system.environment(settings) | broker
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sensors", cwd=ROOT, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        while not (settings.home / "sensors.ready").exists():
            if process.returncode is not None:
                raise RuntimeError("The listener of the measurement ended instead of starting.")
            await asyncio.sleep(PAUSE)
        yield
    finally:
        process.terminate()
        await process.wait()


async def _publish(client: Client, messages: Sequence[bytes]) -> None:
    left = iter(messages)

    async def sensor() -> None:
        for message in left:
            await client.publish(TOPIC, message, qos=1)

    await asyncio.gather(*(sensor() for _ in range(AT_ONCE)))


def _taken(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(SENSOR_EVENTS)) or 0


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port

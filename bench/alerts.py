"""`jiesu bench alerts`: how many events of sensors a second one API process takes in, and the cases of a flood of them.

Real processes, real HTTP, a durable ledger: events one to a request, a hundred to a request, and then a burst main: two
thousand readings of two hundred pressure points in two streets, some of them twice, among readings of others that are
well or merely odd. The flood is drawn from a seed, so that every run sends the same.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import aiohttp
from sqlalchemy import Connection, func, select

from bench.mosquitto import NoMosquitto
from bench.mqtt import mqtt_per_s
from domain.assets import Asset
from domain.readings import BATCH, STRUCTURED
from ledger.assets import put_assets
from ledger.database import Ledger, open_ledger
from ledger.tables import ALERTS, CASES
from sandbox import system
from sandbox.prepare import prepare
from sandbox.stack import Stack
from settings import Settings
from temporal import embedded

UNIT = "zz-water"
STREETS = ("zz-g-huayuanlu", "zz-g-nanyanglu")
POINTS, READINGS, SEED = 200, 2000, 7
FLOOD_BATCH = 20
UNLIMITED = "1000000/second"

Say = Callable[[str], None]
Event = dict[str, Any]
Send = Callable[[Sequence[Event]], Awaitable[None]]


def run(settings: Settings, events: int, clients: int, say: Say) -> dict[str, float]:
    """Measure on a fresh stack of its own; `say` is told how it goes. Raises StackError when it cannot start."""
    with tempfile.TemporaryDirectory(prefix="jiesu-bench-", ignore_cleanup_errors=True) as folder:
        ours = settings.model_copy(update={"home": Path(folder), "database_url": None, "rate_limit": UNLIMITED})
        return asyncio.run(_run(ours, events, clients, say))


async def _run(settings: Settings, events: int, clients: int, say: Say) -> dict[str, float]:
    with embedded.hold(settings.home) as hold:
        processes = system.processes(settings, hold)
        async with Stack(settings, prepare=lambda: prepare(settings), progress=say, processes=processes):
            ledger = open_ledger(settings.ledger_url)
            try:
                await ledger.run(put_assets, list(_assets(events)))
                async with _sender(settings) as send:
                    single = await _sent([[event] for event in _odd(events, "burst-flow")], send, clients)
                    say("one event to a request: done")
                    batched = await _sent(list(_batches(list(_odd(events, "leak-noise")), 100)), send, clients)
                    say("a hundred events to a request: done")
                    by_mqtt = await _by_mqtt(settings, ledger, list(_odd(events, "water-quality")), say)
                    before = await ledger.run(_counted)
                    flood = list(_flood())
                    burst = await _sent(list(_batches(flood, FLOOD_BATCH)), send, clients)
                alerts, cases = await ledger.run(_counted)
            finally:
                await ledger.close()
    figures = {
        "single_per_s": events / single[0],
        "single_p99_ms": single[1] * 1000,
        "batched_per_s": events / batched[0],
        **by_mqtt,
        "flood_events": len(flood),
        "flood_per_s": len(flood) / burst[0],
        "flood_alerts": alerts - before[0],
        "flood_cases": cases - before[1],
    }
    return {name: round(value, 3) for name, value in figures.items()}


async def _sent(requests: Sequence[Sequence[Event]], send: Send, clients: int) -> tuple[float, float]:
    """Seconds that all took, and within which 99 of 100 were answered."""
    left, latencies = iter(requests), list[float]()

    async def client() -> None:
        for events in left:
            sent = time.perf_counter()
            await send(events)
            latencies.append(time.perf_counter() - sent)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - started, quantiles(latencies, n=100)[98]


async def _by_mqtt(settings: Settings, ledger: Ledger, events: Sequence[Event], say: Say) -> dict[str, float]:
    try:
        per_s = await mqtt_per_s(settings, ledger, [json.dumps(event).encode() for event in events])
    except NoMosquitto as error:
        say(f"one event to a message by MQTT: left out, {error}")
        return {}
    say("one event to a message by MQTT: done")
    return {"mqtt_per_s": per_s}


@asynccontextmanager
async def _sender(settings: Settings) -> AsyncIterator[Send]:
    key = json.loads(system.keys_file(settings).read_text(encoding="utf-8"))[UNIT]
    url = f"http://{settings.host}:{settings.api_port}/events"
    # A connection that stood still between two parts of the measurement may be one that the API is just closing.
    connector = aiohttp.TCPConnector(keepalive_timeout=1)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}, connector=connector) as http:

        async def send(events: Sequence[Event]) -> None:
            body, kind = (events[0], STRUCTURED) if len(events) == 1 else (events, BATCH)
            async with http.post(url, data=json.dumps(body), headers={"Content-Type": kind}) as answer:
                told = await answer.read()
                if answer.status != 200 or b'"refused"' in told:
                    raise RuntimeError(f"The API answered {answer.status} to events of the measurement.")

        yield send


def _assets(events: int) -> Iterator[Asset]:
    for n in range(max(events, POINTS)):
        yield Asset(code=f"S-{n}", kind="meter", unit=UNIT, grid=STREETS[n % 2])
    for n in range(POINTS):
        yield Asset(code=f"P-{n}", kind="device", unit=UNIT, grid=STREETS[n % 2], address=f"花园路{n}号")


def _odd(events: int, kind: str) -> Iterator[Event]:
    """One reading of each asset that alone confirms nothing."""
    for n in range(events):
        yield _event(f"{kind}-{n}", kind, f"S-{n}", 40 if kind == "leak-noise" else 5, datetime.now(UTC))


def _flood() -> Iterator[Event]:
    """A burst main within ten minutes: every point falls again and again; a tenth of the events come twice."""
    chance, now = Random(SEED), datetime.now(UTC)  # noqa: S311 (a load, no secret)
    for n in range(READINGS):
        at = now - timedelta(seconds=600 - 0.3 * n)
        event = _event(f"p-{n}", "pressure-drop", f"P-{chance.randrange(POINTS)}", chance.uniform(0.02, 0.15), at)
        yield from [event] * (1 + (chance.random() < 0.1))
        if chance.random() < 0.2:
            yield _event(f"n-{n}", "pressure-drop", f"S-{chance.randrange(POINTS)}", chance.uniform(0.25, 0.4), at)


def _event(id: str, kind: str, asset: str, value: float, at: datetime) -> Event:
    return {
        "specversion": "1.0", "id": id, "source": "/bench", "type": f"jiesu.alert.{kind}", "subject": asset,
        "time": at.isoformat(), "data": {"value": value},
    }  # fmt: skip


def _batches(events: Sequence[Event], size: int) -> Iterator[Sequence[Event]]:
    return (events[begun : begun + size] for begun in range(0, len(events), size))


def _counted(connection: Connection) -> tuple[int, int]:
    alerts, cases = (connection.scalar(select(func.count()).select_from(table)) or 0 for table in (ALERTS, CASES))
    return alerts, cases

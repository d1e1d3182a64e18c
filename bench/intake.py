"""`jiesu bench intake`: how many requests a second one API process accepts, and what their being durable costs.

The same requests go, in turns on the same machine, to the API as it runs in production, with engine and worker behind
it, and to that of `bench.volatile`: the same route, access, checks and tables, but nothing is synced or started.
"""

import asyncio
import json
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import quantiles

import aiohttp

from bench.scratch import scratch_databases
from ledger.cases import unstarted
from ledger.database import open_ledger
from sandbox import system
from sandbox.prepare import prepare, staff_keys_file
from sandbox.stack import Stack
from sandbox.supervisor import Port, Process, answers
from settings import Settings
from temporal import embedded

TURNS = 4
"""Both are measured in turns, so that a noisy machine is noisy for both."""

WARM_UP = 48
"""Requests to each that are not counted; never more than there are in a turn."""

UNLIMITED = "1000000/second"
PAUSE = 0.1
"""Seconds between two looks at whether the worker is done with a turn's cases."""

Say = Callable[[str], None]


@dataclass
class Side:
    """One of the two installations, and what was measured of it, in seconds."""

    settings: Settings
    latencies: list[float] = field(default_factory=list)
    spent: float = 0.0

    @property
    def per_s(self) -> float:
        """Requests accepted per second."""
        return len(self.latencies) / self.spent

    def as_dict(self) -> dict[str, float]:
        """Requests per second, and the milliseconds within which half and 99 of 100 of them were answered."""
        percentiles = quantiles(self.latencies, n=100)
        return {"per_s": self.per_s, "p50_ms": percentiles[49] * 1000, "p99_ms": percentiles[98] * 1000}


def run(settings: Settings, requests: int, clients: int, postgres: str | None, say: Say) -> dict[str, float]:
    """Measure with SQLite and, on a server at the URL `postgres`, with PostgreSQL; `say` is told how it goes.

    Raises StackError when a stack cannot start.
    """
    result = _measured("sqlite", settings, (None, None), requests, clients, say)
    if postgres is not None:
        with scratch_databases(postgres) as urls:
            result |= _measured("postgres", settings, urls, requests, clients, say)
    return result


def _measured(
    kind: str, settings: Settings, urls: tuple[str | None, str | None], requests: int, clients: int, say: Say
) -> dict[str, float]:
    """The figures for one kind of database; `urls` are those of the durable and the volatile ledger."""
    with tempfile.TemporaryDirectory(prefix="jiesu-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "volatile").mkdir()
        ours = settings.model_copy(update={"home": home, "database_url": urls[0], "rate_limit": UNLIMITED})
        other = {"home": home / "volatile", "database_url": urls[1], "api_port": _free_port(settings.host)}
        durable, volatile = Side(ours), Side(ours.model_copy(update=other))
        say(f"{kind}:")
        asyncio.run(_run(durable, volatile, requests, clients, say))
    sides = {"durable": durable, "volatile": volatile}
    figures = {f"{name}_{figure}": value for name, side in sides.items() for figure, value in side.as_dict().items()}
    figures["ratio"] = durable.per_s / volatile.per_s
    return {f"{kind}_{name}": round(value, 3) for name, value in figures.items()}


async def _run(durable: Side, volatile: Side, requests: int, clients: int, say: Say) -> None:
    async def prepare_both() -> None:
        await prepare(durable.settings)
        await prepare(volatile.settings)

    with embedded.hold(durable.settings.home) as hold:
        processes = [*system.processes(durable.settings, hold), _volatile_api(volatile.settings, hold)]
        async with Stack(durable.settings, prepare=prepare_both, progress=say, processes=processes):
            await _turns(durable, volatile, requests, clients, say)


def _volatile_api(settings: Settings, hold: embedded.Hold) -> Process:
    """The API of the other settings, made by `bench.volatile`."""
    [api] = [process for process in system.processes(settings, hold) if process.name == "api"]
    return Process(
        "volatile",
        "volatile API",
        [*api.command, "bench.volatile:create_app"],
        ready=answers(f"http://{settings.host}:{settings.api_port}/health"),
        ports=[Port(settings.api_port, "volatile API", "")],
        environment=api.environment,
        folder=api.folder,
    )


async def _turns(durable: Side, volatile: Side, requests: int, clients: int, say: Say) -> None:
    bodies = _bodies()
    shares = [requests // TURNS + (turn < requests % TURNS) for turn in range(TURNS)]
    for side in (durable, volatile):
        await _load(Side(side.settings), bodies, min(WARM_UP, shares[0]), clients)
    for turn, share in enumerate(shares):
        await _all_started(durable.settings)
        await _load(durable, bodies, share, clients)
        await _all_started(durable.settings)
        await _load(volatile, bodies, share, clients)
        say(f"turn {turn + 1} of {TURNS} done")


async def _load(side: Side, bodies: Iterator[dict[str, str]], requests: int, clients: int) -> None:
    """Send so many requests, each of `clients` its next one as soon as the last is answered."""
    key = json.loads(staff_keys_file(side.settings).read_text(encoding="utf-8"))["agent"]
    url = f"http://{side.settings.host}:{side.settings.api_port}/cases"
    left = iter(range(requests))

    async def client() -> None:
        for _ in left:
            body = next(bodies)
            sent = time.perf_counter()
            async with http.post(url, json=body, headers={"Idempotency-Key": body["original_number"]}) as answer:
                await answer.read()
                if answer.status != 201:
                    raise RuntimeError(f"The API answered {answer.status} to a request of the measurement.")
            side.latencies.append(time.perf_counter() - sent)

    connections = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connections, headers={"Authorization": f"Bearer {key}"}) as http:
        started = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        side.spent += time.perf_counter() - started


def _bodies() -> Iterator[dict[str, str]]:
    """Requests, no two alike."""
    for number in count(1):
        yield {
            "name": f"测试{number}",
            "phone": f"138{number:08d}",
            "address": f"丰庆佳苑{number}号楼",
            "text": f"家里水压变小，热水器打不着，请派人查看原因。第{number}次。",
            "original_number": f"bench-{number}",
        }


async def _all_started(settings: Settings) -> None:
    """Wait until the worker has recorded the receipt of every case, so that no turn pays for another."""
    ledger = open_ledger(settings.ledger_url)
    try:
        while True:
            async with ledger.session() as session:
                if not await unstarted(session, limit=1):
                    return
            await asyncio.sleep(PAUSE)
    finally:
        await ledger.close()


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port

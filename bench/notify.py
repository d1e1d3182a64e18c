"""`jiesu bench notify`: how soon units have their orders, all of them well, against one down and one slow.

Cases come in at a steady pace over the API of the whole stack and are dispatched at once, each to two of five units,
which are real HTTP servers on loopback. Measured is the time from the API's answer to the intake until the unit has the
order: the dispatch over the API, the workflow, the ledger and the signed webhook. In turns, every unit is well, or one
refuses connections and another answers after seconds. Compared is what the three others see.
"""

import asyncio
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp

from bench.intake import UNLIMITED
from sandbox.faults import Fault
from sandbox.prepare import prepare, staff_keys_file
from sandbox.stack import Stack
from sandbox.system import environment
from settings import Settings

UNITS = {"water": "zz-water", "gas": "zz-gas", "heat": "zz-heat", "power": "zz-power", "office": "zz-jinshui"}
"""The unit of each party that gets orders."""
FAULTS = {"gas": Fault(kind="down"), "power": Fault(kind="slow", seconds=5)}
WELL = tuple(party for party in UNITS if party not in FAULTS)

TURNS = 2
"""Each kind is measured in turns, so that a noisy machine is noisy for both."""

WARM_UP = 20
"""Cases that are not counted."""
PATIENCE = 60.0
"""Seconds after a turn in which every order it counts on must have arrived."""

Say = Callable[[str], None]
Arrivals = defaultdict[str, list[float]]
"""Seconds that the orders of each party took."""


@dataclass(frozen=True)
class Filed:
    """A case that was accepted and dispatched."""

    number: str
    accepted: datetime
    parties: tuple[str, str]


def run(settings: Settings, cases: int, per_second: float, say: Say) -> dict[str, float]:
    """Measure; `say` is told how it goes.

    Raises StackError when the stack cannot start, and TimeoutError when an order does not arrive.
    """
    with tempfile.TemporaryDirectory(prefix="jiesu-bench-", ignore_cleanup_errors=True) as folder:
        ours = settings.model_copy(update={"home": Path(folder), "database_url": None, "rate_limit": UNLIMITED})
        return asyncio.run(_run(ours, cases, per_second, say))


async def _run(settings: Settings, cases: int, per_second: float, say: Say) -> dict[str, float]:
    async with (
        Stack(settings, prepare=lambda: prepare(settings), progress=say),
        aiohttp.ClientSession(raise_for_status=True) as http,
    ):
        town = Town(settings, http)
        await town.arrivals(await town.file(WARM_UP, per_second), UNITS)
        all_well, two_faulty, waited = Arrivals(list), Arrivals(list), [0.0, 0.0]
        for turn in range(TURNS):
            _add(all_well, await town.arrivals(await town.file(cases // TURNS, per_second), UNITS))
            say(f"turn {2 * turn + 1} of {2 * TURNS} done: every unit well")
            waited = await _faulty_turn(town, cases // TURNS, per_second, two_faulty)
            say(f"turn {2 * turn + 2} of {2 * TURNS} done: {' and '.join(FAULTS)} faulty")
    return _figures(all_well, two_faulty) | dict(zip(("waiting_at_end", "all_arrived_after_s"), waited, strict=True))


async def _faulty_turn(town: "Town", cases: int, per_second: float, arrivals: Arrivals) -> list[float]:
    """One turn with faults; how many messages wait at its end, and the seconds from mending until none does."""
    for party, fault in FAULTS.items():
        await town.fault(party, fault)
    filed = await town.file(cases, per_second)
    _add(arrivals, await town.arrivals(filed, WELL))
    waiting = await town.waiting()
    for party in FAULTS:
        await town.fault(party, Fault())
    mended = time.perf_counter()
    await town.arrivals(filed, FAULTS)
    return [waiting, round(time.perf_counter() - mended, 1)]


def _add(arrivals: Arrivals, more: Mapping[str, list[float]]) -> None:
    for party, seconds in more.items():
        arrivals[party] += seconds


def _figures(all_well: Arrivals, two_faulty: Arrivals) -> dict[str, float]:
    """Milliseconds within which half and 99 of 100 orders arrived: at each unit that is never faulty, and at all."""
    turns = {"all_well": all_well, "two_faulty": two_faulty}
    figures: dict[str, float] = {}
    for name, arrivals in turns.items():
        groups = {party: arrivals[party] for party in WELL}
        groups["together"] = [second for party in WELL for second in arrivals[party]]
        for group, seconds in groups.items():
            percentiles = quantiles(seconds, n=100)
            figures |= {f"{name}_{group}_{p}_ms": round(percentiles[int(p[1:]) - 1] * 1000, 1) for p in ("p50", "p99")}
    for p in ("p50", "p99"):
        ratio = figures[f"two_faulty_together_{p}_ms"] / figures[f"all_well_together_{p}_ms"]
        figures[f"ratio_{p}"] = round(ratio, 3)
    return figures


class Town:
    """The whole system, as those who use it and those who get orders from it see it."""

    def __init__(self, settings: Settings, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._api = f"http://{settings.host}:{settings.api_port}"
        self._control = f"http://{settings.host}:{settings.sandbox_port}"
        self._addresses = {party: environment(settings)[f"JIESU_ENDPOINT_{party.upper()}"] for party in UNITS}
        keys: Mapping[str, str] = json.loads(staff_keys_file(settings).read_text(encoding="utf-8"))
        self._keys = {role: {"Authorization": f"Bearer {key}"} for role, key in keys.items()}
        self._numbers = count()

    async def file(self, cases: int, per_second: float) -> list[Filed]:
        """Have so many cases accepted and dispatched, one after another at this pace however long each takes."""
        async with asyncio.TaskGroup() as group:
            filing = []
            for _ in range(cases):
                filing.append(group.create_task(self._file_one()))
                await asyncio.sleep(1 / per_second)
        return [task.result() for task in filing]

    async def arrivals(self, filed: Collection[Filed], parties: Collection[str]) -> dict[str, list[float]]:
        """How long each order took to these parties, once all are there."""
        async with asyncio.timeout(PATIENCE):
            return {party: await self._arrivals_at(party, filed) for party in parties}

    async def waiting(self) -> int:
        """How many messages wait for systems that do not take them."""
        async with self._http.get(f"{self._api}/systems", headers=self._keys["admin"]) as answer:
            return sum(system["waiting"] for system in await answer.json())

    async def fault(self, party: str, fault: Fault) -> None:
        """Have a party misbehave from now on."""
        body = fault.model_dump(exclude_none=True)
        async with self._http.put(f"{self._control}/faults/{party}", json=body):
            pass

    async def _file_one(self) -> Filed:
        number = next(self._numbers)
        ring = list(UNITS)
        lead, assisting = ring[number % len(ring)], ring[(number + 1) % len(ring)]
        text = f"家里水压变小，热水器打不着，请派人查看原因。第{number}次。"
        body = {"name": f"测试{number}", "phone": f"138{number:08d}", "address": "丰庆佳苑", "text": text}
        case = (await self._post("/cases", "agent", body))["number"]
        accepted = datetime.now(UTC)
        units = {"lead": UNITS[lead], "assisting": [UNITS[assisting]]}
        await self._post(f"/cases/{case}/dispatch", "dispatcher", units)
        return Filed(case, accepted, (lead, assisting))

    async def _post(self, path: str, role: str, body: object) -> dict[str, Any]:
        async with self._http.post(f"{self._api}{path}", json=body, headers=self._keys[role]) as answer:
            found: dict[str, Any] = await answer.json()
        return found

    async def _arrivals_at(self, party: str, filed: Collection[Filed]) -> list[float]:
        expected = {case.number: case.accepted for case in filed if party in case.parties}
        while True:
            async with self._http.get(f"{self._addresses[party]}/orders") as answer:
                orders = await answer.json()
            found = {order["case"]: datetime.fromisoformat(order["received_at"]) for order in orders}
            if expected.keys() <= found.keys():
                return [(found[number] - accepted).total_seconds() for number, accepted in expected.items()]
            await asyncio.sleep(1)

"""`jiesu bench case`: what an ordinary case costs, and how fast cases go through the embedded engine.

An ordinary case is dispatched, signed in, answered and called back; two texts go to the citizen, the order goes to the
unit and a notice to the grid. Its requests go to the sandbox city over HTTP, its events to a real ledger. Beside it, in
turns on the same server, runs a bare workflow with as many events and nothing behind them.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar
from uuid import uuid4

import uvloop
from temporalio.client import Client, WorkflowHandle

from bench.bare import STEPS, TASK_QUEUE
from bench.core import AGENT, ORDINARY, lifecycles_per_minute
from domain.case import Opening
from domain.city import City, load_city
from domain.roles import Role
from ledger.database import Ledger, open_ledger
from ledger.intake import Intake, open_case
from sandbox import system
from sandbox.prepare import prepare
from sandbox.stack import Stack
from sandbox.supervisor import Process
from settings import Settings
from temporal import embedded
from temporal.connection import connect
from temporal.keyring import open_keyring
from temporal.start import start_case
from workflows.names import Taken

AT_ONCE = 24
"""Cases under way at the same time."""
TURNS = 4
"""Cases and bare workflows run in turns, so that a noisy machine is noisy for both."""

SAMPLES = 7
"""Cases of which the cost is taken: two things that end at once may or may not share a workflow task's three events."""

Say = Callable[[str], None]
Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Figures:
    """What a run measured."""

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Result(Figures):
    """What was measured."""

    cases: int
    events: int
    """History events of an ordinary case: the most that were seen."""
    bytes: int
    """History size of an ordinary case: the most that was seen."""
    bare_events: int
    lifecycles_per_s: float
    bare_per_s: float
    ratio: float
    core_lifecycles_per_min: float


def run(settings: Settings, cases: int, say: Say) -> Result:
    """Measure on a fresh stack of its own; `say` is told how it goes. Raises StackError when it cannot start."""
    return on_fresh_stack(settings, say, "bench.bare", lambda bench, _: _measure(bench, cases, say))


def on_fresh_stack(
    settings: Settings, say: Say, beside: str, measure: Callable[["Bench", Settings], Awaitable[Measured]]
) -> Measured:
    """Have `measure` work on a stack that is gone afterwards, with the module `beside` as a worker beside ours.

    Raises StackError when it cannot start.
    """
    home = Path(tempfile.mkdtemp(prefix="jiesu-bench-"))
    try:
        own = settings.model_copy(update={"home": home, "database_url": None})
        return uvloop.run(_on_stack(own, say, beside, measure))
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _on_stack(
    settings: Settings, say: Say, beside: str, measure: Callable[["Bench", Settings], Awaitable[Measured]]
) -> Measured:
    city = load_city(settings.city_folder)
    with embedded.hold(settings.home) as hold:
        processes = _processes(settings, hold, beside)
        async with Stack(settings, prepare=partial(prepare, settings), progress=say, processes=processes):
            client = await connect(open_keyring(settings), {"TEMPORAL_ADDRESS": system.temporal_address(settings)})
            ledger = open_ledger(settings.ledger_url)
            try:
                return await measure(Bench(client, ledger, city, settings.task_queue), settings)
            finally:
                await ledger.close()


def _processes(settings: Settings, hold: embedded.Hold, beside: str) -> list[Process]:
    """The system without the API, and another worker beside ours."""
    ours = [process for process in system.processes(settings, hold) if process.name != "api"]
    worker = next(process for process in ours if process.name == "worker")
    command = [*worker.command[:-1], beside]
    return [*ours, Process("beside", "worker beside it", command, environment=worker.environment, folder=worker.folder)]


async def _measure(bench: "Bench", cases: int, say: Say) -> Result:
    await batch(bench.case, 4)
    await batch(partial(bench.bare, 0), 4)
    costs = [await cost(await bench.case()) for _ in range(SAMPLES)]
    events, size = max(costs)
    plain = median([(await cost(await bench.bare(0)))[0] for _ in range(SAMPLES)])
    timers = max(0, int(median(cost[0] for cost in costs) - plain) // 2)
    bare_events = int(median([(await cost(await bench.bare(timers)))[0] for _ in range(SAMPLES)]))
    say(f"one case: {events} events, {size} bytes; the bare workflow: {bare_events} events")
    ours = bare = 0.0
    for turn in range(TURNS):
        count = cases // TURNS + (turn < cases % TURNS)
        ours += await batch(bench.case, count)
        bare += await batch(partial(bench.bare, timers), count)
        say(f"turn {turn + 1} of {TURNS} done")
    return Result(
        cases=cases,
        events=events,
        bytes=size,
        bare_events=bare_events,
        lifecycles_per_s=cases / ours,
        bare_per_s=cases / bare,
        ratio=bare / ours,
        core_lifecycles_per_min=lifecycles_per_minute(bench.city),
    )


@dataclass(frozen=True)
class Bench:
    """Runs one lifecycle at a time."""

    client: Client
    ledger: Ledger
    city: City
    task_queue: str

    async def case(self) -> WorkflowHandle[object, object]:
        """One ordinary case, from intake to closing."""
        opening = await self._intake()
        await start_case(self.client, self.task_queue, self.city, opening)
        handle = self.client.get_workflow_handle(opening.number)
        for command in ORDINARY:
            await handle.execute_update(command.step, command, result_type=Taken)
        await handle.result()
        return handle

    async def bare(self, timers: int) -> WorkflowHandle[object, object]:
        """One bare workflow, with so many timers started and cancelled besides its own."""
        handle = await self.client.start_workflow("Bare", timers, id=f"bare-{uuid4()}", task_queue=TASK_QUEUE)
        for step in STEPS:
            await handle.execute_update("take", step)
        await handle.result()
        return handle

    async def _intake(self) -> Opening:
        intake = Intake(
            received_at=datetime.now(UTC),
            channel="phone",
            name="测试",
            phone="13800000000",
            address="丰庆佳苑6号楼",
            title="水压低",
            text="家里水压变小，热水器打不着，请派人查看原因。",
            category="help",
            item="water-pressure",
            grid=next(iter(self.city.grids)),
            opened_role=Role.AGENT,
            opened_id=AGENT.id,
            rulebook_version=self.city.rulebook.version,
        )
        row, _ = await self.ledger.run(open_case, self.city.rulebook.code, intake, intake.received_at.date())
        return Opening(
            number=row.number,
            received_at=intake.received_at,
            by=AGENT,
            channel=intake.channel,
            category=intake.category,
            item=intake.item,
            grid=intake.grid,
        )


async def batch(lifecycle: Callable[[], Awaitable[object]], count: int) -> float:
    """Seconds that `count` lifecycles take, so many at once as AT_ONCE allows."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await lifecycle()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.perf_counter() - started


async def cost(handle: WorkflowHandle[object, object]) -> tuple[int, int]:
    """Events and bytes of a closed workflow's history, as the server counts them."""
    info = (await handle.describe()).raw_description.workflow_execution_info
    return info.history_length, info.history_size_bytes

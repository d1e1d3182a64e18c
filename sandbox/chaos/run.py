"""Play the load, kill, wait until everything has settled, and check what came of it."""

import asyncio
import logging
import os
import shutil
import time
from functools import partial

from filelock import FileLock, Timeout
from rich.console import Console

from domain.city import load_city
from sandbox.chaos.checks import check
from sandbox.chaos.killer import Killer, schedule
from sandbox.chaos.load import Planned, plan
from sandbox.chaos.postgres import cluster
from sandbox.chaos.record import Record
from sandbox.chaos.report import print_report
from sandbox.demo.driver import Driver
from sandbox.prepare import prepare
from sandbox.stack import Process, Restarts, Stack, StackError
from settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Cases that are worked on side by side."""
RESTARTS = Restarts(longest=1.0, deaths=100)
"""A process killed again and again is no reason to give up."""


def run(settings: Settings, *, cases: int, kills: int, seed: int) -> int:
    """Run `cases` cases and `kills` kills, both drawn from `seed`; 0 if nothing was lost and nothing came twice.

    Raises StackError when the stack cannot start, RuntimeError when PostgreSQL is not installed.
    """
    console = Console(highlight=False, width=None if os.isatty(1) else 140)
    home = settings.home.resolve() / "chaos"
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.with_suffix(".lock")).acquire(timeout=0), cluster() as postgres:
            shutil.rmtree(home, ignore_errors=True)
            console.print(f"seed {seed}: {cases} cases, {kills} kills")
            ours = settings.model_copy(update={"home": home, "database_url": postgres.url})
            stack = _stack(ours, postgres.process, console)
            status = asyncio.run(_run(ours, stack, console, cases=cases, kills=kills, seed=seed))
            if status:
                postgres.keep = True
                console.print(f"evidence: {home}, and the ledger's cluster in {postgres.folder}")
            return status
    except Timeout:
        raise StackError("Another run is under way here; wait for it, or set JIESU_HOME.") from None


def _stack(settings: Settings, postgres: Process, console: Console) -> Stack:
    return Stack(
        settings,
        prepare=partial(prepare, settings),
        progress=console.print,
        before=[postgres],
        time_skipping=True,
        restarts=RESTARTS,
    )


async def _run(settings: Settings, stack: Stack, console: Console, *, cases: int, kills: int, seed: int) -> int:
    city = load_city(settings.city_folder)
    started = time.monotonic()
    async with stack:
        record = Record(stack.urls["api"])
        driver = await Driver.open(settings, city, record.hear)
        kill_plan = schedule(seed, kills, cases)
        killer = Killer(stack, kill_plan, console.print)
        try:
            await asyncio.gather(killer.run(), _play_all(driver, plan(seed, cases), killer, record, console))
            findings = await check(settings, city, record, seed)
        finally:
            await driver.close()
    print_report(console, record, findings, kill_plan, seed, time.monotonic() - started)
    return int(bool(findings.faults))


async def _play_all(driver: Driver, load: list[Planned], killer: Killer, record: Record, console: Console) -> None:
    gate, done = asyncio.Semaphore(AT_ONCE), 0

    async def play(planned: Planned) -> None:
        nonlocal done
        async with gate:
            await killer.case_came_in()
            try:
                await _play(driver, planned)
            except Exception as error:
                record.faults.append(f"{planned.title} ({planned.request['phone']}): {type(error).__name__}: {error}")
            done += 1
            if done % (len(load) // 10 or 1) == 0:
                console.print(f"{done} of {len(load)} cases played")

    await asyncio.gather(*(play(planned) for planned in load))


async def _play(driver: Driver, planned: Planned) -> None:
    case = await driver.submit(planned.role, planned.request, log.debug)
    await planned.script(driver, case)

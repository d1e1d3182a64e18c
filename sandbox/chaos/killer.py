"""The killer: ends processes with SIGKILL at moments drawn from the seed, and watches them come back."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from sandbox.stack import Stack

VICTIMS = ("worker", "api", "temporal", "postgres")
LULL = 3.0
"""Seconds at most between a case's coming in and the kill that waits for it."""
POLL = 0.02


@dataclass
class Kill:
    """One kill: `pause` seconds after so many cases have come in."""

    victim: str
    cases: int
    pause: float
    took: float | None = field(default=None, compare=False)
    """Seconds until the process was ready again."""


def schedule(seed: int, kills: int, cases: int) -> list[Kill]:
    """Kills over the whole load: each victim once, then as chance has it."""
    dice = Random(seed)  # noqa: S311
    victims = dice.sample(VICTIMS, len(VICTIMS)) + dice.choices(VICTIMS, k=max(0, kills - len(VICTIMS)))
    moments = sorted(dice.randint(1, cases) for _ in range(kills))
    return [Kill(*kill, dice.uniform(0, LULL)) for kill in zip(victims[:kills], moments, strict=True)]


class Killer:
    """Carries out a schedule on a stack; `say` is told of each kill once its process is ready again."""

    def __init__(self, stack: Stack, kills: list[Kill], say: Callable[[str], None]) -> None:
        self._stack, self._kills, self._say = stack, kills, say
        self._began = time.monotonic()
        self._cases = 0
        self._came_in = asyncio.Condition()

    async def case_came_in(self) -> None:
        """Tell of one more case: by their number it knows the moments of its kills."""
        async with self._came_in:
            self._cases += 1
            self._came_in.notify_all()

    async def run(self) -> None:
        """Kill until the schedule is done and everything is ready again."""
        async with asyncio.TaskGroup() as watching:
            for kill in self._kills:
                async with self._came_in:
                    await self._came_in.wait_for(partial(self._due, kill))
                await asyncio.sleep(kill.pause)
                pid = await self._alive(kill.victim)
                os.kill(pid, signal.SIGKILL)
                watching.create_task(self._watch(kill, pid))

    def _due(self, kill: Kill) -> bool:
        return self._cases >= kill.cases

    async def _alive(self, victim: str) -> int:
        while True:
            pid = self._stack.pids().get(victim)
            if pid is not None:
                return pid
            await asyncio.sleep(POLL)

    async def _watch(self, kill: Kill, pid: int) -> None:
        killed = time.monotonic()
        await self._stack.ready_again(kill.victim, pid)
        kill.took = time.monotonic() - killed
        at = killed - self._began
        self._say(f"{at:6.1f} s  kill -9 {kill.victim:<8} (process {pid})  ready again in {kill.took:.1f} s")

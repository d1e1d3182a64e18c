"""Listening within a test: started, told to stop or cut off, and what became of the events."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from domain.alerts import Outcome
from domain.city import City
from ledger.database import Ledger
from sensors.intake import Intake
from sensors.listener import Listener
from sensors.settings import MqttSettings


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, a minute at most."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 (what is looked at is a file or a list)
            await asyncio.sleep(0.02)


class Listening:
    """`async with` it to listen; clear `may_go_on` to have it stop short between commit and acknowledgement."""

    def __init__(self, settings: MqttSettings, ledger: Ledger, city: City, home: Path) -> None:
        self.became: list[Outcome] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.marker = home / "sensors.ready"
        self.stop = asyncio.Event()
        self._listener = Listener(settings, Intake(ledger, city, self._then).take, self.stop, self.marker)

    async def _then(self, outcomes: Sequence[Outcome]) -> None:
        self.became.extend(outcomes)
        await self.may_go_on.wait()

    async def ready(self) -> None:
        """Wait until the broker lets it listen."""
        await until(self.marker.exists)

    async def heard(self, count: int) -> None:
        """Wait until so many events were taken in."""
        await until(lambda: len(self.became) >= count)

    async def cut_off(self) -> None:
        """End it as a crash would."""
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._listener.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        with suppress(asyncio.CancelledError):
            await self._running

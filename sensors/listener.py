"""Listens to the broker until told to stop: every message is first taken in for good, and then acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiomqtt import Message, MqttError

from ledger.database import LEDGER_ERRORS
from sensors.outage import Outage
from sensors.settings import MqttSettings
from sensors.subscriber import Subscriber, tls_context, trouble
from service import mark

MOST = 200
"""Messages taken in with one transaction: so many as came while the last one went on, up to this."""

Take = Callable[[Sequence[Message]], Awaitable[None]]


class Listener:
    """Hands what the broker sends to `take`, which returns once it is in the ledger or raises LEDGER_ERRORS.

    `marker` is a file that exists while we listen. Raises ValueError for certificates that cannot be used.
    """

    def __init__(self, settings: MqttSettings, take: Take, stop: asyncio.Event, marker: Path) -> None:
        self._settings, self._take, self._stop, self._marker = settings, take, stop, marker
        self._tls = tls_context(settings)
        self._broker_outage, self._ledger_outage = Outage(stop), Outage(stop)

    async def run(self) -> None:
        """Listen until told to stop, however often broker, network or ledger fail."""
        while not self._stop.is_set():
            try:
                async with Subscriber(self._settings, self._tls) as subscriber:
                    await subscriber.listen_to(self._settings.topics)
                    mark(self._marker)
                    self._broker_outage.note_answer(f"listening to {self._settings.host}:{self._settings.port}")
                    await self._listen(subscriber)
            except MqttError as error:
                self._marker.unlink(missing_ok=True)
                await self._broker_outage.sit_out(trouble(error, self._settings))
        self._marker.unlink(missing_ok=True)

    async def _listen(self, subscriber: Subscriber) -> None:
        while batch := await self._next(subscriber):
            if await self._taken(batch):
                for message in batch:
                    subscriber.acknowledge(message)

    async def _next(self, subscriber: Subscriber) -> list[Message]:
        """What has arrived, at least one message; none once we are told to stop. Raises MqttError."""
        if self._stop.is_set():
            return []
        first, stopped = asyncio.ensure_future(anext(subscriber.messages)), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait([first, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not first.done():
            first.cancel()
            return []
        return [await first, *subscriber.arrived(MOST - 1)]

    async def _taken(self, messages: Sequence[Message]) -> bool:
        """Whether they are in the ledger now; they are not if we were told to stop before it answered."""
        while True:
            try:
                await self._take(messages)
            except LEDGER_ERRORS as error:
                await self._ledger_outage.sit_out(f"the ledger does not answer ({type(error).__name__})")
            else:
                self._ledger_outage.note_answer("alerts go into the ledger")
                return True
            if self._stop.is_set():
                return False

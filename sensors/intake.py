"""From messages to alerts: a batch in one transaction, in which what cannot be taken is counted and kept."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from aiomqtt import Message

from domain.alerts import Outcome
from domain.city import City
from domain.readings import BINARY, LARGEST, BadEvent, Reading, read_event
from ledger.alerts import take_in
from ledger.database import LEDGER_ERRORS, Ledger
from ledger.refused import note_refused

SOURCE = "mqtt"

log = logging.getLogger("jiesu.sensors")


class Intake:
    """Takes messages, one event each, into the ledger; `then` learns what became of each event."""

    def __init__(self, ledger: Ledger, city: City, then: Callable[[Sequence[Outcome]], Awaitable[object]]) -> None:
        self._ledger, self._city, self._then = ledger, city, then

    async def take(self, messages: Sequence[Message]) -> None:
        """Take them in for good, in one transaction. Raises LEDGER_ERRORS, and has then taken none."""
        try:
            events = [_read(message) for message in messages]
            outcomes = await self._ledger.run(take_in, self._city, events, datetime.now(UTC), source=SOURCE)
        except LEDGER_ERRORS:
            raise
        except Exception as error:
            await self._take_apart(messages, type(error).__name__)
            return
        if refused := Counter(outcome.code for outcome in outcomes if outcome.code):
            log.warning("refused and kept: %s", ", ".join(f"{count} {code}" for code, count in refused.items()))
        await self._then(outcomes)

    async def _take_apart(self, messages: Sequence[Message], error: str) -> None:
        """Take a batch that failed message by message, so that one nobody foresaw holds up no other."""
        if len(messages) > 1:
            for message in messages:
                await self.take([message])
            return
        log.error("a message could not be taken (%s); it is kept with those refused", error)
        why = f"Taking it in failed: {error}."
        await self._ledger.run(note_refused, SOURCE, "failed", why, messages[0].payload, datetime.now(UTC))


def _read(message: Message) -> Reading | BadEvent:
    if len(message.payload) > LARGEST:
        return BadEvent("too_large", message.payload)
    try:
        return read_event(_headers(message), message.payload)
    except BadEvent as bad:
        return bad


def _headers(message: Message) -> dict[str, str]:
    """The attributes of a message in binary mode as HTTP would have them (CloudEvents' MQTT binding 1.0.2, 3.1)."""
    attributes = dict(getattr(message.properties, "UserProperty", ()))
    if "specversion" not in attributes:
        return {}
    return {f"{BINARY}{name}": quote(value) for name, value in attributes.items()}

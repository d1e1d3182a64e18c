"""From messages to alerts: a batch in one transaction, in which what cannot be taken is counted and kept."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from domain.alerts import Outcome
from domain.city import City
from domain.readings import BadEvent, Reading, read_event
from ledger.alerts import take_in
from ledger.database import LEDGER_ERRORS, Ledger
from ledger.refused import note_refused

SOURCE = "mqtt"
LARGEST = 64 * 1024
"""Bytes; up to this an event may count on being passed on (CloudEvents 1.0.2, Size Limits)."""

log = logging.getLogger("jiesu.sensors")

Refusal = tuple[str, str, bytes]
"""Code, sentence and message."""


class Intake:
    """Takes messages, one event each as structured JSON, into the ledger; `then` learns what became of each event."""

    def __init__(self, ledger: Ledger, city: City, then: Callable[[Sequence[Outcome]], Awaitable[object]]) -> None:
        self._ledger, self._city, self._then = ledger, city, then

    async def take(self, messages: Sequence[bytes]) -> None:
        """Take them in for good, in one transaction. Raises LEDGER_ERRORS, and has then taken none."""
        try:
            outcomes, refused = await self._ledger.run(_take, self._city, messages, datetime.now(UTC))
        except LEDGER_ERRORS:
            raise
        except Exception as error:
            await self._take_apart(messages, type(error).__name__)
            return
        if refused:
            log.warning("refused and kept: %s", ", ".join(f"{count} {code}" for code, count in refused.items()))
        await self._then(outcomes)

    async def _take_apart(self, messages: Sequence[bytes], error: str) -> None:
        """Take a batch that failed message by message, so that one nobody foresaw holds up no other."""
        if len(messages) > 1:
            for message in messages:
                await self.take([message])
            return
        log.error("a message could not be taken (%s); it is kept with those refused", error)
        failed = ("failed", f"Taking it in failed: {error}.", messages[0])
        await self._ledger.run(_note, [failed], datetime.now(UTC))


def _take(
    connection: Connection, city: City, messages: Sequence[bytes], at: datetime
) -> tuple[list[Outcome], Counter[str]]:
    """What became of the events, and how many messages were refused by code."""
    read = [_read(message) for message in messages]
    readings = [one for one in read if isinstance(one, Reading)]
    bad = sorted(one for one in read if isinstance(one, tuple))
    outcomes = take_in(connection, city, readings, at, source=SOURCE)
    _note(connection, bad, at)
    return outcomes, Counter([*(one.code for one in outcomes if one.code), *(code for code, _, _ in bad)])


def _read(message: bytes) -> Reading | Refusal:
    if len(message) > LARGEST:
        return "too_large", f"A message has at most {LARGEST} bytes.", message
    try:
        return read_event({}, message)
    except BadEvent as bad:
        return bad.code, bad.detail, message


def _note(connection: Connection, refused: Sequence[Refusal], at: datetime) -> None:
    for code, detail, message in refused:
        note_refused(connection, SOURCE, code, detail, message, at)

"""Outages of the broker and the ledger: each logged once, with growing pauses between the tries until it is over."""

import asyncio
import logging
import time
from contextlib import suppress

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
STEADY = 30.0
"""Seconds after which what is back counts as well again."""

log = logging.getLogger("jiesu.sensors")


class Outage:
    """The outages of one thing; `stop` ends every pause."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._said = set[str]()
        self._pause = FIRST_PAUSE
        self._back_since: float | None = None

    async def sit_out(self, trouble: str) -> None:
        """Log the trouble, unless this outage has it in the log already, and wait; each time longer, up to a limit."""
        if self._back_since is not None and time.monotonic() - self._back_since > STEADY:
            self._said, self._pause = set(), FIRST_PAUSE
        self._back_since = None
        if trouble not in self._said:
            log.warning("%s; trying until it is well again", trouble)
            self._said.add(trouble)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def note_answer(self, news: str) -> None:
        """Note that it answers again, and log `news` the first time."""
        if self._back_since is None:
            self._back_since = time.monotonic()
            log.info(news)

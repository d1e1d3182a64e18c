"""The grid platform and the SMS gateway: each one for all cases, and told on the task queue that all parties share."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from domain.systems import report_due

log = logging.getLogger("jiesu.systems")

SHARED_SLOTS = 100
"""Activities that a worker carries out at the same time on that task queue."""
MOST = 40
"""Of these, how many may wait for one platform."""


class Platform:
    """One of them, as one worker sees it: how many wait for it, and since when it is down."""

    def __init__(self, name: str, most: int = MOST) -> None:
        self._name, self._most, self._held = name, most, 0
        self._failures = 0
        self._down_since: datetime | None = None
        self._reported_at: datetime | None = None

    async def tell(self, send: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Send. Raises ApplicationError as `send` does, and a retryable one, at once, while too many wait already.

        That it is down is logged once when it is sure, then daily, and when it is back; single failures are not.
        """
        if self._held >= self._most:
            raise _passing(f"Too many wait for the {self._name}", "busy")
        self._held += 1
        try:
            answer = await send()
        except ApplicationError as error:
            if error.non_retryable:
                self._note_answer()
                raise
            self._note_failure(error, datetime.now(UTC))
            raise _passing(error.message, error.type, error.next_retry_delay) from None
        finally:
            self._held -= 1
        self._note_answer()
        return answer

    def _note_failure(self, error: ApplicationError, at: datetime) -> None:
        self._failures += 1
        self._down_since = self._down_since or at
        if report_due(self._down_since, self._failures, self._reported_at, at):
            self._reported_at = at
            since = f"{self._down_since:%Y-%m-%d %H:%M:%S} UTC"
            log.error("the %s is down since %s: %s", self._name, since, error.message)

    def _note_answer(self) -> None:
        if self._reported_at is not None:
            log.info("the %s is back", self._name)
        self._failures, self._down_since, self._reported_at = 0, None, None


def _passing(message: str, kind: str | None, delay: timedelta | None = None) -> ApplicationError:
    """After it we try again. The SDK does not log it: what lasts is reported."""
    return ApplicationError(message, type=kind, next_retry_delay=delay, category=ApplicationErrorCategory.BENIGN)

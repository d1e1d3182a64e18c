"""The grid platform and the SMS gateway: each one for all cases, and told on the task queue that all parties share."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import TypeVar

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.systems import Failures

SHARED_SLOTS = 100
"""Activities that a worker carries out at the same time on that task queue."""
MOST = 40
"""Of these, how many may wait for one platform."""

T = TypeVar("T")


class Platform:
    """One of them, as one worker sees it: how many wait for it, and when it last failed."""

    def __init__(self, name: str, failures: Failures, most: int = MOST) -> None:
        self._name, self._failures, self._most = name, failures, most
        self._held, self._failed_at = 0, 0.0

    async def tell(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send as `ask` does. Raises a retryable ApplicationError, at once, while too many wait already."""
        if self._held >= self._most:
            raise _passing(f"Too many wait for the {self._name}", "busy")
        self._held += 1
        try:
            return await self.ask(send)
        finally:
            self._held -= 1

    async def ask(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send. Raises ApplicationError as `send` does; one that may pass is noted, and is no line of the log."""
        begun = monotonic()
        try:
            return await send()
        except ApplicationError as error:
            if error.non_retryable:
                raise
            # Tries that were under way at the last failure tell nothing new.
            if begun >= self._failed_at:
                self._failed_at = monotonic()
                await self._failures.note_failure(self._name, error.type or "failed")
            raise _passing(error.message, error.type, error.next_retry_delay) from None


def _passing(message: str, kind: str | None, delay: timedelta | None = None) -> ApplicationError:
    """After it we try again. Not logged: `Watch` reports what lasts."""
    return ApplicationError(message, type=kind, next_retry_delay=delay, category=ApplicationErrorCategory.BENIGN)

"""Systems of units and partners as one worker sees them: how fast each may be told, and when nobody should knock."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import Any, NoReturn, Protocol, TypeVar

from aiolimiter import AsyncLimiter
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from domain.city import City
from domain.effects import ELSEWHERE
from domain.rulebook import pause
from domain.systems import by_system

QUICK = 2.0
"""Seconds within which a system answers a first try, which holds a slot that all parties share."""
FIRST_TRIES = 10
"""First tries at one system at the same time."""
LOOKS = 3
"""Looks at one system at the same time: the other slots of its queue are left to what it is to be told."""
LONGEST_WAIT = 5.0
"""Seconds a later try waits for the system's rate before it goes back to its queue."""
JITTER = 0.1
"""The part of a pause by which tries are spread after it, so that not all knock at once."""

LEAST_PAUSE = 1.0
"""Seconds that nobody knocks after a failure, whatever the system says."""

T = TypeVar("T")
Send = Callable[[], Awaitable[dict[str, Any]]]
Through = Callable[[Send], Awaitable[dict[str, Any]]]
"""Sends, when and if a system may be told."""
Pauses = tuple[float, float]
"""Seconds after the first failure, and at most; each further failure doubles the pause."""


class Failures(Protocol):
    """Where all workers learn that a system failed."""

    async def note_failure(self, system: str, error: str) -> None: ...


class Notes(Failures, Protocol):
    """Where they learn that it answers, too."""

    async def note_answer(self, system: str) -> bool: ...


class System:
    """One system, whichever of those who share it is told.

    A first try never waits, and is made only at a system that is known to answer quickly. All others are made on the
    system's own task queue, so that only its own messages wait for it. After a failure nobody knocks for a while.
    """

    def __init__(self, name: str, queue: str, rate: float, pauses: Pauses, notes: Notes) -> None:
        self.name, self.queue, self.rate = name, queue, rate
        self._limit = AsyncLimiter(rate, 1) if rate >= 1 else AsyncLimiter(1, 1 / rate)
        self._pauses, self._notes = pauses, notes
        self._pause = 0.0
        self._shut_at = self._opens_at = 0.0
        self._error = "busy"
        self._quick = True
        self._noted_up = False
        self._first_tries = self._looks = 0

    async def tell(self, tell: Callable[[Through], Awaitable[None]], *, at_once: bool = True) -> None:
        """Tell in the way of the task queue on which we are: a first try on the main one, if it may be made at once.

        Raises ApplicationError as `tell` does; of type `elsewhere`, with our queue and the reason, where it is left to
        that.
        """
        if activity.info().task_queue == self.queue:
            self.check_open()
            await tell(self.try_again)
            return
        try:
            await tell(self.try_first if at_once else self.put_off)
        except ApplicationError as error:
            if error.non_retryable:
                raise
            raise self.elsewhere(error.message, error.type) from None

    def elsewhere(self, message: str, why: str | None) -> ApplicationError:
        """The error that leaves it to our own queue."""
        return ApplicationError(
            message, self.queue, why, type=ELSEWHERE, non_retryable=True, category=ApplicationErrorCategory.BENIGN
        )

    async def try_first(self, send: Send) -> dict[str, Any]:
        """Send, if that can be done at once and quickly. Raises ApplicationError as `send` does, or if it cannot."""
        if not self._quick or self._first_tries >= FIRST_TRIES or not self._limit.has_capacity():
            return await self.put_off(send)
        await self._limit.acquire()
        self._first_tries += 1
        try:
            async with asyncio.timeout(QUICK):
                return await self._knock(send)
        except TimeoutError:
            self._quick, self._error = False, "slow"
            raise _again(f"{self.name} did not answer quickly", self._error) from None
        finally:
            self._first_tries -= 1

    async def put_off(self, _: Send) -> NoReturn:
        """Raises ApplicationError without sending: it is left to the system's own queue."""
        raise _again(f"{self.name} is told on its own queue", self._error)

    def check_open(self) -> None:
        """Raises ApplicationError, to be tried again later, as long as nobody should knock."""
        if (left := self._opens_at - monotonic()) > 0:
            raise _again(f"{self.name} is given a pause", self._error, left)

    async def look(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask how something stands. Raises ApplicationError as `check_open` and `try_again` do, or if too many ask."""
        self.check_open()
        if self._looks >= LOOKS:
            raise _again(f"{self.name} is being asked", "busy", LONGEST_WAIT)
        self._looks += 1
        try:
            return await self.try_again(ask)
        finally:
            self._looks -= 1

    async def try_again(self, send: Callable[[], Awaitable[T]]) -> T:
        """Send when the system's rate allows. Raises ApplicationError as `send` does, or when that takes too long."""
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self._limit.acquire()
        except TimeoutError:
            raise _again(f"{self.name} has its rate used up", "busy", LONGEST_WAIT) from None
        return await self._knock(send)

    async def _knock(self, send: Callable[[], Awaitable[T]]) -> T:
        begun = monotonic()
        try:
            answer = await send()
        except ApplicationError as error:
            if error.non_retryable:
                await self._answered(begun)
                raise
            raise await self._failed(begun, error) from None
        await self._answered(begun)
        return answer

    async def _answered(self, begun: float) -> None:
        # What was sent before it failed does not say that it works again.
        if begun < self._shut_at:
            return
        self._pause = self._opens_at = 0.0
        self._error, self._quick = "busy", monotonic() - begun < QUICK
        if not self._noted_up:
            known = await self._notes.note_answer(self.name)
            self._noted_up = known and begun >= self._shut_at

    async def _failed(self, begun: float, error: ApplicationError) -> ApplicationError:
        # Tries that were under way when the first failure shut it tell nothing new.
        if begun >= self._shut_at:
            self._shut(error)
            await self._notes.note_failure(self.name, self._error)
        return _again(error.message, error.type, max(self._opens_at - monotonic(), LEAST_PAUSE))

    def _shut(self, error: ApplicationError) -> None:
        first, longest = self._pauses
        self._pause = min(max(first, 2 * self._pause), max(first, longest))
        named = error.next_retry_delay
        self._shut_at = monotonic()
        self._opens_at = self._shut_at + (max(named.total_seconds(), LEAST_PAUSE) if named is not None else self._pause)
        self._error, self._quick, self._noted_up = error.type or "failed", False, False


def systems_of(city: City, task_queue: str, notes: Notes) -> dict[str, System]:
    """Every system of the city's units and partners, by name. Who share one share its rate: the lowest that any names.

    `notes` is told of every failure, and of answers after one until it says that the system is known to work.
    """
    rules = city.rulebook.effects
    pauses = pause(rules.first_retry).total_seconds(), pause(rules.longest_pause).total_seconds()
    parties = by_system(city.units.values(), city.partners.values())
    rates = {name: min(party.rate for party in sharing) for name, sharing in parties.items()}
    return {name: System(name, f"{task_queue}.{name}", rate, pauses, notes) for name, rate in rates.items()}


def _again(message: str, kind: str | None, left: float | None = None) -> ApplicationError:
    """After it we try again, in so many seconds or a little later. Not logged: `Watch` reports what lasts."""
    jitter = 1 + random.uniform(0, JITTER)  # noqa: S311 (no secret)
    delay = None if left is None else timedelta(seconds=left * jitter)
    return ApplicationError(message, type=kind, next_retry_delay=delay, category=ApplicationErrorCategory.BENIGN)

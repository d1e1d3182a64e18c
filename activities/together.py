"""Several parties told at once: one entry in a case's history instead of one for each."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.effects import ELSEWHERE, TELL_TOGETHER, Effect, Party, Untold

log = logging.getLogger("jiesu.activities")

Tell = Callable[[Effect], Awaitable[None]]


class Together:
    """Tries all parties that an event concerns, side by side; each has its own send state."""

    def __init__(self, tell: Mapping[Party, Tell]) -> None:
        self._tell = tell

    @activity.defn(name=TELL_TOGETHER)
    async def try_all(self, effects: list[Effect]) -> list[Untold]:
        """Tell each party once; return those that could not be told."""
        found = await asyncio.gather(*(self._try(effect) for effect in effects))
        return [untold for untold in found if untold is not None]

    async def _try(self, effect: Effect) -> Untold | None:
        try:
            await self._tell[effect.party](effect)
        except ApplicationError as error:
            if error.type == ELSEWHERE:
                queue, why = error.details
                return Untold(key=effect.key, error=why, final=False, queue=queue)
            return Untold(key=effect.key, error=error.type or "failed", final=error.non_retryable)
        except Exception as error:
            # As Temporal itself does with an activity's other errors: try again.
            log.warning("%s could not be told of %s: %s", effect.party, effect.key, type(error).__name__)
            return Untold(key=effect.key, error=type(error).__name__, final=False)
        return None

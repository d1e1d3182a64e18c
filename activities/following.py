"""Following an order at a unit's Open311 server: what it says of the order becomes the unit's steps in the case."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.georeport import TOKEN, Request
from activities.open311 import MALFORMED, Open311
from activities.systems import System
from domain.city import City
from domain.effects import FOLLOW_ORDER, Effect
from domain.roles import Actor, Role
from domain.units import Unit
from ledger.database import Ledger
from ledger.following import Order, order_of, refer

DONE = "承办单位系统显示已办结，未附说明。"
"""The result of a unit that closes an order without a word."""

VANISHED = "vanished"
GONE = ("http_404", "http_410")


class Engine(Protocol):
    """The steps that are taken in the case."""

    async def take(self, actor: Actor, step: str, number: str, key: str, text: str | None = None) -> bool: ...

    async def report(self, order: Effect, error: str) -> None: ...


class Follower:
    """Looks how orders stand."""

    def __init__(
        self, ledger: Ledger, city: City, server: Open311, systems: Mapping[str, System], engine: Engine
    ) -> None:
        self._ledger, self._city, self._server, self._systems = ledger, city, server, systems
        self._engine = engine

    @activity.defn(name=FOLLOW_ORDER)
    async def follow(self, effect: Effect) -> None:
        """Look once; returns when there is nothing more to see.

        Raises ApplicationError: of type `elsewhere`, with its system's task queue, on any other; on that queue to be
        tried again after the unit's `poll` or what its server asked for, as long as the order is open there, and
        whatever its server answers.
        """
        unit, order = self._city.units.get(effect.unit or ""), await self._ledger.run(order_of, effect)
        if unit is None or unit.system is None or unit.reach != "open311" or order.ended:
            return
        system = self._systems[unit.system]
        if activity.info().task_queue != system.queue:
            raise system.elsewhere(f"{system.name} is asked on its own queue", "open")
        try:
            ended = await self._look(system, unit, effect, order)
        except ApplicationError as error:
            raise _again(unit, error.message, error.type, error.next_retry_delay) from None
        if not ended:
            raise _again(unit, "the order is open", "open")

    async def _look(self, system: System, unit: Unit, effect: Effect, order: Order) -> bool:
        request = await self._request(system, unit, effect, order)
        if request is None:
            return False
        if not order.signed_in:
            await self._take(unit, effect, "sign-in", order)
        if request.status == "closed":
            return await self._close(unit, effect, order, request)
        if request.said is not None and request.said not in order.said:
            await self._take(unit, effect, "report-progress", order, request.said)
        return False

    async def _request(self, system: System, unit: Unit, effect: Effect, order: Order) -> Request | None:
        """What the server says of the order; None if there is nothing to be said yet, or any more."""
        reference = order.reference
        if reference is not None and reference.startswith(TOKEN):
            token = reference.removeprefix(TOKEN)
            reference = await system.look(partial(self._server.exchange, unit, token))
            if reference is not None:
                await self._ledger.run(refer, effect.key, reference)
        if reference is None:
            return None
        try:
            return await system.look(partial(self._server.read, unit, reference))
        except ApplicationError as error:
            trouble = _for_people(error, order)
            if trouble is not None and trouble not in order.reported:
                await self._engine.report(effect, trouble)
            raise

    async def _close(self, unit: Unit, effect: Effect, order: Order, request: Request) -> bool:
        """The lead's last words are the result. Where no result may come now, as in a suspension, it comes later."""
        if order.lead:
            return await self._take(unit, effect, "submit-result", order, request.said or DONE)
        if request.said is not None and request.said not in order.said:
            return await self._take(unit, effect, "report-progress", order, request.said)
        return True

    async def _take(self, unit: Unit, effect: Effect, step: str, order: Order, text: str | None = None) -> bool:
        actor = Actor(role=Role.UNIT, id=f"open311:{unit.code}", unit=unit.code)
        return await self._engine.take(actor, step, effect.case, f"{effect.key}:{step}:{order.last}", text)


def _for_people(error: ApplicationError, order: Order) -> str | None:
    """What is wrong with this order alone, for people to see to; a system in trouble is reported as such."""
    if error.type == MALFORMED and error.non_retryable:
        return MALFORMED
    # One that was never seen may still have to pass somebody's desk there.
    return VANISHED if error.type in GONE and order.signed_in else None


def _again(unit: Unit, what: str, type: str | None, named: timedelta | None = None) -> ApplicationError:
    return ApplicationError(
        what,
        type=type,
        next_retry_delay=max(timedelta(seconds=unit.poll), named or timedelta()),
        category=ApplicationErrorCategory.BENIGN,
    )

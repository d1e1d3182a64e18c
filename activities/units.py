"""Handling units: orders, recalls and notices, to the unit's own system or to the people who look at our list."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import webhook
from activities.delivery import deliver, drop, leave
from activities.open311 import Open311
from activities.systems import System, Through
from activities.told import for_handlers, home_visit, what_is_told
from domain.city import City
from domain.crews import Crew, crews_at
from domain.effects import TELL, WORK, Effect, Party
from domain.units import Unit
from ledger.database import Ledger
from ledger.told import Told

ORDERS = WORK | {"recall"}


class Units:
    """Tells units what they need to know to do their part."""

    def __init__(
        self,
        ledger: Ledger,
        city: City,
        http: aiohttp.ClientSession,
        systems: Mapping[str, System],
        open311: Open311,
    ) -> None:
        self._ledger, self._city, self._http, self._systems = ledger, city, http, systems
        self._open311 = open311

    @activity.defn(name=TELL[Party.UNIT])
    async def tell(self, effect: Effect) -> None:
        """Send one order or notice; the unit knows a repetition by the effect's key.

        An order to do something whose case is over is dropped.

        Raises ApplicationError: of type `elsewhere`, with its system's task queue and the reason, where it cannot be
        told at once; on that queue retryable as long as the system does not take it; not retryable if it never will.
        """
        unit = self._city.units.get(effect.unit or "")
        if unit is None:
            raise ApplicationError(f"No unit {effect.unit} in this city", type="unknown_unit", non_retryable=True)
        if unit.system is None or (unit.reach == "open311" and effect.kind not in WORK):
            # People look at our list by themselves, also for what GeoReport has no place for.
            told = await what_is_told(self._ledger, effect)
            await leave(self._ledger, effect, for_handlers(told, told.note) or "")
            return

        async def tell(through: Through) -> None:
            await self._tell(unit, effect, through)

        # A server that may not know a repetition by its key is given all the time it takes.
        await self._systems[unit.system].tell(tell, at_once=unit.reach != "open311")

    async def _tell(self, unit: Unit, effect: Effect, through: Through) -> None:
        told = await what_is_told(self._ledger, effect)
        if effect.kind in WORK and told.closed_at is not None:
            await drop(self._ledger, effect)
            return

        async def send() -> dict[str, Any]:
            if unit.reach == "open311":
                return await self._open311.send(unit, effect, told)
            return await webhook.send(self._http, unit, effect, self._order(effect, told))

        await deliver(self._ledger, effect, for_handlers(told, told.note) or "", lambda: through(send))

    def _order(self, effect: Effect, told: Told) -> dict[str, Any]:
        crews = crews_at(told.grid, self._city.crews, self._city.grids)
        order = _order(effect, told, [crew for crew in crews if crew.unit == effect.unit])
        return order | self._promised(effect, told) if effect.kind in WORK else order

    def _promised(self, effect: Effect, told: Told) -> dict[str, Any]:
        """By when the unit's own commitments want what of it."""
        lead = effect.role != "assisting"
        promises = self._city.promised(effect.unit or "", told.at, told.category, told.item, lead=lead)
        return {"commitments": [promise.model_dump(mode="json") for promise in promises]}


def _order(effect: Effect, told: Told, crews: list[Crew]) -> dict[str, Any]:
    """What goes to the unit: the request itself and whose area it is in with an order, only the news with a notice."""
    order: dict[str, Any] = {
        "case": effect.case,
        "kind": effect.kind if effect.kind in ORDERS else "notice",
        "notice": None if effect.kind in ORDERS else effect.kind,
        "role": effect.role,
        "unit": effect.unit,
        "category": told.category,
        "item": told.item,
        "due": told.due.isoformat() if told.due else None,
    }
    if effect.kind in WORK:
        words = {"title": told.title, "text": told.request, "address": told.address}
        order |= {name: for_handlers(told, word) for name, word in words.items()} | {"contact": _contact(told)}
        order |= {"grid": told.grid, "crews": [crew.model_dump(exclude={"unit"}) for crew in crews], **home_visit(told)}
        if effect.kind == "rework":
            order["reason"] = for_handlers(told, told.note)
    elif told.note:
        order["text"] = for_handlers(told, told.note)
    return order


def _contact(told: Told) -> dict[str, Any]:
    known = {"name": None, "phone": None} if told.withheld else {"name": told.name, "phone": told.phone}
    return {**known, "withheld": told.withheld}

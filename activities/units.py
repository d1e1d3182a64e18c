"""Handling units: orders, recalls and notices, to the unit's own system or to the people who look at our list."""

import os
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.delivery import deliver
from activities.http import post
from activities.told import for_handlers, home_visit, what_is_told
from domain.city import City
from domain.crews import Crew, crews_at
from domain.effects import TELL, Effect, Party
from domain.units import Unit
from ledger.database import Ledger
from ledger.told import Told

ORDERS = frozenset({"dispatch", "rework", "recall"})


class Units:
    """Tells units what they need to know to do their part."""

    def __init__(self, ledger: Ledger, city: City, http: aiohttp.ClientSession) -> None:
        self._ledger, self._city, self._http = ledger, city, http

    @activity.defn(name=TELL[Party.UNIT])
    async def tell(self, effect: Effect) -> None:
        """Send one order or notice; the unit knows a repetition by the effect's key."""
        told = await what_is_told(self._ledger, effect)
        unit = self._city.units.get(effect.unit or "")
        if unit is None:
            raise ApplicationError(f"No unit {effect.unit} in this city", type="unknown_unit", non_retryable=True)

        async def send() -> dict[str, Any]:
            if unit.reach == "people":
                return {}
            return await post(self._http, f"{_address(unit)}/orders", effect.key, self._order(effect, told))

        await deliver(self._ledger, effect, for_handlers(told, told.note) or "", send)

    def _order(self, effect: Effect, told: Told) -> dict[str, Any]:
        crews = crews_at(told.grid, self._city.crews, self._city.grids)
        return _order(effect, told, [crew for crew in crews if crew.unit == effect.unit])


def _address(unit: Unit) -> str:
    address = os.environ.get(unit.endpoint or "")
    if not address:
        raise ApplicationError(f"{unit.endpoint} is not set, so {unit.code} cannot be reached", type="no_endpoint")
    return address.rstrip("/")


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
    if effect.kind in ("dispatch", "rework"):
        words = {"title": told.title, "text": told.request, "address": told.address}
        order |= {name: for_handlers(told, word) for name, word in words.items()} | {"contact": _contact(told)}
        order |= {"grid": told.grid, "crews": [crew.model_dump(exclude={"unit"}) for crew in crews], **home_visit(told)}
    elif told.note:
        order["text"] = for_handlers(told, told.note)
    return order


def _contact(told: Told) -> dict[str, Any]:
    known = {"name": None, "phone": None} if told.withheld else {"name": told.name, "phone": told.phone}
    return {**known, "withheld": told.withheld}

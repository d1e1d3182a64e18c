"""The grid platform: the grid that a request comes from hears of it at once (实践, 网格全程办)."""

from typing import Any

import aiohttp
from temporalio import activity

from activities.delivery import deliver
from activities.http import address_of, post
from activities.platforms import Platform
from activities.systems import Failures
from activities.told import home_visit, what_is_told
from domain.city import City
from domain.effects import TELL, Effect, Party
from domain.events import EventKind
from domain.grids import who_goes
from domain.masking import anonymous
from domain.systems import GRID_PLATFORM
from ledger.database import Ledger

ENDPOINT = "JIESU_ENDPOINT_GRID"


class Grids:
    """Tells grids of what happens in them."""

    def __init__(self, ledger: Ledger, city: City, http: aiohttp.ClientSession, failures: Failures) -> None:
        self._ledger, self._city, self._http = ledger, city, http
        self._platform = Platform(GRID_PLATFORM, failures)

    @activity.defn(name=TELL[Party.GRID])
    async def tell(self, effect: Effect) -> None:
        """Send one notice to the grid platform: whom it sends there, and nothing of the citizen's name or phone."""
        told = await what_is_told(self._ledger, effect)
        why = f"：{told.note}" if effect.kind == EventKind.GRID_ESCALATED else ""
        text = anonymous(f"{told.title}（{told.address or '地址不详'}）{why}", told.name)

        async def send() -> dict[str, Any]:
            member = who_goes(effect.grid, self._city.grids)
            body = {
                "case": effect.case,
                "grid": effect.grid,
                "kind": effect.kind,
                "text": text,
                "member": member.model_dump() if member else None,
                **home_visit(told),
            }
            return await post(self._http, f"{address_of(ENDPOINT, 'the grid platform')}/notices", effect.key, body)

        await deliver(self._ledger, effect, text, lambda: self._platform.tell(send))

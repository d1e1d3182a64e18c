"""The grid platform: the grid that a request comes from hears of it at once (实践, 网格全程办)."""

import os
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.delivery import deliver
from activities.http import post
from activities.told import what_is_told
from domain.effects import TELL, Effect, Party
from domain.masking import anonymous
from ledger.database import Ledger

ENDPOINT = "JIESU_ENDPOINT_GRID"


class Grids:
    """Tells grids of what happens in them."""

    def __init__(self, ledger: Ledger, http: aiohttp.ClientSession) -> None:
        self._ledger, self._http = ledger, http

    @activity.defn(name=TELL[Party.GRID])
    async def tell(self, effect: Effect) -> None:
        """Send one notice to the grid platform, without the citizen's name or phone."""
        told = await what_is_told(self._ledger, effect)
        text = anonymous(f"{told.title}（{told.address or '地址不详'}）", told.name)

        async def send() -> dict[str, Any]:
            address = os.environ.get(ENDPOINT)
            if not address:
                raise ApplicationError(f"{ENDPOINT} is not set, so no grid can be reached", type="no_endpoint")
            body = {"case": effect.case, "grid": effect.grid, "kind": effect.kind, "text": text}
            return await post(self._http, f"{address.rstrip('/')}/notices", effect.key, body)

        await deliver(self._ledger, effect, text, send)

"""The SMS gateway: what the citizen is told, in the city's own texts."""

import os
from datetime import datetime
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.delivery import deliver
from activities.http import post
from activities.told import what_is_told
from domain.city import City
from domain.deadlines import show
from domain.effects import TELL, Effect, Party
from ledger.database import Ledger
from ledger.told import Told

ENDPOINT = "JIESU_ENDPOINT_SMS"
MASKED = "********"


class Sms:
    """Texts citizens."""

    def __init__(self, ledger: Ledger, city: City, http: aiohttp.ClientSession) -> None:
        self._ledger, self._city, self._http = ledger, city, http

    @activity.defn(name=TELL[Party.CITIZEN])
    async def text(self, effect: Effect) -> None:
        """Send one text; the gateway knows a repetition by the effect's key. Nobody to text is no failure."""
        told = await what_is_told(self._ledger, effect)
        if not told.phone or "no_contact" in told.marks:
            return
        values = _values(self._city, effect, told)
        text = self._city.texts.render(effect.kind, **values)
        # Staff read the copy: with the code in it they could act as the citizen.
        copy = self._city.texts.render(effect.kind, **values | {"code": MASKED})

        async def send() -> dict[str, Any]:
            address = os.environ.get(ENDPOINT)
            if not address:
                raise ApplicationError(f"{ENDPOINT} is not set, so no text can be sent", type="no_endpoint")
            body = {"phone": told.phone, "text": text}
            return await post(self._http, f"{address.rstrip('/')}/messages", effect.key, body)

        await deliver(self._ledger, effect, copy, send, reference="id")


def _values(city: City, effect: Effect, told: Told) -> dict[str, str]:
    """What the templates may speak of."""
    facts = told.facts
    ground = city.rulebook.grounds.get(facts.get("ground", ""))
    return {
        "city": city.rulebook.city,
        "number": effect.case,
        "code": told.code or "无",
        "unit": city.called(told.unit or told.lead) or "承办单位",
        "due": _shown(city, facts.get("now")),
        "until": _shown(city, facts.get("until")),
        "guidance": ground.guidance if ground else "",
        "reason": told.note or "",
        "to": facts.get("to", ""),
    }


def _shown(city: City, instant: str | None) -> str:
    return show(datetime.fromisoformat(instant), city.rulebook.days) if instant else ""

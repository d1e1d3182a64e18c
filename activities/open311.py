"""Units that run an Open311 server (GeoReport v2): orders are filed there as requests, and read back."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.georeport import LONGEST, TOKEN, Request, entries, reference_in, request_in
from activities.http import address_of, ask_for
from activities.told import for_handlers
from domain import words
from domain.effects import Effect
from domain.open311 import OTHER
from domain.units import Unit
from ledger.database import Ledger
from ledger.following import filed_as, filed_before
from ledger.told import Told
from settings import read_variable

SHORTENED = "（…有删节）"
"""Ends a request that is longer than a description may be."""

NOWHERE = "地址不详"
"""Stands where nobody knows the place, since GeoReport wants one."""

FORM = "application/x-www-form-urlencoded; charset=utf-8"

MALFORMED = "malformed"

Begin = Callable[[Effect, str], Awaitable[None]]
"""Has an order followed, on a task queue."""


class Open311:
    """Files orders with units' servers, and reads how they stand."""

    def __init__(self, ledger: Ledger, http: aiohttp.ClientSession, begin: Begin) -> None:
        self._ledger, self._http, self._begin = ledger, http, begin

    async def send(self, unit: Unit, effect: Effect, told: Told) -> dict[str, Any]:
        """File an order as a request; returns the server's reference, once an order is filed always the same.

        It is followed from before it is filed, on the task queue on which it is filed: none is ever forgotten.

        Raises ApplicationError as `ask_for` does; not retryable when nobody can tell what became of the order.
        """
        await self._begin(effect, activity.info().task_queue)
        reference = await self._ledger.run(filed_as, effect.key)
        return {"reference": reference or await self._file(unit, effect, told)}

    async def _file(self, unit: Unit, effect: Effect, told: Told) -> str:
        before = await self._ledger.run(filed_before, effect) if effect.kind == "rework" else None
        form, headers = _form(unit, effect, told, before), {"Idempotency-Key": effect.key, "Content-Type": FORM}
        answer = await ask_for(self._http, "POST", _url(unit, "requests"), entries, data=form, headers=headers)
        if (reference := reference_in(answer)) is None:
            raise ApplicationError(f"{unit.code} took an order without a reference", type=MALFORMED, non_retryable=True)
        return reference

    async def exchange(self, unit: Unit, token: str) -> str | None:
        """The reference for which a token stands; None as long as there is none. Raises as `read` does."""
        reference = reference_in(await self._get(unit, "tokens", token))
        return None if reference is None or reference.startswith(TOKEN) else reference

    async def read(self, unit: Unit, reference: str) -> Request:
        """How a request stands.

        Raises ApplicationError as `ask_for` does, also for what is no answer at all, and one that is not retryable for
        an answer that does not say it.
        """
        found = request_in(await self._get(unit, "requests", reference), reference)
        if found is None:
            raise ApplicationError(f"{unit.code} answered something else", type=MALFORMED, non_retryable=True)
        return found

    async def _get(self, unit: Unit, resource: str, id: str) -> list[Any]:
        # Some servers tell only who filed a request how it stands.
        known = {"api_key": _api_key(unit)} | ({"jurisdiction_id": unit.jurisdiction} if unit.jurisdiction else {})
        url = _url(unit, resource, quote(id, safe=""))
        try:
            answer: list[Any] | None = await ask_for(self._http, "GET", url, entries, params=known)
        except ApplicationError as error:
            if error.type != "http_404":
                raise
            # A server that does not know what it is asked of works.
            raise ApplicationError(error.message, type=error.type, non_retryable=True) from None
        if answer is None:
            raise ApplicationError(f"{unit.code} answered nothing that can be read", type=MALFORMED)
        return answer


def _url(unit: Unit, *path: str) -> str:
    return "/".join([address_of(unit.endpoint, unit.code), *path]) + f".{unit.format}"


def _form(unit: Unit, effect: Effect, told: Told, before: str | None) -> dict[str, str]:
    """The arguments of a request: what the unit must know to go there, and who asks unless that is withheld."""
    known = {} if told.withheld else {"first_name": told.name, "phone": told.phone}
    item = told.item if told.item in unit.services else OTHER
    arguments = {
        "api_key": _api_key(unit),
        "jurisdiction_id": unit.jurisdiction,
        "service_code": _service(unit, item),
        "description": _description(effect, told, before),
        **_place(told),
        **known,
        **{f"attribute[{code}]": value for code, value in unit.attributes.get(item, {}).items()},
    }
    return {name: str(value) for name, value in arguments.items() if value is not None}


def _place(told: Told) -> dict[str, Any]:
    """Where it is: a position only if it is one that somebody can go to."""
    address = for_handlers(told, told.address)
    if told.longitude is None or told.latitude is None or "no_location" in told.marks:
        return {"address_string": address or NOWHERE}
    return {"lat": told.latitude, "long": told.longitude, "address_string": address}


def _description(effect: Effect, told: Told, before: str | None) -> str:
    visit = "、".join(words.VULNERABLE[kind] for kind in told.vulnerable)
    lines = (
        f"12345热线工单{effect.case}",
        f"退回重办，原受理编号{before.removeprefix(TOKEN)}" if before else None,
        f"请上门走访：{visit}" if visit else None,
        f"退回原因：{for_handlers(told, told.note)}" if effect.kind == "rework" and told.note else None,
        for_handlers(told, told.title),
        for_handlers(told, told.request),
    )
    text = "\n".join(line for line in lines if line)
    return text if len(text) <= LONGEST else text[: LONGEST - len(SHORTENED)] + SHORTENED


def _api_key(unit: Unit) -> str:
    key = read_variable(unit.secret)
    if key is None:
        raise ApplicationError(f"{unit.secret} is not set, so {unit.code} gets no orders", type="no_secret")
    return key


def _service(unit: Unit, item: str) -> str:
    code = unit.services.get(item)
    if code is None:
        raise ApplicationError(f"{unit.code} has no service for it", type="no_service", non_retryable=True)
    return code

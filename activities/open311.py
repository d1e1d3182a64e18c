"""Units that run an Open311 server (GeoReport v2): orders are filed there as requests, and read back."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, BeforeValidator, StringConstraints, TypeAdapter, ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.http import address_of, ask_for
from activities.told import for_handlers
from domain import words
from domain.effects import Effect
from domain.units import Unit
from ledger.database import Ledger
from ledger.following import filed_as, filed_before
from ledger.told import Told
from settings import read_variable

LONGEST = 4000
"""Characters of a description (GeoReport v2, POST service request)."""

TOKEN = "token:"  # noqa: S105 (marks a reference that is not final)
"""Begins a reference that has still to be exchanged for the request's own."""

Begin = Callable[[Effect, str], Awaitable[None]]
"""Has an order followed, on a task queue."""

Id = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    StringConstraints(pattern=r"^\S+$", max_length=200),
]


class Filed(BaseModel):
    """What a server answers to a new request, or to a token: an id, or a token to be exchanged later."""

    service_request_id: Id | None = None
    token: Id | None = None

    @property
    def reference(self) -> str | None:
        return self.service_request_id or (TOKEN + self.token if self.token else None)


class Request(BaseModel):
    """How a request stands there."""

    service_request_id: Id
    status: Annotated[str, StringConstraints(to_lower=True, pattern=r"^(?i:open|closed)$")]
    status_notes: str | None = None

    @property
    def said(self) -> str | None:
        """The unit's own words, as long as ours may be and free of what no database can hold."""
        return (self.status_notes or "").replace("\x00", "").strip()[:LONGEST].strip() or None


FILED_LIST, REQUESTS = TypeAdapter(list[Filed]), TypeAdapter(list[Request])


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
        url, headers = f"{_address(unit)}/requests.json", {"Idempotency-Key": effect.key}
        answer = await ask_for(self._http, "POST", url, data=_form(unit, effect, told, before), headers=headers)
        if (reference := _reference(answer)) is None:
            raise ApplicationError(
                f"{unit.code} took an order without a reference", type="malformed", non_retryable=True
            )
        return reference

    async def exchange(self, unit: Unit, token: str) -> str | None:
        """The reference for which a token stands; None as long as there is none. Raises as `ask_for` does."""
        answer = await ask_for(self._http, "GET", f"{_address(unit)}/tokens/{quote(token, safe='')}.json")
        reference = _reference(answer)
        return None if reference is None or reference.startswith(TOKEN) else reference

    async def read(self, unit: Unit, reference: str) -> Request:
        """How a request stands. Raises ApplicationError as `ask_for` does, and for an answer that is not about it."""
        url = f"{_address(unit)}/requests/{quote(reference, safe='')}.json"
        answer = await ask_for(self._http, "GET", url)
        try:
            found = REQUESTS.validate_python(answer)
        except ValidationError:
            found = []
        for request in found:
            if request.service_request_id == reference:
                return request
        raise ApplicationError(f"{unit.code} answered something else", type="malformed")


def _address(unit: Unit) -> str:
    return address_of(unit.endpoint, unit.code)


def _reference(answer: Any) -> str | None:
    try:
        filed = FILED_LIST.validate_python(answer)
    except ValidationError:
        return None
    return filed[0].reference if filed else None


def _form(unit: Unit, effect: Effect, told: Told, before: str | None) -> dict[str, str]:
    """The arguments of a request: what the unit must know to go there, and who asks unless that is withheld."""
    known = {} if told.withheld else {"first_name": told.name, "phone": told.phone}
    arguments = {
        "api_key": _api_key(unit),
        "service_code": _service(unit, told.item),
        "description": _description(effect, told, before),
        "address_string": for_handlers(told, told.address) or "地址不详",
        "lat": told.latitude,
        "long": told.longitude,
        **known,
    }
    return {name: str(value) for name, value in arguments.items() if value is not None}


def _description(effect: Effect, told: Told, before: str | None) -> str:
    visit = "、".join(words.VULNERABLE[kind] for kind in told.vulnerable)
    lines = (
        f"12345热线工单{effect.case}",
        f"退回重办，原受理编号{before.removeprefix(TOKEN)}" if before else None,
        for_handlers(told, told.title),
        for_handlers(told, told.request),
        f"请上门走访：{visit}" if visit else None,
    )
    return "\n".join(line for line in lines if line)[:LONGEST]


def _api_key(unit: Unit) -> str:
    key = read_variable(unit.secret)
    if key is None:
        raise ApplicationError(f"{unit.secret} is not set, so {unit.code} gets no orders", type="no_secret")
    return key


def _service(unit: Unit, item: str | None) -> str:
    code = unit.services.get(item or "") or unit.services.get("other")
    if code is None:
        raise ApplicationError(f"{unit.code} has no service for {item}", type="no_service", non_retryable=True)
    return code

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
from domain.open311 import OTHER, said_in
from domain.units import Unit
from ledger.database import Ledger
from ledger.following import filed_as, filed_before
from ledger.told import Told
from settings import read_variable

LONGEST = 4000
"""Characters of a description (GeoReport v2, POST service request)."""

SHORTENED = "（…有删节）"
"""Ends a request that is longer than a description may be."""

NOWHERE = "地址不详"
"""Stands where nobody knows the place, since GeoReport wants one."""

TOKEN = "token:"  # noqa: S105 (marks a reference that is not final)
"""Begins a reference that has still to be exchanged for the request's own."""

Begin = Callable[[Effect, str], Awaitable[None]]
"""Has an order followed, on a task queue."""

Id = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    StringConstraints(pattern=r"^[^\s\x00-\x1f]+$", max_length=200),
]


def _plain(value: object) -> object:
    """A text without halves of characters, which JSON may name and nothing else can hold."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


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
    status_notes: Annotated[str | None, BeforeValidator(_plain)] = None

    @property
    def said(self) -> str | None:
        """The unit's own words, as long as ours may be and free of what no database can hold; how it stands is none."""
        return (said_in((self.status_notes or "").replace("\x00", "").strip()) or "")[:LONGEST].strip() or None


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
        answer = await self._get(f"{_address(unit)}/tokens/{quote(token, safe='')}.json", unit)
        reference = _reference(answer)
        return None if reference is None or reference.startswith(TOKEN) else reference

    async def read(self, unit: Unit, reference: str) -> Request:
        """How a request stands.

        Raises ApplicationError as `ask_for` does, and one that is not retryable for an answer that is not about it.
        """
        url = f"{_address(unit)}/requests/{quote(reference, safe='')}.json"
        answer = await self._get(url, unit)
        try:
            found = REQUESTS.validate_python(answer)
        except ValidationError:
            found = []
        for request in found:
            if request.service_request_id == reference:
                return request
        raise ApplicationError(f"{unit.code} answered something else", type="malformed", non_retryable=True)

    async def _get(self, url: str, unit: Unit) -> Any:
        jurisdiction = {"jurisdiction_id": unit.jurisdiction} if unit.jurisdiction else None
        try:
            return await ask_for(self._http, "GET", url, params=jurisdiction)
        except ApplicationError as error:
            if error.type != "http_404":
                raise
            # A server that does not know what it is asked of works.
            raise ApplicationError(error.message, type=error.type, non_retryable=True) from None


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

"""Faults that can be switched on for each party of the sandbox city, to see what the engine makes of them."""

import asyncio
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PARTIES = ("water", "heat", "gas", "power", "grid", "sms", "office")

Kind = Literal["none", "slow", "error", "down", "duplicate", "undelivered", "late", "disordered"]


class Fault(BaseModel):
    """How a party misbehaves: `slow` answers after `seconds`, `error` answers 500, `down` stops listening, `duplicate`
    delivers everything twice. Of the SMS gateway's receipts `undelivered` says that no text arrives, `late` sends them
    after `seconds`, and `disordered` an older one last. `times` ends the fault after so many requests; without it the
    fault stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "error", "times": 2}]})

    kind: Kind = "none"
    seconds: float = Field(default=3.0, ge=0, le=600)
    times: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _down_counts_nothing(self) -> Self:
        if self.kind == "down" and self.times is not None:
            raise ValueError("a party that is down sees no requests to count: leave `times` out")
        return self


class Faults:
    """The present fault of every party."""

    def __init__(self) -> None:
        self.current = {party: Fault() for party in PARTIES}

    def take(self, party: str, *kinds: Kind) -> Fault | None:
        """The party's fault for one more request, if it is of one of `kinds`; counts `times` down."""
        fault = self.current[party]
        if fault.kind not in kinds:
            return None
        if fault.times is not None:
            left = fault.times - 1
            self.current[party] = fault.model_copy(update={"times": left}) if left else Fault()
        return fault


class FaultSwitch:
    """ASGI middleware: makes the POSTs of one party misbehave; reading what it received stays undisturbed.

    With `repeats` a `duplicate` fault handles the same request twice, as behind a proxy that retries.
    """

    def __init__(self, app: ASGIApp, faults: Faults, party: str, repeats: bool = False) -> None:
        self._app = app
        self._faults = faults
        self._party = party
        self._kinds: tuple[Kind, ...] = ("slow", "error", "duplicate") if repeats else ("slow", "error")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST"
        fault = self._faults.take(self._party, *self._kinds) if posted else None
        if fault is None:
            return await self._app(scope, receive, send)
        if fault.kind == "error":
            answer = JSONResponse({"detail": "the party failed (sandbox fault)"}, status_code=500)
            return await answer(scope, receive, send)
        body = await _read(receive)
        messages = await self._handle(scope, body)
        # The work is done before the answer is late: a caller that gave up will repeat something that happened.
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "duplicate":
            await self._handle(scope, body)
        for message in messages:
            await send(message)

    async def _handle(self, scope: Scope, body: bytes) -> list[Message]:
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        await self._app(dict(scope), receive, send)
        return messages


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        body += chunk
        if not message.get("more_body"):
            return body

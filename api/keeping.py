"""Messages from outside that are refused are counted and kept for inspection, whatever refuses them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from api.problems import REFUSED, Problem, Unavailable, of_http, unavailable
from api.service import now, service_of
from ledger.refused import KEPT_BYTES, note_refused

REFUSALS: tuple[type[Exception], ...] = (Problem, RequestValidationError, HTTPException, *REFUSED)


class KeepingRoute(APIRoute, ABC):
    """A route whose refused messages are counted and kept."""

    @abstractmethod
    def source_of(self, request: Request) -> str:
        """Under which name they are."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Answers as it would otherwise, but names no Idempotency-Key: senders of messages have keys of their own."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            heard = Heard(request.receive)
            try:
                return await handle(Request(request.scope, heard))
            except Unavailable as error:
                raise unavailable(error.what, None) from None
            except REFUSALS as error:
                source, body = self.source_of(request), await heard.beginning()
                await service_of(request.scope).ledger.run(note_refused, source, *_why(error), body, now())
                raise

        return answer


class Heard:
    """Receives a body, and remembers as much of its beginning as is kept."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._begun, self._ended = receive, b"", False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._begun += message.get("body", b"")[: KEPT_BYTES - len(self._begun)]
        self._ended = not message.get("more_body", False)
        return message

    async def beginning(self) -> bytes:
        """The beginning, which is received now where nobody has done so; the rest is never waited for."""
        with suppress(HTTPException):
            while not self._ended and len(self._begun) < KEPT_BYTES:
                await self()
        return self._begun


def _why(error: Exception) -> tuple[str, str]:
    """The reason of a refusal, and where it lies."""
    if isinstance(error, Problem):
        return error.code, error.detail
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        return "malformed", f"{'.'.join(map(str, first['loc']))}: {first['type']}"
    if isinstance(error, HTTPException):
        problem = of_http(error.status_code)
        return problem.code, problem.detail
    _, code, detail, _ = REFUSED[type(error)]
    return code, detail

"""What holds for every answer and every line of the log: nothing of a citizen stays where it does not belong."""

import logging
from traceback import format_tb

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import internal

log = logging.getLogger("jiesu.api")

LARGEST_BODY = 100_000
"""Bytes; a text of 4,000 characters takes at most half of it, however it is escaped."""

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Guard:
    """ASGI middleware: no body is read beyond a limit, no answer is cached, and an unforeseen error is a problem.

    Of such an error only its kind and place are logged: what it says may be personal.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        size, started = 0, False

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413)
            return message

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            await self._app(scope, bounded, guarded)
        except Exception as error:
            place = "".join(format_tb(error.__traceback__))
            log.error("unforeseen %s on %s %r\n%s", type(error).__name__, scope["method"], scope["path"], place)
            if not started:
                await internal().response()(scope, receive, guarded)


class _WithoutQuery(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, address, *rest = record.args
            record.args = (client, method, str(address).partition("?")[0], *rest)
        return True


_WITHOUT_QUERY = _WithoutQuery()


def guard_access_log() -> None:
    """Leave queries out of uvicorn's access log: people search by telephone number."""
    logging.getLogger("uvicorn.access").addFilter(_WITHOUT_QUERY)

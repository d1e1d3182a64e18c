"""Repeating a request: every POST has an Idempotency-Key, one of ours if its sender gave none, and is told it."""

from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY_HEADER = "Idempotency-Key"


class Keyed:
    """ASGI middleware: a POST without a key is given one, and every answer to a POST says under which key it stands.

    So a sender that gave none can still repeat a request of which it does not know whether it was carried out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        key = Headers(scope=scope).get(KEY_HEADER, str(uuid4()))

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[KEY_HEADER] = key
            await send(message)

        await self._app(_with_key(scope, key), receive, telling)


def _with_key(scope: Scope, key: str) -> Scope:
    headers = MutableHeaders(raw=list(scope["headers"]))
    headers[KEY_HEADER] = key
    return {**scope, "headers": headers.raw}

"""Web pages of others call Open311 from the browser: any may, for a key is shown on purpose, never by a cookie."""

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.open311.answers import ours

ANY_PAGE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Idempotency-Key, Retry-After",
}
PREFLIGHT = ANY_PAGE | {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "600",
    "Allow": "GET, HEAD, OPTIONS, POST",
}


class AnyPage:
    """ASGI middleware: tells browsers that any page may ask, and answers HEAD as GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not ours(scope):
            return await self._app(scope, receive, send)
        if scope["method"] == "OPTIONS":
            return await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(ANY_PAGE)
            await send(message)

        # The server leaves out the body of an answer to HEAD itself.
        await self._app({**scope, "method": "GET"} if scope["method"] == "HEAD" else scope, receive, telling)

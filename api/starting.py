"""A start that fails because of settings, city files or certificates: told in one sentence."""

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import ConfigError


class PlainStart:
    """ASGI middleware: settings, city or certificates that cannot be used are told without a stack trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def telling(message: Message) -> None:
            error = sys.exception()
            if message["type"] == "lifespan.startup.failed" and isinstance(error, (ConfigError, ValueError)):
                message = {**message, "message": f"cannot start: {error}"}
            await send(message)

        await self._app(scope, receive, telling if scope["type"] == "lifespan" else send)

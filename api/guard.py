"""What holds for every answer and every line of the log: nothing of a citizen stays where it does not belong."""

import asyncio
import logging
import re
from dataclasses import dataclass
from traceback import format_tb

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.fields import NUMBER
from api.problems import internal
from temporal.web_ui import CODEC_PATH

log = logging.getLogger("jiesu.api")


@dataclass(frozen=True)
class Limit:
    """What a body may take."""

    size: int = 100_000
    """Bytes; a text of 4,000 characters takes at most half of it, however it is escaped."""
    seconds: float = 60


USUAL = Limit()
LIMITS = {
    re.compile(rf"{CODEC_PATH}/decode"): Limit(size=8_000_000),
    re.compile(r"/sms/receipts/[a-z]+"): Limit(size=2_000_000),
    re.compile(r"/events"): Limit(size=1_000_000),
    re.compile(r"/webhooks/partners/[^/]+"): Limit(size=6_000_000),
}
"""By the whole path; all others have the usual one."""

FILES = re.compile(r"/cases/[^/]+/attachments|/open311/v2/requests(\.json|\.xml)?")
WITH_FILES = Limit(size=50_100_000, seconds=600)
"""Of a form in parts, where it may bring files."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer that does not set its own."""
TRANSPORT = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
"""Of every answer to a request that came by HTTPS."""

OURS = re.compile(rf"[a-z][a-z.-]*|open311|v2|{NUMBER}(?:\.json|\.xml)?|")
"""A part of a path that is a word of ours or a case number."""

HANG_UP = {"Connection": "close"}
"""The rest of a refused body is not waited for."""
DISCARDED = 100_000_000
"""Bytes of a body announced as too large that are received and thrown away: many a client reads no answer before."""


class Guard:
    """ASGI middleware: bodies have limits, answers have their headers, and an unforeseen error is a problem.

    Of such an error only its kind and place are logged: what it says may be personal.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _protect(MutableHeaders(scope=message), scope["scheme"])
            await send(message)

        try:
            await self._app(scope, _bounded(scope, receive), guarded)
        except ClientDisconnect:
            return  # nobody is left to be answered
        except Exception as error:
            place = "".join(format_tb(error.__traceback__))
            log.error("unforeseen %s on %s %s\n%s", type(error).__name__, scope["method"], plain(scope["path"]), place)
            if not started:
                await internal().response()(scope, receive, guarded)


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """Receives a body within its limit: of one announced as larger nothing is kept, one too slow is given up."""
    headers = Headers(scope=scope)
    limit = _limit(scope["path"], headers.get("Content-Type", ""))
    announced = int(headers.get("Content-Length", 0))
    size, ended = 0, False
    deadline = asyncio.get_running_loop().time() + limit.seconds

    async def bounded() -> Message:
        nonlocal size, ended
        if announced > limit.size:
            raise HTTPException(413, headers=HANG_UP if announced > DISCARDED else None)
        try:
            async with asyncio.timeout_at(None if ended else deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, headers=HANG_UP) from None
        size += len(message.get("body", b""))
        if size > limit.size:
            raise HTTPException(413, headers=HANG_UP)
        ended = not message.get("more_body", False)
        return message

    return bounded


def _limit(path: str, content_type: str) -> Limit:
    if FILES.fullmatch(path) and content_type.lower().startswith("multipart/form-data"):
        return WITH_FILES
    return next((limit for pattern, limit in LIMITS.items() if pattern.fullmatch(path)), USUAL)


def _protect(headers: MutableHeaders, scheme: str) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if scheme == "https":
        headers.setdefault(*TRANSPORT)


class _PlainAddress(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, address, *rest = record.args
            record.args = (client, method, plain(str(address).partition("?")[0]), *rest)
        return True


_PLAIN_ADDRESS = _PlainAddress()


def plain(path: str) -> str:
    """A path as it may be logged: our own words and case numbers stay, whatever else somebody typed does not."""
    return "/".join(part if OURS.fullmatch(part) else "?" for part in path.split("/"))


def guard_access_log() -> None:
    """Leave what may be personal out of uvicorn's access log: people search by telephone number."""
    logging.getLogger("uvicorn.access").addFilter(_PLAIN_ADDRESS)

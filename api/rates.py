"""How much one client may ask of one API process, and how often it may come without a valid credential."""

import time
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, too_soon
from api.service import service_of
from settings import Settings
from temporal.web_ui import UI_PATH

CODE_HEADER = "Case-Code"

KNOWN = "known"
"""Set in the state of a request once whoever sent it is known."""

EXEMPT = frozenset({"/health", "/ready"})

ASSETS = f"{UI_PATH}/_app/"
"""The Web UI's program, of which a browser fetches a hundred files at once, once; no share is counted for them."""

MOST_CLIENTS = 5_000
"""Counted at a time; a flood from more starts all counts anew, and takes no more memory."""


class Bucket:
    """Counts clients against one limit, in memory."""

    def __init__(self, limit: str) -> None:
        self._limit = parse(limit)
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    async def hit(self, client: str) -> bool:
        """Count one request; False when it is one too many."""
        if len(self._storage.storage) >= MOST_CLIENTS:
            await self._storage.reset()
        return await self._limiter.hit(self._limit, client)

    async def full(self, client: str) -> bool:
        """Whether a client has nothing left."""
        return not await self._limiter.test(self._limit, client)

    async def problem(self, client: str) -> Problem:
        """The refusal that says when there will be something left."""
        window = await self._limiter.get_window_stats(self._limit, client)
        return too_soon(
            "too_many_requests", "Too many requests", "请求过于频繁", max(1, ceil(window.reset_time - time.time()))
        )


class Rates:
    """ASGI middleware: refuses what is more than a client's share with 429.

    A client is a credential, right or wrong, or an address without one; whoever signs is known by address and path. An
    address from which too much comes without a valid credential or signature is refused, until its share is new; who
    showed a valid one lately is still let in from there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._buckets: tuple[Bucket, Bucket] | None = None
        self._valid: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in EXEMPT:
            return await self._app(scope, receive, send)
        asked, refused = self._buckets = self._buckets or _open_buckets(service_of(scope).settings)
        address = address_of(scope)
        client = _credential(scope) or _without(scope, address)
        if client not in self._valid and await refused.full(address):
            return await (await refused.problem(address)).response()(scope, receive, send)
        if not scope["path"].startswith(ASSETS) and not await asked.hit(client):
            return await (await asked.problem(client)).response()(scope, receive, send)

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                if scope["state"].get(KNOWN):
                    self._remember(client)
                elif message["status"] == 401:
                    self._valid.discard(client)
                    await refused.hit(address)
                elif message["status"] >= 400 and client not in self._valid:
                    await refused.hit(address)
            await send(message)

        # Shared by reference: what the routes note in it is read here.
        scope.setdefault("state", {})
        await self._app(scope, receive, counting)

    def _remember(self, client: str) -> None:
        if len(self._valid) >= MOST_CLIENTS:
            self._valid.clear()
        self._valid.add(client)


def _open_buckets(settings: Settings) -> tuple[Bucket, Bucket]:
    return Bucket(settings.rate_limit), Bucket(settings.refused_limit)


def address_of(scope: Scope) -> str:
    """The client's address; that of an IPv6 network of 64 bits, of which one household has all."""
    host: str = scope["client"][0] if scope.get("client") else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return host


def _without(scope: Scope, address: str) -> str:
    """Who shows no credential: an address, and for webhooks in whose name, so that nobody else uses up its share."""
    path: str = scope["path"]
    return f"{address} {path}" if path.startswith("/webhooks/") else address


def _credential(scope: Scope) -> str | None:
    """A digest of what is shown, the same however its scheme is written, and of an SMS gateway wherever it shows it."""
    headers = Headers(scope=scope)
    shown = headers.get("Authorization", "").partition(" ")[2].strip() or headers.get(CODE_HEADER)
    shown = shown or QueryParams(scope["query_string"]).get("token")
    return sha256(shown.encode()).hexdigest() if shown else None

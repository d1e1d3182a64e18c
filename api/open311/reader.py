"""Who follows requests, and how much of the ledger is theirs: little without a key, so that it stays free for staff."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import Depends, FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import actor_of, bearer
from api.open311.query import MOST
from api.problems import too_soon
from api.rates import KNOWN, Bucket, address_of
from api.service import Jiesu, Service
from api.sight import sight_of
from domain.roles import Actor, permitted
from ledger.sight import Sight

PUBLIC = Sight(open311=True)
"""What anybody may follow."""

PAGE = 100
"""Requests on a page without a key that may read."""

AT_ONCE = 2
"""Questions without such a key that the ledger answers at a time; it answers four at least."""

PATIENCE_SECONDS = 2


class Share:
    """What those without a key that may read take of one API process."""

    def __init__(self, limit: str) -> None:
        self._lists = Bucket(limit)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def count(self, address: str) -> None:
        """Count a list. Raises Problem 429 for one too many."""
        if not await self._lists.hit(address):
            raise await self._lists.problem(address)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One of the places at the ledger. Raises Problem 429 when none becomes free."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise too_soon("too_many_requests", "Too many requests", "请求过于频繁", 1) from None
        try:
            yield
        finally:
            self._places.release()


class Shared(TypedDict):
    """What requests find in their state."""

    share: Share


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Shared]:
    """One share for all of an API process."""
    jiesu: Service = app.state.service
    yield {"share": Share(jiesu.settings.open311_limit)}


@dataclass(frozen=True)
class Reader:
    """Whoever shows a key that may read, or anybody else, at an address."""

    asker: Actor | None
    address: str
    jiesu: Service
    share: Share

    @property
    def sight(self) -> Sight:
        """Which requests are theirs to follow."""
        return sight_of(self.asker, self.jiesu.city) if self.asker else PUBLIC

    @property
    def most(self) -> int:
        """Requests that one answer may hold."""
        return MOST if self.asker else PAGE

    async def count(self) -> None:
        """Count a list. Raises Problem 429."""
        if self.asker is None:
            await self.share.count(self.address)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One transaction. Raises Problem 429."""
        async with AsyncExitStack() as stack:
            if self.asker is None:
                await stack.enter_async_context(self.share.place())
            yield await stack.enter_async_context(self.jiesu.ledger.session())


async def _reader(request: Request, jiesu: Jiesu) -> Reader:
    """Raises Problem 401 for a key that is none."""
    asker, shown = None, await bearer(request)
    if shown is not None:
        asker = await actor_of(jiesu, shown.credentials)
        setattr(request.state, KNOWN, True)
    may_read = asker is not None and permitted(asker, "read")
    return Reader(asker if may_read else None, address_of(request.scope), jiesu, request.state.share)


Reading = Annotated[Reader, Depends(_reader)]

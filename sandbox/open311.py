"""A unit's Open311 server (GeoReport v2), as small as a test needs; its clerk answers, and it may be made to fail."""

import asyncio
from itertools import count
from typing import Annotated, Literal
from uuid import uuid4

from fastapi import APIRouter, Form, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

Behaviour = Literal["well", "token", "slow", "failing", "malformed"]

ROOT = "/open311/v2"
SLOW_SECONDS = 3


class News(BaseModel):
    """What a clerk notes on a request. Servers know statuses besides `open` and `closed`, which GeoReport does not."""

    status: str = "open"
    status_notes: str | None = None


class Filed(BaseModel):
    """A request: the form in which it came, how often it came, and what the clerk has noted on it."""

    id: str
    key: str
    form: dict[str, str]
    times: int = 0
    token: str | None = None
    news: News = News()


class Open311Server:
    """The server of one party: its requests, and how it behaves at present."""

    def __init__(self, party: str) -> None:
        self._ids = (f"{party}-{n}" for n in count(1))
        self._requests: dict[str, Filed] = {}
        self._behaviour: Behaviour = "well"

    async def file(
        self,
        request: Request,
        api_key: Annotated[str | None, Form()] = None,
        service_code: Annotated[str | None, Form()] = None,
        key: Annotated[str, Header(alias="Idempotency-Key")] = "",
    ) -> Response:
        """File a request; the same Idempotency-Key again gets the same answer."""
        if not api_key:
            return _error(403, "api_key is missing or wrong")
        if not service_code:
            return _error(400, "service_code is missing")
        form = {name: str(value) for name, value in (await request.form()).items()}
        filed = self._filed_under(key) or self._take(key, form)
        filed.times += 1
        return await self._misbehave() or self._answer(filed)

    async def read(self, id: str) -> Response:
        """How a request stands."""
        if (bad := await self._misbehave()) is not None:
            return bad
        if (filed := self._requests.get(id)) is None:
            return _error(404, "service_request_id was not found")
        said = {"service_request_id": id, "service_code": filed.form["service_code"], **filed.news.model_dump()}
        return JSONResponse([said])

    async def exchange(self, token: str) -> Response:
        """The request of a token, once tokens are not all that is given out."""
        filed = next((filed for filed in self._requests.values() if filed.token == token), None)
        if filed is None:
            return _error(404, "token was not found")
        ready = {} if self._behaviour == "token" else {"service_request_id": filed.id}
        return JSONResponse([{"token": token, **ready}])

    async def filed(self) -> dict[str, Filed]:
        """All requests by id."""
        return self._requests

    async def note(self, id: str, news: News) -> None:
        """The clerk notes how a request stands."""
        self._requests[id].news = news

    async def lose(self, id: str) -> None:
        """The server forgets a request."""
        del self._requests[id]

    async def behave(self, how: Behaviour) -> None:
        """From now on the server behaves like this."""
        self._behaviour = how

    def _filed_under(self, key: str) -> Filed | None:
        return next((filed for filed in self._requests.values() if key and filed.key == key), None)

    def _take(self, key: str, form: dict[str, str]) -> Filed:
        filed = Filed(id=next(self._ids), key=key, form=form)
        self._requests[filed.id] = filed
        return filed

    def _answer(self, filed: Filed) -> JSONResponse:
        if self._behaviour == "token" and filed.token is None:
            filed.token = uuid4().hex
        named = {"token": filed.token} if filed.token else {"service_request_id": filed.id, "service_notice": None}
        return JSONResponse([named], 201)

    async def _misbehave(self) -> Response | None:
        if self._behaviour == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if self._behaviour == "failing":
            return _error(500, "the server failed (sandbox)", {"Retry-After": "1"})
        if self._behaviour == "malformed":
            return Response("<html>维护中</html>", media_type="text/html")
        return None


def create_open311(party: str) -> APIRouter:
    """The server of one party, with `/open311/requests` for its clerk and `/open311/behaviour` for tests."""
    server, router = Open311Server(party), APIRouter()
    router.post(f"{ROOT}/requests.json")(server.file)
    router.get(f"{ROOT}/requests/{{id}}.json")(server.read)
    router.get(f"{ROOT}/tokens/{{token}}.json")(server.exchange)
    router.get("/open311/requests")(server.filed)
    router.put("/open311/requests/{id}")(server.note)
    router.delete("/open311/requests/{id}")(server.lose)
    router.put("/open311/behaviour/{how}")(server.behave)
    return router


def _error(code: int, description: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse([{"code": code, "description": description}], code, headers=headers)

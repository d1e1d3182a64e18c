"""A unit's Open311 server (GeoReport v2), as small as a test needs; its clerk answers, and it may be made to fail."""

import asyncio
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Form, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

Behaviour = Literal["well", "token", "slow", "failing", "malformed"]

ROOT = "/open311/v2"
SLOW_SECONDS = 3


class News(BaseModel):
    """What a clerk notes on a request."""

    status: Literal["open", "closed"] = "open"
    status_notes: str | None = None


def create_open311(party: str) -> APIRouter:
    """The server of one party, with `/open311/requests` for its clerk and `/open311/behaviour` for tests."""
    router = APIRouter()
    requests: dict[str, dict[str, Any]] = {}
    keys: dict[str, str] = {}
    tokens: dict[str, str] = {}
    behaviour: dict[str, Behaviour] = {"now": "well"}

    async def misbehave() -> Response | None:
        if behaviour["now"] == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if behaviour["now"] == "failing":
            return _error(500, "the server failed (sandbox)", {"Retry-After": "1"})
        if behaviour["now"] == "malformed":
            return Response("<html>维护中</html>", media_type="text/html")
        return None

    def answer(id: str) -> JSONResponse:
        token = next((token for token, known in tokens.items() if known == id), None)
        if behaviour["now"] == "token" and token is None:
            token = uuid4().hex
            tokens[token] = id
        return JSONResponse([{"token": token} if token else {"service_request_id": id, "service_notice": None}], 201)

    @router.post(f"{ROOT}/requests.json")
    async def file(
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
        id = keys.setdefault(key or uuid4().hex, f"{party}-{len(requests) + 1}")
        form = {name: str(value) for name, value in (await request.form()).items()}
        known = requests.setdefault(id, {"status": "open", "status_notes": None, "form": form, "key": key, "times": 0})
        known["times"] += 1
        return await misbehave() or answer(id)

    @router.get(f"{ROOT}/requests/{{id}}.json")
    async def read(id: str) -> Response:
        """How a request stands."""
        if (bad := await misbehave()) is not None:
            return bad
        if id not in requests:
            return _error(404, "service_request_id was not found")
        known = requests[id]
        said = {name: known[name] for name in ("status", "status_notes")}
        return JSONResponse([{"service_request_id": id, **said, "service_code": known["form"]["service_code"]}])

    @router.get(f"{ROOT}/tokens/{{token}}.json")
    async def exchange(token: str) -> Response:
        """The request of a token, once tokens are not all that is given out."""
        if token not in tokens:
            return _error(404, "token was not found")
        ready = {} if behaviour["now"] == "token" else {"service_request_id": tokens[token]}
        return JSONResponse([{"token": token, **ready}])

    @router.get("/open311/requests")
    async def filed() -> dict[str, dict[str, Any]]:
        """All requests by id, with the form in which each came and how often it came."""
        return requests

    @router.put("/open311/requests/{id}")
    async def note(id: str, news: News) -> None:
        """The clerk notes how a request stands."""
        requests[id].update(news.model_dump())

    @router.delete("/open311/requests/{id}")
    async def lose(id: str) -> None:
        """The server forgets a request."""
        del requests[id]

    @router.put("/open311/behaviour/{how}")
    async def behave(how: Behaviour) -> None:
        """From now on the server behaves like this."""
        behaviour["now"] = how

    return router


def _error(code: int, description: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse([{"code": code, "description": description}], code, headers=headers)

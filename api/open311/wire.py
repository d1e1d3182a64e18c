"""Where GeoReport v2 differs from the rest of the interface: an api_key among the parameters, and errors of its own."""

import json
import re
from urllib.parse import urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.open311.answers import ROOT, Fault, answer, ours, suffix_of
from api.open311.forms import FORM, Form, read_form, read_query
from api.problems import MEDIA_TYPE, Problem, of_http

API_KEY = "api_key"

FILING = re.compile(rf"{ROOT}/v2/requests(\.json|\.xml)?")
"""The address to which forms are sent."""

STATUSES = {401: 403, 409: 400, 422: 400}
"""Our status → that of GeoReport v2; all others are the same."""

NO_KEY = "Missing or invalid api_key. 缺少api_key，或api_key无效。"


class ApiKey:
    """ASGI middleware: an api_key, in the query or a form, becomes the bearer's key that all routes and rates know.

    From there on it is in no address any more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not ours(scope):
            return await self._app(scope, receive, send)
        try:
            query = read_query(scope["query_string"])
            form = await _form(scope, receive)
        except HTTPException as error:
            return await of_http(error.status_code, error.headers).response()(scope, receive, send)
        except Problem as problem:
            return await problem.response()(scope, receive, send)
        scope.setdefault("state", {})["form"] = form
        shown = [value for name, value in [*query, *form.parameters] if name == API_KEY]
        rest = urlencode([(name, value) for name, value in query if name != API_KEY])
        headers = MutableHeaders(raw=list(scope["headers"]))
        if shown:
            headers.raw[:] = [(name, value) for name, value in headers.raw if name != b"authorization"]
            headers.raw.append((b"authorization", f"Bearer {shown[0]}".encode()))
        try:
            await self._app({**scope, "query_string": rest.encode(), "headers": headers.raw}, receive, send)
        finally:
            await form.close()


async def _form(scope: Scope, receive: Receive) -> Form:
    """The form of a request that files something.

    Raises as `read_form`, HTTPException for one that is too large or too slow, ClientDisconnect for one cut off.
    """
    if scope["method"] != "POST" or not FILING.fullmatch(scope["path"]):
        return Form([])
    request = Request(scope, receive)
    return await read_form(request.headers.get("Content-Type", FORM), request.stream())


class Faults:
    """ASGI middleware: whatever refuses a request under /open311, it is told as GeoReport v2 wants it told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not ours(scope):
            return await self._app(scope, receive, send)
        problem: Message | None = None
        body = b""

        async def translating(message: Message) -> None:
            nonlocal problem, body
            if message["type"] == "http.response.start" and Headers(scope=message).get("Content-Type") == MEDIA_TYPE:
                problem = message
            elif problem is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _tell(scope, problem, json.loads(body), send)

        await self._app(scope, receive, translating)


async def _tell(scope: Scope, problem: Message, told: dict[str, str], send: Send) -> None:
    status: int = STATUSES.get(problem["status"]) or problem["status"]
    description = NO_KEY if told["code"] == "no_key" else f"{told['detail']} {told['detail_zh']}"
    fault = answer("errors", [Fault(code=status, description=description)], suffix_of(scope["path"]), status)
    headers = MutableHeaders(raw=list(problem["headers"]))
    del headers["WWW-Authenticate"]
    headers.update(fault.headers)
    await send({**problem, "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": fault.body})

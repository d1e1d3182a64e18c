"""Where GeoReport v2 differs from the rest of the interface: an api_key among the parameters, and errors of its own."""

import json
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.open311.answers import ROOT, Fault, answer, suffix_of
from api.problems import MEDIA_TYPE, of_http

FORM = "application/x-www-form-urlencoded"
API_KEY = "api_key"

STATUSES = {401: 403, 409: 400, 422: 400}
"""Our status → that of GeoReport v2; all others are the same."""

NO_KEY = "Missing or invalid api_key. 缺少api_key，或api_key无效。"


def read_form(form: bytes) -> list[tuple[str, str]]:
    """Parameters with a value, in order: an empty one equals an absent one."""
    return parse_qsl(form.decode("utf-8", "replace"), errors="replace")


def _ours(scope: Scope) -> bool:
    return scope["type"] == "http" and f"{scope['path']}/".startswith(f"{ROOT}/")


class ApiKey:
    """ASGI middleware: an api_key, in the query or a form, becomes the bearer's key that all routes and rates know.

    From there on it is in no address any more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _ours(scope):
            return await self._app(scope, receive, send)
        query = read_form(scope["query_string"])
        shown = [value for name, value in query if name == API_KEY]
        if Headers(scope=scope).get("Content-Type", "").partition(";")[0].strip().lower() == FORM:
            try:
                messages = await _all(receive)
            except HTTPException as error:
                return await of_http(error.status_code, error.headers).response()(scope, receive, send)
            body = b"".join(message.get("body", b"") for message in messages)
            shown += [value for name, value in read_form(body) if name == API_KEY]
            receive = _again(messages, receive)
        rest = urlencode([(name, value) for name, value in query if name != API_KEY])
        headers = MutableHeaders(raw=list(scope["headers"]))
        if shown:
            headers.raw[:] = [(name, value) for name, value in headers.raw if name != b"authorization"]
            headers.raw.append((b"authorization", f"Bearer {shown[0]}".encode()))
        await self._app({**scope, "query_string": rest.encode(), "headers": headers.raw}, receive, send)


async def _all(receive: Receive) -> list[Message]:
    """A body as it comes, to its end. Raises HTTPException for one that is too large or too slow."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Receives messages once more, and then what follows."""

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return again


class Faults:
    """ASGI middleware: whatever refuses a request under /open311, it is told as GeoReport v2 wants it told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _ours(scope):
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

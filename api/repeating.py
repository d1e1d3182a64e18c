"""Repeating a request: every POST has an Idempotency-Key, one of ours if its sender gave none, and is told it."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import NAMESPACE_URL, uuid4, uuid5

from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.roles import Actor

KEY_HEADER = "Idempotency-Key"


@dataclass(frozen=True)
class Asked:
    """A request as it is told from all others: who asks for what, of which case, under which Idempotency-Key.

    What is derived from it is kept in the ledger and in the engine, so no version may derive it differently.
    """

    by: Actor
    step: str
    number: str
    sent_key: str | None
    """Never None in a request that came through `Keyed`."""

    @property
    def key(self) -> str:
        """The key within the case: senders do not take each other's keys, nor one step those of another."""
        assert self.sent_key is not None, "a request without a key has been given one"
        return f"{self.by.id}:{self.step}:{self.sent_key}"

    @property
    def id(self) -> str:
        """A name that tells nothing of the key, for all who may look: what a sender chose as key is not for them."""
        return uuid5(NAMESPACE_URL, f"{self.number}:{self.key}").hex


def digest(body: BaseModel) -> str:
    """A hash of a body, by which it is told from another body under the same key."""
    return sha256(body.model_dump_json().encode()).hexdigest()


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

"""Webhooks that come in: signed as Standard Webhooks prescribe, or refused and kept for inspection."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from time import time

from fastapi import Request
from fastapi.security import APIKeyHeader
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.keeping import KeepingRoute
from api.problems import Problem, malformed, too_soon
from api.rates import KNOWN, address_of
from api.service import Service, now
from domain.partners import Partner
from domain.units import Unit
from ledger.requests import claim
from ledger.sendings import note_sending, was_sent
from settings import read_webhook

MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,200}")

FRESH = 300
"""Seconds before and after its timestamp that a signature counts (Standard Webhooks)."""

LARGE = 100_000
"""Bytes from which on a body is large."""

MOST_LARGE, MOST_OF_ONE = 16, 4
"""Large bodies that are received at the same time, of all and of one address: ours."""

_receiving: list[str] = []
"""The addresses they come from."""

by_signature = APIKeyHeader(
    name="webhook-signature",
    scheme_name="webhookSignature",
    auto_error=False,
    description="Signed as Standard Webhooks prescribe, with `webhook-id` and `webhook-timestamp`.",
)
"""How the documentation says who may call; `signed_by` looks into it."""


class WebhookRoute(KeepingRoute):
    """A route for webhooks, each of which `signed_by` reads."""

    def source_of(self, request: Request) -> str:
        """`unit:<code>`, `partner:<code>`; `units`, `partners` for what comes in the name of none that sends any."""
        source: str = request.state.source
        return source


@dataclass(frozen=True)
class Signed:
    """A message whose signature is right and fresh."""

    source: str
    id: str
    """Digest of the message's id, which may be personal: a repetition of it has the same."""
    body: bytes
    signature: str
    """Of this sending of it; another is signed at another instant."""


async def signed_by(request: Request, kind: str, party: Unit | Partner | None) -> Signed:
    """The message of a request, signed at most five minutes ago with the secret of a unit or partner.

    Raises Problem 401 if it is unsigned, stale, signed by another, or the party sends none: no answer tells who does.
    Raises Problem 429 for a large one while many are being received, and 422 for an id that cannot be kept.
    """
    sender = party if party is not None and party.reach == "webhook" else None
    # Names that somebody made up are not kept.
    source = request.state.source = f"{kind}:{sender.code}" if sender else f"{kind}s"
    # Without a secret nobody can sign.
    webhook = read_webhook(sender.secret if sender else None) or Webhook(token_bytes(24))
    headers = dict(request.headers)
    # What nobody can have signed, or when nobody believes it, is refused before it takes any memory.
    body = await _whole(request) if sender and _is_fresh(headers) else b""
    try:
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, UnicodeError) as error:
        # The library's own sentences; what other errors say may repeat the message.
        why = str(error) if isinstance(error, WebhookVerificationError) else "Malformed headers or body"
        raise Problem(
            401,
            "not_signed",
            f"The message is not signed as agreed: {why}.",
            "消息签名无效、已过期或缺失，未予接收。",
            headers={"WWW-Authenticate": "Webhook"},
        ) from None
    setattr(request.state, KNOWN, True)
    id, at = headers["webhook-id"], datetime.fromtimestamp(float(headers["webhook-timestamp"]), UTC)
    if not MESSAGE_ID.fullmatch(id):
        raise malformed("webhook-id: at most 200 visible ASCII characters.")
    return Signed(source, sha256(id.encode()).hexdigest(), body, webhook.sign(id, at, body.decode()))


def _is_fresh(headers: Mapping[str, str]) -> bool:
    """Whether a message claims to be signed, about now."""
    try:
        return "webhook-signature" in headers and abs(time() - float(headers["webhook-timestamp"])) <= FRESH
    except (KeyError, ValueError):
        return False


async def _whole(request: Request) -> bytes:
    """The body. Raises Problem 429 for a large one while many are being received."""
    body = bytearray()
    with ExitStack() as stack:
        async for part in request.stream():
            if len(body) < LARGE <= len(body) + len(part):
                stack.enter_context(_place(address_of(request.scope)))
            body += part
    return bytes(body)


@contextmanager
def _place(address: str) -> Iterator[None]:
    if len(_receiving) >= MOST_LARGE or _receiving.count(address) >= MOST_OF_ONE:
        raise too_soon("too_many_requests", "Too many large messages", "较大的消息过多", 1)
    _receiving.append(address)
    try:
        yield
    finally:
        _receiving.remove(address)


@asynccontextmanager
async def taking(jiesu: Service, message: Signed, what: str) -> AsyncIterator[None]:
    """Within it a message is taken; `what` says for which purpose, in codes.

    A message sent again, signed anew, may be taken again: whatever takes it knows the repetition by the message's id.
    Raises Problem 409 for a sending that was taken before, and KeyReused for an id used for another purpose.
    """
    async with jiesu.ledger.session() as session:
        # By its signature, also at the address of another who has the same secret.
        if await was_sent(session, message.signature):
            raise Problem(
                409,
                "replayed",
                "This very message was taken already; a repetition is signed anew, with a new timestamp.",
                "该消息已接收；重发须使用新的时间戳重新签名。",
            )
        # What else it says is claimed with the step, where an erasure of the case finds it.
        await claim(session, message.source, message.id, what)
    yield
    async with jiesu.ledger.session() as session:
        await note_sending(session, message.signature, now())

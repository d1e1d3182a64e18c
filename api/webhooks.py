"""Webhooks that come in: signed as Standard Webhooks prescribe, or refused and kept for inspection."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import floor
from secrets import token_bytes
from typing import TypeVar

from fastapi import Request
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.problems import FIELD, REFUSED, Problem, Unavailable, malformed, unavailable
from api.rates import KNOWN
from api.service import Service, now
from ledger.refused import note_refused
from ledger.requests import claim, claimed
from settings import read_webhook

Message = TypeVar("Message", bound=BaseModel)

MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,200}")

LEDGER_REFUSES: tuple[type[Exception], ...] = tuple(REFUSED)

TAKEN = "taken"
"""Stands with a sending of a message that was taken."""

by_signature = APIKeyHeader(
    name="webhook-signature",
    scheme_name="webhookSignature",
    auto_error=False,
    description="Signed as Standard Webhooks prescribe, with `webhook-id` and `webhook-timestamp`.",
)
"""How the documentation says who may call; `signed` looks into it."""


@dataclass(frozen=True)
class Signed:
    """A message whose signature is right and fresh."""

    source: str
    id: str
    """Of the message: a repetition of it has the same."""
    timestamp: int
    """When this sending of it was signed, in whole seconds since 1970: what the signature covers."""
    body: bytes


async def signed(jiesu: Service, request: Request, source: str, secret: str | None) -> Signed:
    """The message of a request, signed with the secret in the variable of that name, at most five minutes ago.

    Raises Problem 401, after the message has been counted and kept, if it is unsigned, stale or signed by another.
    """
    body, headers = await request.body(), dict(request.headers)
    # Without a secret nobody can sign, and no answer tells who has one.
    webhook = read_webhook(secret) or Webhook(token_bytes(24))
    try:
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, UnicodeError) as error:
        # The library's own sentences; what other errors say may repeat the message.
        why = str(error) if isinstance(error, WebhookVerificationError) else "Malformed headers or body"
        raise await refused(
            jiesu,
            Signed(source, "", 0, body),
            Problem(
                401,
                "not_signed",
                f"The message is not signed as agreed: {why}.",
                "消息签名无效、已过期或缺失，未予接收。",
                headers={"WWW-Authenticate": "Webhook"},
            ),
        ) from None
    setattr(request.state, KNOWN, True)
    return Signed(source, headers["webhook-id"], floor(float(headers["webhook-timestamp"])), body)


async def refused(jiesu: Service, message: Signed, problem: Problem) -> Problem:
    """Count and keep a message that is refused; returns the problem, to be raised."""
    await jiesu.ledger.run(note_refused, message.source, problem.code, problem.detail, message.body, now())
    return problem


@asynccontextmanager
async def taking(jiesu: Service, message: Signed, what: str) -> AsyncIterator[None]:
    """Within it a message is taken; `what` says for which purpose, in codes.

    A message sent again, signed anew, may be taken again: whatever takes it knows the repetition by the message's id.
    Raises Problem, after the message has been counted and kept: 409 for a sending that was taken before, 422 for an id
    used for another purpose, and what was raised within; and 503 where something we depend on does not answer.
    """
    try:
        sending = await _claim(jiesu, message, what)
        yield
        async with jiesu.ledger.session() as session:
            await claim(session, message.source, sending, TAKEN)
    except Problem as problem:
        raise await refused(jiesu, message, problem) from None
    except LEDGER_REFUSES as error:
        raise await refused(jiesu, message, Problem(*REFUSED[type(error)])) from None
    except Unavailable as error:
        raise unavailable(error.what, None) from None


async def _claim(jiesu: Service, message: Signed, what: str) -> str:
    if not MESSAGE_ID.fullmatch(message.id):
        raise malformed("webhook-id: at most 200 visible ASCII characters.")
    sending = f"{message.id} {message.timestamp}"
    async with jiesu.ledger.session() as session:
        if await claimed(session, message.source, sending):
            raise Problem(
                409,
                "replayed",
                "This very message was taken already; a repetition is signed anew, with a new timestamp.",
                "该消息已接收；重发须使用新的时间戳重新签名。",
            )
        # What else it says is claimed with the step, where an erasure of the case finds it.
        await claim(session, message.source, message.id, what)
    return sending


async def read_as(jiesu: Service, message: Signed, model: type[Message]) -> Message:
    """The message's JSON as `model`. Raises Problem 422, after it has been counted and kept, if it is none."""
    try:
        return model.model_validate_json(message.body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(part for part in first["loc"] if isinstance(part, str) and FIELD.fullmatch(part)) or "body"
        raise await refused(
            jiesu,
            message,
            Problem(
                422,
                "malformed",
                f"The message is malformed: {place}: {first['type']}.",
                "消息格式有误，未予接收。",
            ),
        ) from None

"""Webhooks that come in: signed as Standard Webhooks prescribe, or refused and kept for inspection."""

from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from standardwebhooks.webhooks import WebhookVerificationError

from api.problems import Problem
from api.rates import KNOWN
from api.service import Service, now
from ledger.refused import note_refused
from settings import read_webhook

Message = TypeVar("Message", bound=BaseModel)


@dataclass(frozen=True)
class Signed:
    """A message whose signature is right and fresh."""

    source: str
    id: str
    """Of the message: a repetition of it has the same."""
    timestamp: str
    """When this sending of it was signed, in seconds since 1970."""
    body: bytes


async def signed(jiesu: Service, request: Request, source: str, secret: str | None) -> Signed:
    """The message of a request, signed with the secret in the variable of that name, at most five minutes ago.

    Raises Problem 401, after the message has been counted and kept, if it is unsigned, stale or signed by another.
    """
    body, webhook = await request.body(), read_webhook(secret)
    headers = dict(request.headers)
    try:
        if webhook is None:
            raise WebhookVerificationError("no secret is set for this sender")
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, UnicodeError) as error:
        # The library's own sentences; what other errors say may repeat the message.
        why = str(error) if isinstance(error, WebhookVerificationError) else "Malformed headers or body"
        raise await refused(
            jiesu,
            Signed(source, "", "", body),
            Problem(
                401,
                "not_signed",
                f"The message is not signed as agreed: {why}.",
                "消息签名无效、已过期或缺失，未予接收。",
                headers={"WWW-Authenticate": "Webhook"},
            ),
        ) from None
    setattr(request.state, KNOWN, True)
    return Signed(source, headers["webhook-id"], headers["webhook-timestamp"], body)


async def refused(jiesu: Service, message: Signed, problem: Problem) -> Problem:
    """Count and keep a message that is refused; returns the problem, to be raised."""
    await jiesu.ledger.run(note_refused, message.source, problem.code, problem.detail, message.body, now())
    return problem


async def read_as(jiesu: Service, message: Signed, model: type[Message]) -> Message:
    """The message's JSON as `model`. Raises Problem 422, after it has been counted and kept, if it is none."""
    try:
        return model.model_validate_json(message.body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(part for part in first["loc"] if isinstance(part, str) and part.isidentifier()) or "body"
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

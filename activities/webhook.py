"""Orders to a unit's own system, signed as Standard Webhooks prescribe (www.standardwebhooks.com)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
from temporalio.exceptions import ApplicationError

from activities.http import address_of, ask
from domain.effects import Effect
from domain.partners import Partner
from domain.units import Unit
from settings import read_webhook, sign


async def send(
    http: aiohttp.ClientSession, unit: Unit | Partner, effect: Effect, order: Mapping[str, Any], path: str = "orders"
) -> dict[str, Any]:
    """POST an order under the effect's key, which is its `webhook-id` too; returns what the system answers.

    Raises ApplicationError as `ask` does, and a retryable one as long as address or secret are not set.
    """
    webhook = read_webhook(unit.secret)
    if webhook is None:
        raise ApplicationError(f"{unit.secret} holds no secret, so {unit.code} gets no orders", type="no_secret")
    address, body, at = address_of(unit.endpoint, unit.code), json.dumps(order, ensure_ascii=False), datetime.now(UTC)
    headers = {"Idempotency-Key": effect.key, **sign(webhook, effect.key, body, at)}
    return await ask(http, f"{address}/{path}", data=body.encode(), headers=headers)

"""Orders as a unit's system gets them: signed so that any library of Standard Webhooks verifies them."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from temporalio.exceptions import ApplicationError

from activities.http import http_client
from activities.webhook import send
from domain.effects import Effect, Party
from domain.units import Unit
from sandbox.secrets import new_secret

UNIT = Unit(code="zz-water", name="水务", kind="water", reach="webhook", endpoint="ENDPOINT", secret="SECRET")
EFFECT = Effect(key="ZZ-1:2:unit:zz-water:dispatch", case="ZZ-1", event=2, party=Party.UNIT, kind="dispatch")
ORDER = {"case": "ZZ-1", "kind": "dispatch", "text": "家里停水了"}

Received = list[tuple[dict[str, str], bytes]]


@pytest.fixture
async def received(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Received]:
    """What the unit's system was sent, by headers and body."""
    requests: Received = []

    async def take(request: web.Request) -> web.Response:
        requests.append((dict(request.headers), await request.read()))
        return web.json_response({"reference": "W-7"}, status=201)

    app = web.Application()
    app.router.add_post("/orders", take)
    async with TestServer(app) as server:
        monkeypatch.setenv("ENDPOINT", f"{server.make_url('/')}")
        yield requests


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with http_client() as client:
        yield client


async def test_an_order_is_signed_under_the_key_of_its_effect(
    http: aiohttp.ClientSession, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    monkeypatch.setenv("SECRET", secret)
    assert await send(http, UNIT, EFFECT, ORDER) == {"reference": "W-7"}
    [(headers, body)] = received
    assert Webhook(secret).verify(body, headers) == ORDER
    assert headers["Idempotency-Key"] == EFFECT.key
    assert {name.lower(): value for name, value in headers.items()}["webhook-id"] == EFFECT.key
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace("停".encode(), "供".encode()), headers)


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_c2hvcnQ=", "密钥", "whsec_!"])
async def test_without_a_secret_nothing_is_sent_and_it_is_tried_again(
    http: aiohttp.ClientSession, received: Received, monkeypatch: pytest.MonkeyPatch, secret: Any
) -> None:
    if secret is not None:
        monkeypatch.setenv("SECRET", secret)
    with pytest.raises(ApplicationError) as failed:
        await send(http, UNIT, EFFECT, ORDER)
    assert (failed.value.type, failed.value.non_retryable, received) == ("no_secret", False, [])


async def test_without_an_address_it_is_tried_again(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", new_secret())
    with pytest.raises(ApplicationError) as failed:
        await send(http, UNIT, EFFECT, ORDER)
    assert (failed.value.type, failed.value.non_retryable) == ("no_endpoint", False)

"""Nobody gets more than their share, and keys cannot be tried out at speed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from itertools import count

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from api import rates
from api.app import create_app
from api.rates import Bucket
from sandbox.secrets import new_secret, variable_of
from settings import sign
from tests.api.conftest import OpenSite, Site

NUMBER = "ZZ-20000101-00001"

Limited = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def limited(open_site: OpenSite, new_sqlite: Callable[[], str]) -> Limited:
    """Opens a site that allows so many requests an hour, and so many without a valid credential."""

    @asynccontextmanager
    async def open(rate: int = 1000, refused: int = 1000) -> AsyncIterator[Site]:
        values = {"JIESU_RATE_LIMIT": f"{rate}/hour", "JIESU_REFUSED_LIMIT": f"{refused}/hour"}
        async with open_site(new_sqlite(), values) as site:
            yield site

    return open


@pytest.fixture
def addresses() -> Iterator[str]:
    return (f"198.51.100.{n}" for n in count(1))


async def ask(site: Site, by: str | None, address: str = "203.0.113.1", **headers: str) -> httpx2.Response:
    return await site.call("GET", "/units", by, headers={"X-Forwarded-For": address, **headers})


async def statuses(site: Site, times: int, by: str | None, address: str = "203.0.113.1") -> list[int]:
    return [(await ask(site, by, address)).status_code for _ in range(times)]


async def test_what_is_too_much_is_refused_with_when_to_come_again(limited: Limited) -> None:
    async with limited(rate=3) as site:
        assert await statuses(site, 3, "agent") == [200] * 3
        answer = await ask(site, "agent")
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["status"]) == (429, "too_many_requests", 429)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert 0 < int(answer.headers["Retry-After"]) <= 3600
        assert "过于频繁" in problem["detail_zh"]


async def test_every_credential_has_a_share_of_its_own_wherever_it_comes_from(limited: Limited) -> None:
    async with limited(rate=3) as site:
        assert await statuses(site, 4, "agent") == [200, 200, 200, 429]
        assert (await ask(site, "agent", "203.0.113.2")).status_code == 429
        assert (await ask(site, "dispatcher")).status_code == 200


async def test_without_a_credential_an_address_has_one_share(limited: Limited) -> None:
    async with limited(rate=3) as site:
        assert await statuses(site, 4, None) == [401, 401, 401, 429]
        assert (await ask(site, None, "203.0.113.2")).status_code == 401
        assert (await ask(site, "agent")).status_code == 200


async def test_a_hundred_at_once_get_no_more_than_their_share(limited: Limited) -> None:
    async with limited(rate=20) as site:
        answers = await asyncio.gather(*(ask(site, "agent") for _ in range(100)))
        assert Counter(answer.status_code for answer in answers) == {200: 20, 429: 80}


async def test_whoever_tries_out_keys_is_refused_whatever_they_show_next(limited: Limited) -> None:
    async with limited(refused=5) as site:
        for n in range(5):
            assert (await ask(site, f"jk_{n:08x}_guess")).status_code == 401
        for by in ("jk_00000009_guess", "agent", None):
            answer = await ask(site, by)
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
        assert (await ask(site, "agent", "203.0.113.2")).status_code == 200


async def test_who_showed_a_valid_key_lately_is_let_in_from_an_address_that_others_misuse(limited: Limited) -> None:
    async with limited(refused=5) as site:
        assert (await ask(site, "agent")).status_code == 200
        assert await statuses(site, 6, "jk_00000001_guess") == [401] * 5 + [429]
        assert (await ask(site, "agent")).status_code == 200
        assert (await ask(site, "dispatcher")).status_code == 429


async def test_one_credential_has_one_share_however_its_scheme_is_written(limited: Limited) -> None:
    async with limited(rate=3) as site:
        key, answers = site.keys["agent"], []
        for scheme in ("Bearer", "bearer", "BEARER", "bEarer", "Bearer "):
            answers.append(await ask(site, None, Authorization=f"{scheme} {key}"))
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]


async def test_what_cannot_be_read_counts_against_an_address_without_a_valid_credential(limited: Limited) -> None:
    async with limited(refused=5) as site:
        headers = {"X-Forwarded-For": "203.0.113.4", "Content-Type": "application/json"}
        answers = [
            await site.call("POST", "/cases", f"invented-{n}", headers=headers, content=b'{"text":') for n in range(6)
        ]
        assert [answer.status_code for answer in answers] == [422] * 5 + [429]


async def test_whoever_tries_out_codes_is_slowed_like_one_who_tries_out_keys(limited: Limited) -> None:
    async with limited(refused=5) as site:
        headers = {"X-Forwarded-For": "203.0.113.3"}
        answers = [
            await site.call("GET", f"/cases/{NUMBER[:-1]}{n}/track", headers={**headers, "Case-Code": f"{n:08d}"})
            for n in range(6)
        ]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_who_signs_one_request_rightly_does_not_let_its_address_off(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    monkeypatch.setenv(variable_of("water"), secret)
    async with limited(refused=5) as site:
        body = f'{{"type": "order.signed_in", "data": {{"case": "{NUMBER}"}}}}'
        headers = {"X-Forwarded-For": "203.0.113.5", **sign(Webhook(secret), "m-1", body, datetime.now(UTC))}
        for _ in range(6):
            answer = await site.call("POST", "/webhooks/units/zz-water", headers=headers, content=body.encode())
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_case")
        strays = [(await site.call("GET", "/nothing", headers=headers)).status_code for _ in range(6)]
        assert strays == [404] * 5 + [429]


async def test_messages_of_one_unit_take_nothing_from_anybody_else_at_its_address(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    monkeypatch.setenv(variable_of("water"), secret)
    async with limited(rate=3) as site:
        body = f'{{"type": "order.signed_in", "data": {{"case": "{NUMBER}"}}}}'
        headers = {"X-Forwarded-For": "203.0.113.6", **sign(Webhook(secret), "m-1", body, datetime.now(UTC))}
        answers = [
            await site.call("POST", "/webhooks/units/zz-water", headers=headers, content=body.encode())
            for _ in range(4)
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert await statuses(site, 4, None, "203.0.113.6") == [401, 401, 401, 429]
        assert (await site.call("POST", "/webhooks/units/zz-heat", headers=headers)).status_code == 401


async def test_whether_we_run_may_be_asked_at_any_time(limited: Limited) -> None:
    async with limited(rate=1, refused=1) as site:
        await statuses(site, 3, None)
        assert [(await site.call("GET", "/health")).status_code for _ in range(5)] == [200] * 5


async def test_a_flood_of_clients_takes_no_more_memory_than_there_is_for_them(
    monkeypatch: pytest.MonkeyPatch, addresses: Iterator[str]
) -> None:
    monkeypatch.setattr(rates, "MOST_CLIENTS", 10)
    bucket = Bucket("5/hour")
    for _ in range(100):
        assert await bucket.hit(next(addresses))
        assert len(bucket._storage.storage) <= 10


def test_every_operation_says_that_it_may_be_too_much() -> None:
    document = create_app().openapi()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            # Open311 has one shape for all its errors, which stands under `default`.
            said = {"429", "default"} & set(operation["responses"])
            assert bool(said) == (path not in ("/health", "/ready")), path

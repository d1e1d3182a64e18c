"""Whoever asks without a key, however often, takes little of the ledger, so that it stays free for staff."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from api.open311 import reader
from api.open311.reader import Share
from api.problems import Problem
from tests.api.conftest import OpenSite, Site
from tests.api.open311.geo_report import App, content, described

NO_ENGINE = {"TEMPORAL_ADDRESS": "127.0.0.1:9"}


async def test_a_page_without_a_key_is_short(
    open_site: OpenSite, new_sqlite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "PAGE", 2)
    async with open_site(new_sqlite(), NO_ENGINE) as site:
        app, anybody = App(site, site.keys["integration"], ".json"), App(site, None, ".json")
        numbers = [await app.file() for _ in range(3)][::-1]
        assert await ids(app, page_size=1000) == numbers
        assert await ids(anybody, page_size=1000) == await ids(anybody) == numbers[:2]
        assert await ids(anybody, page=2) == numbers[2:]
        assert await ids(anybody, service_request_id=",".join(numbers[:2])) == numbers[:2]
        assert "service_request_id" in await anybody.refused(400, "requests", service_request_id=",".join(numbers))


async def ids(app: App, **query: Any) -> list[str]:
    return [request["service_request_id"] for request in await app.get("requests", "service_requests", **query)]


async def test_lists_without_a_key_that_may_read_are_few(open_site: OpenSite, new_sqlite: Any, suffix: str) -> None:
    async with open_site(new_sqlite(), NO_ENGINE | {"JIESU_OPEN311_LIMIT": "3/hour"}) as site:
        path = f"/open311/v2/requests{suffix}"
        answers = [await site.call("GET", path) for _ in range(3)] + [await site.call("GET", path, "citizen")]
        assert Counter(answer.status_code for answer in answers) == {200: 3, 429: 1}
        assert described(content(answers[-1], "errors", suffix), 429)
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
        for _ in range(5):
            assert (await site.call("GET", path, "integration")).status_code == 200
        assert (await site.call("GET", path, headers={"X-Forwarded-For": "203.0.113.9"})).status_code == 200


async def test_only_so_many_are_answered_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PATIENCE_SECONDS", 0.05)
    share, inside, most = Share("100/second"), 0, 0

    async def ask() -> int:
        nonlocal inside, most
        try:
            async with share.place():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.03)
                inside -= 1
        except Problem as problem:
            return problem.status
        return 200

    answers = Counter(await asyncio.gather(*(ask() for _ in range(90))))
    assert most == reader.AT_ONCE
    assert answers[429] > answers[200] >= reader.AT_ONCE
    assert await ask() == 200


async def test_staff_read_while_anybody_asks_all_at_once(site: Site) -> None:
    asked = [asyncio.create_task(site.call("GET", "/open311/v2/requests.json")) for _ in range(30)]
    assert (await site.call("GET", "/cases", "agent")).status_code == 200
    assert {answer.status_code for answer in await asyncio.gather(*asked)} <= {200, 429}

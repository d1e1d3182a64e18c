"""Lists: filters, and turning pages while cases come in."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Site

SECOND = timedelta(seconds=1)


async def numbers(site: Site, by: str = "dispatcher", **query: Any) -> list[str]:
    return [line["number"] for line in (await site.get("/cases", by, **query))["items"]]


async def test_every_filter_narrows_the_list(each_site: Site) -> None:
    site, word = each_site, uuid4().hex
    number = await site.dispatched(
        text=f"{word} 停水", phone="13912345678", category="complaint", channel="wechat", province=True, outage=True
    )
    await site.receive(text=f"{word} 停电", category="help")
    view = await site.get(f"/cases/{number}")
    due, received = (datetime.fromisoformat(view[name]) for name in ("due", "received_at"))
    queries: tuple[dict[str, Any], ...] = (
        {"status": "dispatched"}, {"status": ["dispatched", "closed"]}, {"category": "complaint"}, {"unit": "zz-water"},
        {"channel": "wechat"}, {"province": "true"}, {"outage": "true"}, {"phone": "13912345678"},
        {"phone": "+86 139-1234-5678"}, {"q": f"{word.upper()} 停水"}, {"overdue": "false", "unit": "zz-water"},
        {"due_before": (due + SECOND).isoformat()}, {"received_to": (received + SECOND / 1e6).isoformat()},
    )  # fmt: skip
    for query in queries:
        assert await numbers(site, **{"q": word, **query}) == [number], query
    assert await numbers(site, q=word, due_before=due.isoformat()) == []
    assert number not in await numbers(site, q=word, received_from=(received + SECOND / 1e6).isoformat())
    assert await numbers(site, q=word, overdue="true") == []
    assert await numbers(site, q=word, category="", unit=" ") == await numbers(site, q=word)
    assert len(await numbers(site, q=word)) == 2


async def test_pages_neither_repeat_nor_leave_out_a_case(each_site: Site) -> None:
    site, word = each_site, uuid4().hex
    opened = [await site.receive(text=word) for _ in range(5)]
    found: list[str] = []
    page: dict[str, Any] = await site.get("/cases", q=word, limit=2)
    while True:
        found += [line["number"] for line in page["items"]]
        if page["next"] is None:
            break
        await site.receive(text=word)
        page = await site.get("/cases", q=word, limit=2, cursor=page["next"])
    assert found == opened[::-1]


async def test_a_list_carries_no_name_phone_or_address(site: Site) -> None:
    number = await site.receive(name="王女士", phone="13912345678", title="停水")
    (line,) = (await site.get("/cases", q=number))["items"]
    assert not {"name", "phone", "address", "text"} & line.keys()


@pytest.mark.parametrize("cursor", ["x", "%%%", "AAAA", "bm90LWEtZGF0ZXxaWg==", "💧", "MjAyNi0xMS0yMQ=="])
async def test_a_cursor_that_no_page_gave_out_is_refused(site: Site, cursor: str) -> None:
    answer = await site.call("GET", "/cases", "admin", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"status": "lost"},
        {"colour": "red"},
        {"overdue": "perhaps"},
        {"due_before": "2026-09-24"},
    ],
)
async def test_a_malformed_filter_is_refused(site: Site, query: dict[str, Any]) -> None:
    answer = await site.call("GET", "/cases", "admin", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")

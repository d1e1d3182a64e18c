"""The rules for anyone to read, and the deadline explainer."""

from typing import Any

import pytest

from tests.api.conftest import Site


async def test_the_explainer_says_which_days_count_and_why(site: Site) -> None:
    found = await site.get("/deadline", "agent", start="2026-09-24T10:00", limit="3wd")
    assert found["due"] == "2026-10-01T00:00:00+08:00"
    assert found["due_text"] == "2026-09-30 24:00"
    assert [day["why"] for day in found["days"]][:2] == ["起始日不计入", "中秋节"]
    assert found["provisional"] is False
    assert found["calendar"]


async def test_an_offset_names_the_same_instant(site: Site) -> None:
    local = await site.get("/deadline", start="2026-09-24T10:00", limit="2h")
    for start in ("2026-09-24T10:00:00+08:00", "2026-09-24T02:00:00Z", "2026-09-23T22:00:00-04:00"):
        assert await site.get("/deadline", start=start, limit="2h") == local


async def test_an_order_of_the_province_is_due_a_day_earlier(site: Site) -> None:
    mine = await site.get("/deadline", start="2026-11-16T10:00", limit="5wd")
    theirs = await site.get("/deadline", start="2026-11-16T10:00", limit="5wd", province=True)
    assert (mine["due_text"], theirs["due_text"]) == ("2026-11-23 24:00", "2026-11-20 24:00")


async def test_past_the_official_calendar_it_is_provisional(site: Site) -> None:
    found = await site.get("/deadline", start="2030-05-01T10:00", limit="999wd")
    assert found["provisional"] is True


@pytest.mark.parametrize(
    "query",
    [
        {"start": "2026-09-24T10:00", "limit": "three days"},
        {"start": "2026-09-24T10:00", "limit": "0h"},
        {"start": "2026-09-24T10:00", "limit": "1wd", "province": True},
        {"start": "2026-09-24T10:00", "limit": "2h", "province": True},
        {"start": "9999-12-30T10:00", "limit": "3wd"},
        {"start": "9999-12-31T23:00", "limit": "2h"},
        {"start": "0001-01-01T00:00", "limit": "2h"},
        {"start": "tomorrow", "limit": "2h"},
        {"start": "2026-09-24T10:00"},
        {"limit": "2h"},
    ],
)
async def test_what_cannot_be_counted_is_refused_with_both_sentences(site: Site, query: dict[str, Any]) -> None:
    answer = await site.call("GET", "/deadline", "agent", params=query)
    assert answer.status_code == 422
    assert answer.json()["code"] in ("bad_limit", "malformed")
    assert answer.json()["detail"]
    assert answer.json()["detail_zh"]


async def test_the_rulebook_names_its_sources(site: Site) -> None:
    rules = await site.get("/rulebook", "inspector")
    assert all(len(category["source"]) > 3 for category in rules["categories"].values())
    assert all(len(ground["source"]) > 3 and len(ground["guidance"]) > 3 for ground in rules["grounds"].values())


async def test_catalog_units_and_grids_hang_together(site: Site) -> None:
    units = {unit["code"] for unit in await site.get("/units", "agent")}
    grids = await site.get("/grids", "agent")
    catalog = await site.get("/catalog", "agent")
    assert grids
    assert {item["lead"] for item in catalog} <= units
    (best, *_) = await site.get("/catalog/suggestions", "agent", text="整个小区停水了", address="金水区")
    assert best["item"] in {item["code"] for item in catalog}

"""A case whose personal data has been erased: there to be counted, and nobody any more learns whose it was."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.erasure import erase
from tests.api.conftest import Site

NAME = "欧阳海明威"


@pytest.fixture
async def erased(each_site: Site, tmp_path: Path) -> str:
    """The number of an erased case."""
    number = await each_site.dispatched(name=NAME, title=f"{NAME}家停水", longitude=113.6, latitude=34.7)
    await each_site.take(number, "withdraw", "agent", text=f"{NAME}已自行解决")
    for _ in range(200):
        if (await each_site.get(f"/cases/{number}"))["closed_at"]:
            break
        await asyncio.sleep(0.05)
    async with each_site.ledger.session() as session:
        await erase(session, tmp_path, number, timedelta(), datetime.now(UTC))
    return number


async def readers(site: Site, number: str) -> list[dict[str, Any]]:
    page: dict[str, Any] = await site.get(f"/cases/{number}/readers", "inspector")
    return list(page["items"])


async def test_it_says_when_it_was_erased_instead_of_whose_it_was(each_site: Site, erased: str) -> None:
    read = await readers(each_site, erased)
    for by in ("agent", "supervisor", "inspector", "admin"):
        view = await each_site.get(f"/cases/{erased}", by)
        assert view["erased_at"]
        personal = ("name", "phone", "address", "title", "text", "longitude", "latitude")
        assert {view[name] for name in personal} == {None}
        assert (view["status"], view["outcome"]) == ("closed", "withdrawn")
        timeline = await each_site.get(f"/cases/{erased}/timeline", by)
        texts = {entry["text"] for entry in (*timeline["events"], *timeline["messages"])}
        assert texts == {None}
        assert len(timeline["events"]) >= 3
    assert await readers(each_site, erased) == read, "there was nothing personal to read"


async def test_nothing_personal_can_be_added(each_site: Site, erased: str) -> None:
    bodies = {"supplement": ("agent", NAME), "close": ("supervisor", NAME), "findings": ("inspector", NAME)}
    for step, (by, text) in bodies.items():
        answer = await each_site.step(erased, step, by, text=text)
        assert (answer.status_code, answer.json()["code"]) == (409, "case_erased"), step
        assert NAME not in answer.text
    refused = await each_site.step(erased, "hurry", "agent")
    assert (refused.status_code, refused.json()["code"]) == (409, "case_closed")

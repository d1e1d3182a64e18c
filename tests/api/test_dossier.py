"""The full record of a case: who gets it, as what, and that nothing in it does anything but be read."""

import asyncio
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from ledger.audit import verify
from tests.api.conftest import Site

SCRIPT = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


async def record_of(site: Site, number: str, by: str = "inspector", **more: Any) -> dict[str, Any]:
    answer = await site.call("GET", f"/cases/{number}/record", by, **more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def page_of(site: Site, number: str, by: str = "inspector") -> httpx2.Response:
    answer = await site.call("GET", f"/cases/{number}/record", by, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer


async def written(site: Site, number: str, events: int) -> dict[str, Any]:
    """The record, once the engine has written so many events and raised what follows from them."""
    for _ in range(200):
        found = await record_of(site, number)
        if len(found["events"]) >= events and len(found["measures"]) == sum(
            e["action"] is not None for e in found["events"]
        ):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the events were not written")


async def test_everything_that_happened_is_in_the_record_and_proved(each_site: Site) -> None:
    number = await each_site.in_callback()
    await each_site.take(number, "call-back", "callback", reached=True, rating=1, solved=False, contacted=False)
    found = await written(each_site, number, 6)
    assert found["check"] == {"whole": True, "event": None, "what": None, "what_zh": None}
    assert [event["n"] for event in found["events"]] == list(range(1, len(found["events"]) + 1))
    assert found["events"][-1]["hash"] == found["standing"]["head"]
    assert (found["request"]["phone"], found["request"]["text"]) == ("13800000000", "家里自来水水压变小")
    assert "阀门已打开，水压恢复。" in [event["text"] for event in found["events"]]
    assert [measure["action"] for measure in found["measures"]] == ["discipline_referral"]
    assert found["messages"]
    assert "code" not in found["request"]
    assert (await verify(each_site.ledger, number)).flaws == {}


@pytest.mark.parametrize(
    "by", ["agent", "dispatcher", "zz-water", "grid", "callback", "admin", "integration", "citizen"]
)
async def test_other_posts_get_no_record(site: Site, by: str) -> None:
    number = await site.dispatched()
    answer = await site.call("GET", f"/cases/{number}/record", by)
    assert answer.status_code in (401, 403)
    assert "13800000000" not in answer.text


async def test_there_is_no_record_of_what_there_is_not(site: Site) -> None:
    answer = await site.call("GET", "/cases/ZZ-20000101-00001/record", "inspector")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_case")


async def test_findings_and_readers_are_for_the_posts_that_may_read_them(each_site: Site) -> None:
    number = await each_site.receive()
    answer = await each_site.step(number, "findings", "inspector", text="未联系诉求人即反馈办结。")
    assert answer.status_code == 201, answer.text
    by_supervisor = await record_of(each_site, number, "supervisor")
    by_inspector = await record_of(each_site, number, "inspector")
    assert (by_supervisor["findings"], by_supervisor["reads"]) == (None, None)
    assert [finding["text"] for finding in by_inspector["findings"]] == ["未联系诉求人即反馈办结。"]
    assert [(read["role"], read["what"]) for read in by_inspector["reads"]] == [
        ("supervisor", "record"), ("inspector", "record"),
    ]  # fmt: skip
    assert "督查意见" in (await page_of(each_site, number, "inspector")).text
    assert "未联系诉求人" not in (await page_of(each_site, number, "supervisor")).text


async def test_the_page_shows_html_in_texts_as_it_was_written(each_site: Site) -> None:
    spoilt = {"name": SCRIPT, "address": SCRIPT, "text": SCRIPT, "title": SCRIPT}
    number = await each_site.dispatched(**spoilt)
    await each_site.take(number, "sign-in", "zz-water")
    await each_site.take(number, "submit-result", "zz-water", text=SCRIPT)
    await written(each_site, number, 4)
    await each_site.step(number, "findings", "inspector", text=SCRIPT)
    page = (await page_of(each_site, number)).text
    assert "<script" not in page
    assert page.count(ESCAPED) >= 6


async def test_the_page_is_in_chinese_and_says_first_whether_all_is_as_recorded(each_site: Site) -> None:
    number = await each_site.in_callback()
    await written(each_site, number, 4)
    page = (await page_of(each_site, number)).text
    assert "记录完整：4条经过前后衔接" in page
    for words in ("受理", "派单员", "签收时限", "反馈结果", "阀门已打开，水压恢复。", "郑州", "已反馈待回访"):
        assert words in page
    async with each_site.ledger.session() as session:
        await session.execute(text(f"UPDATE cases SET breached = NOT breached WHERE number = '{number}'"))
    page = (await page_of(each_site, number)).text
    assert "记录不完整。首处异常：工单现状，办理状态与最后一条经过不一致。" in page
    async with each_site.ledger.session() as session:
        await session.execute(text(f"UPDATE cases SET breached = NOT breached WHERE number = '{number}'"))


async def test_both_forms_come_as_what_they_are(site: Site) -> None:
    number = await site.receive()
    by_accept = await page_of(site, number)
    by_query = await site.call("GET", f"/cases/{number}/record?format=html", "supervisor")
    for page in (by_accept, by_query):
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Content-Disposition"] == f'inline; filename="{number}.html"'
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
        assert "script" not in policy
    browser = {"Accept": "text/html"}
    data = await site.call("GET", f"/cases/{number}/record?format=json", "supervisor", headers=browser)
    assert data.headers["Content-Type"] == "application/json"
    assert data.headers["Content-Disposition"] == f'attachment; filename="{number}.json"'
    assert (await site.call("GET", f"/cases/{number}/record?format=pdf", "supervisor")).status_code == 422

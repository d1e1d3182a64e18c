"""Alerts by HTTP, as CloudEvents in each of their three forms, on both databases."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx2
import pytest

from domain.assets import Asset
from ledger.assets import put_assets
from ledger.refused import refusal_counts, refused_messages
from temporal import proactive
from tests.api.conftest import Site
from tests.workflows.hotline import eventually

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
_numbers = count()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sweep runs here that would do what was left to it."""
    monkeypatch.setattr(proactive, "SOON", 30)


async def asset(site: Site, unit: str = "zz-water", **more: Any) -> str:
    code = f"E-{next(_numbers)}"
    await site.ledger.run(put_assets, [Asset(code=code, kind="meter", unit=unit, address="八栋楼3号院7楼", **more)])
    return code


def event(subject: str, kind: str = "alert.burst-flow", **more: Any) -> dict[str, Any]:
    usual = {"specversion": "1.0", "id": f"e{next(_numbers)}", "source": "/t", "time": datetime.now(UTC).isoformat()}
    return {**usual, "type": f"jiesu.{kind}", "subject": subject, "data": {"value": 12.5}, **more}


async def send(site: Site, body: Any, by: str = "integration", headers: dict[str, str] = STRUCTURED) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await site.call("POST", "/events", by, content=content, headers=headers)


async def taken(site: Site, *events: dict[str, Any], by: str = "integration") -> list[dict[str, Any]]:
    answer = await send(site, list(events), by, BATCH)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["events"]
    return found


async def test_a_structured_event_confirms_an_alert_and_its_case_is_with_the_unit(each_site: Site) -> None:
    code = await asset(each_site, vulnerable=("alone",))
    answer = await send(each_site, event(code))
    [told] = answer.json()["events"]
    assert (answer.status_code, told["became"], told["opened"]) == (200, "confirmed", True)

    async def dispatched() -> bool:
        return bool((await each_site.get(f"/cases/{told['case']}"))["status"] == "dispatched")

    await eventually(dispatched)
    case = await each_site.get(f"/cases/{told['case']}", "zz-water")
    assert (case["category"], case["channel"], case["lead"], case["priority"]) == ("proactive", "sensor", "zz-water", 1)
    assert case["address"] == "八栋楼3号院7楼"
    assert code in case["text"]
    timeline = await each_site.get(f"/cases/{told['case']}/timeline")
    assert (timeline["events"][0]["facts"]["channel"], timeline["events"][1]["by"]) == ("sensor", "system")
    assert (await each_site.get("/cases", category="proactive"))["items"]


async def test_an_event_in_binary_mode_says_the_same(each_site: Site) -> None:
    plain = event(await asset(each_site))
    data = json.dumps(plain.pop("data")).encode()
    headers = {f"ce-{name}": value for name, value in plain.items()} | {"Content-Type": "application/json"}
    assert (await send(each_site, data, headers=headers)).json()["events"][0]["became"] == "confirmed"
    assert (await send(each_site, data, headers=headers)).json()["events"][0]["became"] == "repeated"


async def test_a_batch_says_of_each_event_what_became_of_it(each_site: Site) -> None:
    code, foreign = await asset(each_site), await asset(each_site, "zz-heat")
    twice = event(code, "alert.leak-noise", data={"value": 40})
    told = await taken(
        each_site, twice, event(code, "alert.leak-noise", data={"value": 41}), twice, event(foreign), event("nobody"),
        event(code, "alert.flood"), {"specversion": "1.0"}, event(code, "recovered.leak-noise"), by="zz-water",
    )  # fmt: skip
    assert [one["became"] for one in told] == ["recorded", "joined", "repeated", *["refused"] * 4, "recovered"]
    codes = ["unknown_asset", "unknown_asset", "unknown_type", "malformed"]
    assert [one["code"] for one in told if one["code"]] == codes
    assert all(one["detail"] and one["detail_zh"] for one in told if one["code"])


async def test_a_recovery_ends_the_case_before_anybody_goes(each_site: Site) -> None:
    code = await asset(each_site)
    then, since = (datetime.now(UTC) - timedelta(minutes=minutes) for minutes in (20, 11))
    [told] = await taken(each_site, event(code, time=then.isoformat()))
    [well] = await taken(each_site, event(code, "recovered.burst-flow", data=None, time=since.isoformat()))
    assert (well["became"], well["case"]) == ("recovered", told["case"])

    async def ended() -> bool:
        return bool((await each_site.get(f"/cases/{told['case']}"))["outcome"] == "recovered")

    await eventually(ended)
    [alert] = (await each_site.get("/alerts", asset=code))["items"]
    assert (alert["status"], alert["case"]) == ("ended", told["case"])
    [again] = await taken(each_site, event(code))
    assert again["opened"]
    assert again["case"] != told["case"]


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", STRUCTURED, "malformed"),
        (b"{", STRUCTURED, "malformed"),
        (b"\xff\x00", STRUCTURED, "malformed"),
        (b"[]", STRUCTURED, "malformed"),
        (b"{}", BATCH, "malformed"),
        (b"[" * 9000, BATCH, "malformed"),
        (b"{}", {"Content-Type": "text/plain"}, "not_cloudevents"),
        (b"{}", {}, "not_cloudevents"),
        (b"{}", {"ce-id": "1"}, "malformed"),
        (json.dumps([{}] * 501).encode(), BATCH, "too_many_events"),
        (event("A", "nonsense"), STRUCTURED, "unknown_type"),
        (event("A", "alert.fire"), STRUCTURED, "unknown_type"),
        (event("nobody"), STRUCTURED, "unknown_asset"),
        (event("A\x00"), STRUCTURED, "malformed"),
        (event(""), STRUCTURED, "malformed"),
        (event("A", data={"value": "hot"}), STRUCTURED, "malformed"),
        (event("A", data=[1]), STRUCTURED, "malformed"),
        (event("A", data={"longitude": 113.0}), STRUCTURED, "malformed"),
        (event("A", time="2026-11-22T00:00:00"), STRUCTURED, "malformed"),
        (event("A", time="99999"), STRUCTURED, "malformed"),
        (event("A", specversion="0.3"), STRUCTURED, "malformed"),
        (event("A", id=""), STRUCTURED, "malformed"),
        (event("A", id=7), STRUCTURED, "malformed"),
    ],
)
async def test_bad_input_is_refused_with_a_sentence_counted_and_kept(
    each_site: Site, body: Any, headers: dict[str, str], code: str
) -> None:
    async def counted() -> int:
        async with each_site.ledger.session() as session:
            counts = await refusal_counts(session)
        return sum(row.count for row in counts if (row.source, row.reason) == ("events", code))

    before = await counted()
    answer = await send(each_site, body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["detail_zh"]
    assert await counted() == before + 1
    async with each_site.ledger.session() as session:
        [kept] = await refused_messages(session, "events", 1)
    assert kept.reason == code


@pytest.mark.parametrize(("days", "code"), [(-2, "too_old"), (1, "from_the_future")])
async def test_a_time_far_from_ours_is_refused(each_site: Site, days: int, code: str) -> None:
    far = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    answer = await send(each_site, event(await asset(each_site), time=far))
    assert answer.json()["code"] == code


async def test_a_body_too_large_is_refused(site: Site) -> None:
    assert (await send(site, b" " * 1_000_001)).status_code == 413


async def test_many_at_once_open_one_case(each_site: Site) -> None:
    code = await asset(each_site)
    answers = await asyncio.gather(*(taken(each_site, *(event(code) for _ in range(5))) for _ in range(12)))
    told = [one for answer in answers for one in answer]
    assert len({one["case"] for one in told} - {None}) == 1
    assert sum(one["opened"] for one in told) == 1
    [alert] = (await each_site.get("/alerts", asset=code))["items"]
    assert alert["readings"] == 60


async def test_a_unit_lists_its_own_alerts_page_by_page(each_site: Site) -> None:
    mine, other = [await asset(each_site) for _ in range(3)], await asset(each_site, "zz-heat")
    await taken(each_site, *(event(code, "alert.water-quality", data={"value": 2}) for code in (*mine, other)))
    seen: list[str] = []
    page = await each_site.get("/alerts", "zz-water", status="open", limit=2)
    while True:
        seen += [alert["asset"] for alert in page["items"]]
        if page["next"] is None:
            break
        page = await each_site.get("/alerts", "zz-water", status="open", limit=2, cursor=page["next"])
    assert [code for code in seen if code in mine] == mine[::-1]
    assert other not in seen
    assert "八栋楼" not in json.dumps(await each_site.get("/alerts"), ensure_ascii=False)
    assert (await each_site.call("GET", "/alerts?cursor=x", "zz-water")).json()["code"] == "bad_cursor"

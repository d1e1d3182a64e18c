"""Intake: what is accepted, what is refused, and that a repetition opens nothing twice."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.api.conftest import Api, Site

PERSONAL = ("王女士", "13812345678", "丰庆路9号楼")


async def send(site: Site, key: str | None = None, **body: Any) -> httpx2.Response:
    return await site.call("POST", "/cases", "agent", key=key, json=body)


async def test_a_text_alone_is_enough(each_site: Site) -> None:
    answer = await send(each_site, text="麻烦看一下。")
    accepted = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/cases/{accepted['number']}"
    assert accepted["marks"] == ["no_contact", "no_location", "unclassified"]
    assert accepted["category"] == "help"
    view = await each_site.get(answer.headers["Location"])
    assert (view["title"], view["status"], view["channel"]) == ("求助", "received", "phone")


@pytest.mark.parametrize("phone", ["13800000000", "+8613800000000", "0371-12345678", "0371 1234567", "67170000"])
async def test_a_phone_that_can_be_called_is_not_marked(site: Site, phone: str) -> None:
    assert "no_contact" not in (await send(site, text="停水", phone=phone)).json()["marks"]


@pytest.mark.parametrize("phone", ["+86 138-0000-0000", "008613800000000", "86-13800000000", "138 0000 0000"])
async def test_a_mobile_number_has_one_spelling(site: Site, phone: str) -> None:
    accepted = (await send(site, text="停水", phone=phone)).json()
    assert "no_contact" not in accepted["marks"]
    assert (await site.get(f"/cases/{accepted['number']}"))["phone"] == "13800000000"


@pytest.mark.parametrize("phone", ["", "  ", "123", "不愿透露", "138000000001", "a@b.cn"])
async def test_a_phone_that_cannot_be_called_is_accepted_and_marked(site: Site, phone: str) -> None:
    answer = await send(site, text="停水", phone=phone)
    assert answer.status_code == 201
    assert "no_contact" in answer.json()["marks"]


@pytest.mark.parametrize(("longitude", "latitude"), [(0, 0), (181, 34), (113, -91), (1e300, 1e300), (113, None)])
async def test_a_position_not_on_earth_is_accepted_and_marked(
    site: Site, longitude: float, latitude: float | None
) -> None:
    answer = await send(site, text="停水", longitude=longitude, latitude=latitude)
    assert answer.status_code == 201
    assert "no_location" in answer.json()["marks"]


async def test_a_position_is_a_place(site: Site) -> None:
    assert "no_location" not in (await send(site, text="停水", longitude=113.6, latitude=34.7)).json()["marks"]


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"category": "no-such"}, "unclassified"),
        ({"item": "no-such"}, "unclassified"),
        ({"longitude": 1160.4, "latitude": 34.7, "address": None}, "no_location"),
        ({"longitude": 113.6, "address": None}, "no_location"),
    ],
)
async def test_a_platform_that_speaks_for_citizens_is_heard_whatever_it_does_not_know(
    site: Site, changes: dict[str, Any], mark: str
) -> None:
    body = {"text": "停水", "phone": "13800000000", "address": "杜岭街12号", "channel": "snapshot", **changes}
    answer = await site.call("POST", "/cases", "integration", json=body)
    assert (answer.status_code, answer.json()["marks"]) == (201, [mark]), answer.text
    case = await site.get(f"/cases/{answer.json()['number']}")
    assert (case["longitude"], case["latitude"]) == (None, None), "what is no position is not shown as one"
    if mark == "unclassified":
        refused = await site.call("POST", "/cases", "agent", json=body)
        assert refused.status_code == 422


async def test_what_the_catalog_knows_is_suggested(site: Site) -> None:
    accepted = (await send(site, text="整个小区停水了")).json()
    assert accepted["item"] == accepted["suggestions"][0]["item"]
    assert accepted["suggestions"][0]["because"]
    assert "unclassified" not in accepted["marks"]


async def test_an_item_of_outages_makes_an_outage_unless_said_otherwise(site: Site) -> None:
    assert (await send(site, text="爆管", item="outage-water")).json()["outage"] is True
    assert (await send(site, text="爆管", item="outage-water", outage=False)).json()["outage"] is False


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("category", "no-such", "unknown_category"),
        ("item", "no-such", "unknown_item"),
        ("channel", "fax", "malformed"),
        ("text", "", "malformed"),
        ("text", "   ", "malformed"),
        ("text", None, "malformed"),
        ("text", "王女士" * 1400, "malformed"),
        ("text", "王女士\x00", "malformed"),
        ("name", "王女士" * 70, "malformed"),
        ("name", "王女士\x00", "malformed"),
        ("phone", 13812345678, "malformed"),
        ("phone", ["13812345678"], "malformed"),
        ("address", {"丰庆路9号楼": 1}, "malformed"),
        ("longitude", "丰庆路9号楼", "malformed"),
        ("outage", "王女士", "malformed"),
        ("province", "13812345678", "malformed"),
        ("王女士", "13812345678", "malformed"),
        ("13812345678", "王女士", "malformed"),
        ("number", "ZZ-20261121-00001", "malformed"),
    ],
)
async def test_a_malformed_request_is_refused_without_repeating_what_it_said(
    site: Site, field: str, value: Any, code: str
) -> None:
    answer = await send(site, **{"text": "停水", "name": PERSONAL[0], "phone": PERSONAL[1]} | {field: value})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not any(secret in answer.text for secret in PERSONAL)


@pytest.mark.parametrize(
    "body",
    [
        '{"text": "\\ud800"}',
        '{"text": "停水", "name": "\\udfff"}',
        '{"text": "停水", "\\ud800": 1}',
        '{"text": "停水", "longitude": NaN}',
        '{"text": "停水", "longitude": 1e999}',
        '{"text": "停水", "category": "\\ud800"}',
    ],
)
async def test_what_no_database_can_hold_is_refused(each_site: Site, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await each_site.call("POST", "/cases", "agent", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_repetition_with_the_same_key_and_body_gets_the_same_answer(each_site: Site) -> None:
    key = str(uuid4())
    first = await send(each_site, key, text="停水", phone=PERSONAL[1])
    again = await send(each_site, key, text="停水", phone=PERSONAL[1])
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]


async def test_a_key_that_was_used_for_another_body_is_refused(each_site: Site) -> None:
    key = str(uuid4())
    await send(each_site, key, text="停水")
    answer = await send(each_site, key, text="停电")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_who_used_it(site: Site) -> None:
    key = str(uuid4())
    mine = await send(site, key, text="停水")
    theirs = await site.call("POST", "/cases", "dispatcher", key=key, json={"text": "停电"})
    assert theirs.status_code == 201
    assert theirs.json()["number"] != mine.json()["number"]


async def test_twenty_at_once_with_one_key_open_one_case(each_site: Site) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(send(each_site, key, text="停水") for _ in range(20)))
    assert len({answer.json()["number"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]


async def test_twenty_at_once_get_twenty_numbers(each_site: Site) -> None:
    answers = await asyncio.gather(*(send(each_site, text="停水") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 20


@pytest.mark.parametrize("key", ["has space", "x" * 201, "tab\there"])
async def test_a_malformed_idempotency_key_is_refused(site: Site, key: str) -> None:
    assert (await send(site, key, text="停水")).json()["code"] == "malformed"


@pytest.mark.parametrize(
    "claim", [{"outage": True}, {"province": True}, {"channel": "110"}, {"original_number": "P-1"}]
)
async def test_whoever_is_no_official_cannot_claim_what_moves_deadlines(site: Site, claim: dict[str, Any]) -> None:
    for by, status in (("citizen", 403), ("grid", 403), ("agent", 201), ("integration", 201)):
        answer = await site.call("POST", "/cases", by, json={"text": "停水了", **claim})
        assert answer.status_code == status, (by, answer.text)


async def test_a_foreign_number_is_a_number_and_no_words(site: Site) -> None:
    answer = await site.call("POST", "/cases", "agent", json={"text": "停水", "original_number": "张三 13711112222"})
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_key_is_known_to_every_api_and_after_a_restart(each_site: Site) -> None:
    beside = Api(each_site.api.values)
    other = Site(beside, each_site.ledger, each_site.keys, each_site.http)
    key, body, numbers = str(uuid4()), {"text": "停水了"}, set()
    for _ in range(2):
        beside.start()
        try:
            asked = (site.call("POST", "/cases", "agent", key=key, json=body) for site in (each_site, other))
            numbers |= {answer.json()["number"] for answer in await asyncio.gather(*asked)}
            foreign = await other.call("POST", "/cases", "agent", key=key, json={"text": "别的事"})
        finally:
            beside.stop()
        assert foreign.json()["code"] == "idempotency_key_reused"
    assert len(numbers) == 1

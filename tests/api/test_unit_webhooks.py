"""Webhooks of units: what their systems report is taken by the rules that hold for people, or refused."""

import json
from typing import Any
from uuid import uuid4

import pytest

from api.unit_webhooks import TYPES
from domain.roles import MAY, Role
from tests.api.conftest import Site
from tests.api.unit import NOBODYS, assert_refused, counted, headers, kinds, message, post, report


def test_every_type_is_a_step_that_units_may_take() -> None:
    assert all(Role.UNIT in MAY[step] for step in TYPES.values())


async def test_a_unit_reports_from_sign_in_to_result(each_site: Site) -> None:
    number = await each_site.dispatched()
    for type, data in {"signed_in": {}, "progress": {"text": "正在抢修"}, "result": {"text": "水压恢复"}}.items():
        answer = await report(each_site, f"order.{type}", number, **data)
        assert (answer.status_code, answer.json()["number"]) == (200, number), answer.text
    events = (await each_site.get(f"/cases/{number}/timeline"))["events"][-3:]
    assert [event["kind"] for event in events] == ["signed_in", "progress_reported", "result_submitted"]
    assert [event["text"] for event in events] == [None, "正在抢修", "水压恢复"]
    assert {(event["by"], event["unit"]) for event in events} == {("unit", "zz-water")}


async def test_it_asks_for_more_time_or_gives_the_order_back(site: Site) -> None:
    number = await site.dispatched()
    answer = await report(site, "order.return_requested", number, text="不在管养范围")
    assert answer.status_code == 200, answer.text
    number = await site.dispatched()
    await report(site, "order.signed_in", number)
    answer = await report(site, "order.extension_requested", number, text="等配件", limit="2wd")
    assert answer.status_code == 200, answer.text
    assert (await kinds(site, number))[-1] == "extension_requested"


async def test_a_message_may_say_when_it_happened(site: Site) -> None:
    content = {"type": "order.signed_in", "timestamp": "2026-11-21T09:30:00+08:00"}
    body = json.dumps(content | {"data": {"case": await site.dispatched()}}).encode()
    assert (await post(site, body, headers(body, str(uuid4())))).status_code == 200


async def test_the_type_of_the_content_makes_no_difference(site: Site) -> None:
    body = message("order.signed_in", await site.dispatched())
    sent = headers(body, str(uuid4())) | {"Content-Type": "text/xml"}
    assert (await post(site, body, sent)).status_code == 200


async def test_a_unit_reaches_its_own_cases_alone(site: Site) -> None:
    was = (await counted(site)).get("no_such_case", 0)
    answer = await report(site, "order.signed_in", await site.dispatched("zz-heat"))
    await assert_refused(site, answer, 404, "no_such_case", "unit:zz-water", was)
    assert (await report(site, "order.signed_in", NOBODYS)).status_code == 404


async def test_a_unit_does_not_act_for_the_units_below_it(site: Site) -> None:
    number = await site.dispatched("zz-dulingjie")
    body = message("order.signed_in", number)
    answer = await post(site, body, headers(body, str(uuid4()), by="office"), "zz-jinshui")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_your_case")
    answer = await post(site, body, headers(body, str(uuid4()), by="office"), "zz-dulingjie")
    assert answer.status_code == 200


CASE = {"case": NOBODYS}


MALFORMED: list[Any] = [
    {"type": "order.unheard_of", "data": CASE},
    {"type": 5, "data": CASE},
    {"data": CASE},
    {"type": "order.signed_in"},
    {"type": "order.signed_in", "data": {}},
    {"type": "order.signed_in", "data": []},
    {"type": "order.signed_in", "data": {"case": "1"}},
    {"type": "order.signed_in", "data": {"case": f"{NOBODYS}\n"}},
    {"type": "order.signed_in", "data": {"case": 5}},
    {"type": "order.signed_in", "data": {**CASE, "by": {"role": "admin", "id": "x"}}},
    {"type": "order.signed_in", "data": {**CASE, "张三13812345678": 1}},
    {"type": "order.signed_in", "timestamp": "13812345678", "data": CASE},
    {"type": "order.signed_in", "timestamp": 13812345678, "data": CASE},
    {"type": "order.signed_in", "timestamp": ["13812345678"], "data": CASE},
    {"type": "order.result", "data": CASE},
    {"type": "order.result", "data": {**CASE, "text": ""}},
    {"type": "order.result", "data": {**CASE, "text": "x\x00"}},
    {"type": "order.result", "data": {**CASE, "text": "13812345678" * 400}},
    {"type": "order.extension_requested", "data": {**CASE, "text": "x", "limit": "13812345678"}},
    {"type": "order.suspension_requested", "data": {**CASE, "text": "x", "until": "soon"}},
    [],
    5,
    None,
]


@pytest.mark.parametrize("content", [*(json.dumps(content).encode() for content in MALFORMED), b"", b"{", b"[" * 5000])
async def test_a_malformed_message_is_refused_and_not_repeated(site: Site, content: bytes) -> None:
    was = (await counted(site)).get("malformed", 0)
    answer = await post(site, content, headers(content, str(uuid4())))
    await assert_refused(site, answer, 422, "malformed", "unit:zz-water", was)
    assert "13812345678" not in answer.text
    assert "张三" not in answer.text


async def test_whoever_is_shown_a_refused_message_has_read_of_the_case_it_names(site: Site) -> None:
    number = await site.dispatched()
    body = message("order.progress", number, text="张女士家")
    await post(site, body, {})
    for reader, words in (("supervisor", body.decode()), ("admin", None)):
        shown = await site.get("/refused", reader, source="unit:zz-water", limit=1)
        assert shown["messages"][0]["body"] == words
    readers = (await site.get(f"/cases/{number}/readers", "inspector"))["items"]
    assert [read["role"] for read in readers if read["what"] == "refused"] == ["supervisor"]

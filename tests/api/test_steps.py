"""Steps: a whole life, refusals a person understands, and that a repetition changes nothing."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Site


async def test_a_whole_life_is_told_by_the_timeline(each_site: Site) -> None:
    site = each_site
    number = await site.dispatched()
    await site.take(number, "sign-in", "zz-water")
    await site.take(number, "report-progress", "zz-water", text="正在抢修")
    await site.take(number, "request-extension", "zz-water", text="等配件", limit="2wd")
    await site.take(number, "decide-extension", "dispatcher", granted=True)
    await site.take(number, "submit-result", "zz-water", text="已修好")
    closed = await site.take(number, "call-back", "callback", reached=True, rating=5, solved=True, contacted=True)
    assert (closed["status"], closed["outcome"]) == ("closed", "resolved")
    timeline = await site.get(f"/cases/{number}/timeline")
    kinds = [event["kind"] for event in timeline["events"]]
    assert kinds == [
        "received", "dispatched", "signed_in", "progress_reported", "extension_requested", "extension_granted",
        "result_submitted", "called_back", "closed",
    ]  # fmt: skip
    assert [event["n"] for event in timeline["events"]] == list(range(1, 10))
    assert timeline["events"][3]["text"] == "正在抢修"
    assert [event["by_zh"] for event in timeline["events"][:3]] == ["话务员", "派单员", "承办单位"]
    assert {event["late_seconds"] for event in timeline["events"]} == {None}
    view = await site.get(f"/cases/{number}")
    assert (view["status_zh"], view["due"], view["due_zh"], view["extended"]) == ("已办结", None, None, True)


async def test_the_list_and_the_timeline_show_a_step_as_soon_as_it_is_answered(each_site: Site) -> None:
    site = each_site
    number = await site.receive()
    for step, by, body, status in (
        ("dispatch", "dispatcher", {"lead": "zz-water"}, "dispatched"),
        ("sign-in", "zz-water", {}, "handling"),
        ("submit-result", "zz-water", {"text": "已修好"}, "callback"),
        ("withdraw", "citizen", {}, "closed"),
    ):
        taken = await site.take(number, step, by, **body)
        (line,) = (await site.get("/cases", q=number))["items"]
        timeline = await site.get(f"/cases/{number}/timeline")
        assert line["status"] == taken["status"] == status
        assert timeline["events"][-1]["n"] == taken["event"]


async def test_a_closed_case_refuses_with_a_code_and_two_sentences(each_site: Site) -> None:
    site = each_site
    number = await site.receive()
    await site.take(number, "answer", "agent", text="请到医保窗口办理")
    answer = await site.step(number, "dispatch", "dispatcher", lead="zz-water")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (409, "case_closed", 409)
    assert problem["detail"].startswith("The case was closed on 2")
    assert problem["detail_zh"].endswith("（直接答复），不能再操作。")


async def test_a_step_the_stage_does_not_allow_says_why(each_site: Site) -> None:
    number = await each_site.dispatched()
    answer = await each_site.step(number, "submit-result", "zz-water", text="已修好")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "not_in_this_stage")
    assert problem["type"] == "urn:jiesu:problem:not_in_this_stage"
    assert problem["detail"] == "This step is for a case that is handling; this one is dispatched."
    assert problem["detail_zh"] == "该操作适用于“办理中”的工单，本工单当前为“已派单待签收”。"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("step", "by", "body", "code"),
    [
        ("dispatch", "dispatcher", {}, "malformed"),
        ("dispatch", "dispatcher", {"lead": "no-such-unit"}, "unknown_unit"),
        ("dispatch", "dispatcher", {"lead": "zz-water", "assisting": ["no-such-unit"]}, "unknown_unit"),
        ("dispatch", "dispatcher", {"lead": "ZZ WATER"}, "malformed"),
        ("dispatch", "dispatcher", {"lead": "z" * 41}, "malformed"),
        ("dispatch", "dispatcher", {"lead": "zz-water", "by": {"role": "admin", "id": "x"}}, "malformed"),
        ("dispatch", "dispatcher", {"lead": "zz-water", "note": "n-1"}, "malformed"),
        ("reclassify", "agent", {"item": "no-such", "text": "x"}, "unknown_item"),
        ("reclassify", "agent", {"category": "x" * 201, "text": "x"}, "malformed"),
        ("reject", "agent", {"ground": "x\x00"}, "malformed"),
        ("transfer", "agent", {"to": "12345"}, "unknown_partner"),
        ("transfer", "agent", {"to": "mayor-mailbox"}, "unknown_partner"),
        ("transfer", "agent", {"to": "1 1 0"}, "malformed"),
        ("answer", "agent", {"text": ""}, "malformed"),
        ("answer", "agent", {"text": "x" * 4001}, "malformed"),
        ("answer", "agent", {"text": "x\x00"}, "malformed"),
        ("call-back", "callback", {"reached": True, "rating": 6}, "malformed"),
        ("decide-extension", "dispatcher", {"granted": True, "limit": "13812345678"}, "malformed"),
        ("decide-extension", "dispatcher", {"granted": True, "limit": 3}, "malformed"),
    ],
)
async def test_a_malformed_step_is_refused(site: Site, step: str, by: str, body: dict[str, Any], code: str) -> None:
    answer = await site.step(await site.receive(), step, by, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "13812345678" not in answer.text


@pytest.mark.parametrize("number", ["1", "zz-20261121-00001", "ZZ-20261121-٠٠٠٠١", "ZZ-20261121-00001%0a"])
async def test_a_number_that_cannot_be_one_is_refused(site: Site, number: str) -> None:
    assert (await site.call("GET", f"/cases/{number}", "agent")).status_code == 422


async def test_an_optional_text_left_blank_is_no_text(site: Site) -> None:
    number = await site.receive()
    await site.take(number, "dispatch", "dispatcher", lead="zz-water", text="  ")
    assert (await site.get(f"/cases/{number}/timeline"))["events"][-1]["text"] is None


async def test_a_step_without_fields_needs_no_body(site: Site) -> None:
    number = await site.dispatched()
    answer = await site.call("POST", f"/cases/{number}/sign-in", "zz-water")
    assert answer.status_code == 200, answer.text


async def test_a_repetition_with_the_same_key_gets_the_first_answer(each_site: Site) -> None:
    number, key = await each_site.receive(), str(uuid4())
    first = await each_site.take(number, "dispatch", "dispatcher", key, lead="zz-water")
    await each_site.take(number, "sign-in", "zz-water")
    assert await each_site.take(number, "dispatch", "dispatcher", key, lead="zz-water") == first
    assert (await each_site.step(number, "dispatch", "dispatcher", lead="zz-water")).status_code == 409


async def test_a_step_or_request_without_a_key_is_told_one_under_which_it_may_be_repeated(site: Site) -> None:
    opened = await site.call("POST", "/cases", "agent", json={"text": "停水"})
    key = opened.headers["Idempotency-Key"]
    again = await site.call("POST", "/cases", "agent", key=key, json={"text": "停水"})
    assert (again.status_code, again.json()) == (200, opened.json())
    number = opened.json()["number"]
    hurried = await site.step(number, "hurry", "citizen")
    assert hurried.headers["Idempotency-Key"] != key
    await site.take(number, "hurry", "citizen", hurried.headers["Idempotency-Key"])
    assert (await site.get(f"/cases/{number}"))["hurries"] == 1


async def test_every_answer_to_a_step_tells_its_key(site: Site) -> None:
    number, key = await site.receive(), str(uuid4())
    for status, body in ((200, {"lead": "zz-water"}), (422, {"lead": "zz-heat"}), (422, {})):
        answer = await site.step(number, "dispatch", "dispatcher", key, **body)
        assert (answer.status_code, answer.headers["Idempotency-Key"]) == (status, key)
    refused = await site.step(number, "dispatch", "dispatcher", lead="zz-water")
    assert (refused.status_code, len(refused.headers["Idempotency-Key"])) == (409, 36)
    assert "Idempotency-Key" not in (await site.call("GET", f"/cases/{number}", "dispatcher")).headers


async def test_five_at_once_with_one_key_take_one_step(each_site: Site) -> None:
    number, key = await each_site.receive(), str(uuid4())
    taking = (each_site.take(number, "dispatch", "dispatcher", key, lead="zz-water") for _ in range(5))
    first, *others = await asyncio.gather(*taking)
    assert others == [first] * 4
    assert len((await each_site.get(f"/cases/{number}/timeline"))["events"]) == first["event"] == 2


async def test_the_same_key_with_another_body_is_refused(each_site: Site) -> None:
    number, key = await each_site.receive(), str(uuid4())
    await each_site.take(number, "dispatch", "dispatcher", key, lead="zz-water")
    answer = await each_site.step(number, "dispatch", "dispatcher", key, lead="zz-heat")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_same_key_serves_another_step_another_case_and_another_person(site: Site) -> None:
    key = str(uuid4())
    for _ in range(2):
        number = await site.receive()
        await site.take(number, "hurry", "agent", key)
        await site.take(number, "hurry", "citizen", key)
        await site.take(number, "dispatch", "dispatcher", key, lead="zz-water")
        assert (await site.get(f"/cases/{number}"))["hurries"] == 2


async def test_the_closing_step_repeated_gets_the_first_answer_also_from_a_new_process(each_site: Site) -> None:
    number, key = await each_site.in_callback(), str(uuid4())
    body = {"reached": True, "rating": 5, "solved": True, "contacted": True}
    first = await each_site.take(number, "call-back", "callback", key, **body)
    assert first["status"] == "closed"
    assert await each_site.take(number, "call-back", "callback", key, **body) == first
    each_site.api.stop()
    each_site.api.start()
    assert await each_site.take(number, "call-back", "callback", key, **body) == first
    assert (await each_site.step(number, "call-back", "callback", **body)).json()["code"] == "case_closed"


async def test_an_earlier_step_repeated_after_the_closing_gets_its_first_answer(site: Site) -> None:
    number, key = await site.receive(), str(uuid4())
    first = await site.take(number, "dispatch", "dispatcher", key, lead="zz-water")
    await site.take(number, "close", "supervisor", text="与另一工单重复")
    assert await site.take(number, "dispatch", "dispatcher", key, lead="zz-water") == first

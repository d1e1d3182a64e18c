"""One-key transfers out: with the record, acknowledged or back, each once."""

import asyncio
import json
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Site
from tests.api.partner import JPEG, offered, received, say, signed, transferred
from tests.workflows.hotline import eventually


async def kinds(site: Site, number: str) -> list[str]:
    return [event["kind"] for event in (await site.get(f"/cases/{number}/timeline"))["events"]]


async def test_a_transfer_goes_with_the_record_and_is_acknowledged(
    each_site: Site, sandbox_city: dict[str, str]
) -> None:
    number = await each_site.receive(channel="110", original_number="J-1", longitude=113.66, latitude=34.76)
    file = {"file": ("a.jpg", JPEG, "image/jpeg")}
    await each_site.call("POST", f"/cases/{number}/attachments", "agent", files=file)
    await each_site.take(number, "transfer", "dispatcher", to="110", text="有人受伤，属警务警情。")
    (sent,) = await received(each_site, sandbox_city, number)
    record = sent["record"]
    assert (sent["type"], sent["to"], sent["text"]) == ("transfer", "110", "有人受伤，属警务警情。")
    assert (record["original_number"], record["channel"], record["text"]) == ("J-1", "110", "家里自来水水压变小")
    assert record["contact"] == {"name": None, "phone": "13800000000", "withheld": False}
    assert (record["longitude"], record["latitude"]) == (113.66, 34.76)
    digest = sha256(JPEG).hexdigest()
    assert sent["attachments"] == [{"sha256": digest, "media_type": "image/jpeg", "size": len(JPEG)}]
    assert [event["kind"] for event in sent["events"]] == ["received", "transfer_requested"]
    tracked = await each_site.call("GET", f"/cases/{number}/track", headers={"Case-Code": await each_site.code(number)})
    assert tracked.json()["steps"][-1]["text"] == "正在联系110报警服务台，待其接收；在此之前由热线负责。"

    answer = await say(each_site, "transfer.acknowledged", case=number, number="J-99", reason="已出警")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "transferred"), answer.text
    acknowledged = (await each_site.get(f"/cases/{number}/timeline"))["events"][-2]
    assert (acknowledged["kind"], acknowledged["facts"]) == ("transfer_acknowledged", {"to": "110", "number": "J-99"})
    assert (acknowledged["by"], acknowledged["clock"], acknowledged["late_seconds"]) == (
        "integration",
        "acknowledgement",
        None,
    )

    async def texts() -> list[str]:
        messages = (await each_site.get(f"/cases/{number}/timeline"))["messages"]
        return [message["text"] for message in messages if message["template"] == "transferred"]

    (text,) = await eventually(texts)
    assert "已转交110报警服务台，对方已接收，受理号：J-99。了解办理情况请拨打12345" in text, "nobody blocks 110 to ask"
    tracked = await each_site.call("GET", f"/cases/{number}/track", headers={"Case-Code": await each_site.code(number)})
    assert "您的诉求已由110报警服务台接收，受理号：J-99。" in [step["text"] for step in tracked.json()["steps"]]


async def test_the_partner_reads_the_files_of_what_it_has_and_of_nothing_else(site: Site) -> None:
    number = await site.receive()
    await site.call("POST", f"/cases/{number}/attachments", "agent", files={"file": ("a.jpg", JPEG, "image/jpeg")})
    asked = {"case": number, "sha256": sha256(JPEG).hexdigest()}
    before = await signed(site, "/webhooks/partners/110/files", asked)
    assert (before.status_code, before.json()["code"]) == (404, "no_such_case")
    await site.take(number, "transfer", "agent", to="110")
    assert (await signed(site, "/webhooks/partners/110/files", asked)).content == JPEG
    assert (await signed(site, "/webhooks/partners/12315/files", asked, "12315")).status_code == 404
    other = await signed(site, "/webhooks/partners/110/files", asked | {"sha256": "0" * 64})
    assert (other.status_code, other.json()["code"]) == (404, "no_such_file")
    readers = await site.get(f"/cases/{number}/readers", "inspector")
    assert "partner:110" in json.dumps(readers)
    await site.take(number, "withdraw", "citizen")
    assert (await signed(site, "/webhooks/partners/110/files", asked)).status_code == 404


async def test_refused_it_comes_back_and_is_dispatched_under_its_first_limit(
    each_site: Site, sandbox_city: dict[str, str]
) -> None:
    number = await each_site.receive()

    async def limit() -> str | None:
        shown: str | None = (await each_site.get(f"/cases/{number}"))["due"]
        return shown

    due = await eventually(limit)
    await each_site.take(number, "transfer", "agent", to="12315")
    await received(each_site, sandbox_city, number, "hotlines")
    dispatch = await each_site.step(number, "dispatch", "dispatcher", lead="zz-water")
    assert (dispatch.status_code, dispatch.json()["code"]) == (409, "being_transferred")
    assert "12315消费者投诉举报热线" in dispatch.json()["detail_zh"]
    answer = await say(each_site, "transfer.refused", "12315", case=number, reason="不属于市场监管职责")
    assert (answer.status_code, answer.json()["status"], answer.json()["due"]) == (200, "received", due), answer.text
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-water")
    refused, dispatched = (await each_site.get(f"/cases/{number}/timeline"))["events"][-2:]
    assert (refused["kind"], refused["text"]) == ("transfer_refused", "不属于市场监管职责")
    assert (dispatched["kind"], dispatched["due"]) == ("dispatched", due)


@pytest.mark.parametrize("theirs", ["郑公（2026）118号", "12319/2026/33", 2026112200018])
async def test_partners_number_their_cases_as_they_do(site: Site, theirs: str | int) -> None:
    number = await transferred(site)
    answer = await say(site, "transfer.acknowledged", case=number, number=theirs)
    assert answer.status_code == 200, answer.text
    assert (await site.get(f"/cases/{number}"))["transfer"]["number"] == str(theirs)


async def test_so_does_whoever_writes_their_numbers_down(site: Site) -> None:
    number = await transferred(site, "119", original_number="郑信〔2026〕12号")
    assert (await site.get(f"/cases/{number}"))["original_number"] == "郑信〔2026〕12号"
    phone = await site.step(number, "acknowledge-transfer", "dispatcher", number="13812345678")
    assert (phone.status_code, phone.json()["code"]) == (422, "malformed"), "numbers are neither masked nor erased"
    await site.take(number, "acknowledge-transfer", "dispatcher", number=" 119（2026）3号")
    assert (await site.get(f"/cases/{number}"))["transfer"]["number"] == "119（2026）3号"
    name = await site.call("POST", "/cases", "agent", json={"text": "停水", "original_number": "王女士"})
    assert (name.status_code, name.json()["code"]) == (422, "malformed")


async def test_a_hotline_on_the_phone_is_answered_for_by_whoever_heard_it(site: Site) -> None:
    number = await transferred(site, "119")
    taken = await site.take(number, "acknowledge-transfer", "dispatcher", number="F-7", text="消防已出动。")
    assert taken["outcome"] == "transferred"
    number = await transferred(site, "120")
    assert (await site.take(number, "refuse-transfer", "agent", text="无人受伤。"))["status"] == "received"


async def test_what_the_citizen_adds_meanwhile_reaches_the_partner(site: Site, sandbox_city: dict[str, str]) -> None:
    number = await transferred(site)
    await received(site, sandbox_city, number)
    await site.call("POST", f"/cases/{number}/attachments", "agent", files={"file": ("a.jpg", JPEG, "image/jpeg")})
    await site.take(number, "supplement", "citizen", text="对方有刀。")
    await site.take(number, "withdraw", "citizen")

    async def all_three() -> list[dict[str, Any]]:
        entries = await received(site, sandbox_city, number)
        return entries if len(entries) == 3 else []

    transfer, *notices = await eventually(all_three)
    assert [(said["notice"], said["text"]) for said in notices] == [("supplemented", "对方有刀。"), ("withdrawn", None)]
    assert transfer["attachments"] == []
    assert [file["sha256"] for file in notices[0]["attachments"]] == [sha256(JPEG).hexdigest()]


@pytest.mark.parametrize(("to", "system", "known"), [("110", "110", True), ("12315", "hotlines", False)])
async def test_who_asked_not_to_be_known_is_told_to_emergency_lines_only(
    site: Site, sandbox_city: dict[str, str], to: str, system: str, known: bool
) -> None:
    text = "王小明：店家卖假货，请打13800000000"
    number = await site.receive(text=text, name="王小明", withhold_identity=True)
    await site.call("POST", f"/cases/{number}/attachments", "agent", files={"file": ("a.jpg", JPEG, "image/jpeg")})
    await site.take(number, "transfer", "agent", to=to, text="王小明来电")
    (sent,) = await received(site, sandbox_city, number, system)
    assert (sent["record"]["contact"]["phone"] == "13800000000") is known
    assert ("王小明" in json.dumps(sent, ensure_ascii=False)) is known
    assert bool(sent["attachments"]) is known
    asked = {"case": number, "sha256": sha256(JPEG).hexdigest()}
    answer = await signed(site, f"/webhooks/partners/{to}/files", asked, to)
    assert answer.status_code == (200 if known else 404)


@pytest.mark.parametrize("type", ["transfer.acknowledged", "transfer.refused"])
async def test_nobody_answers_for_another_partner(site: Site, type: str) -> None:
    number = await transferred(site)
    answer = await say(site, type, "12315", case=number, reason="x")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_case")
    assert (await site.get(f"/cases/{number}"))["status"] == "transferring"
    with_key = await site.step(number, "acknowledge-transfer", "integration")
    assert (with_key.status_code, with_key.json()["code"]) == (409, "not_your_transfer")


async def test_an_answer_sent_again_gets_the_first_answer(site: Site) -> None:
    number = await transferred(site)
    first = await say(site, "transfer.refused", id=f"m-{number}", case=number, reason="退回")
    await asyncio.sleep(1.1)  # signed anew a second later, it is another sending
    again = await say(site, "transfer.refused", id=f"m-{number}", case=number, reason="退回")
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert (await kinds(site, number)).count("transfer_refused") == 1


async def test_people_see_whom_a_case_can_be_transferred_to(site: Site) -> None:
    partners = {partner["code"]: partner for partner in await site.get("/partners")}
    assert {"110", "119", "120", "12315", "12367"} <= {code for code, one in partners.items() if one["takes"]}
    assert not partners["mayor-mailbox"]["takes"]


async def test_a_partner_that_gave_a_case_back_does_not_answer_for_the_next(site: Site) -> None:
    number = await transferred(site)
    await say(site, "transfer.refused", case=number, reason="不属于警务事项")
    late = await say(site, "transfer.acknowledged", case=number)
    assert (late.status_code, late.json()["code"]) == (409, "not_in_this_stage")
    await site.take(number, "transfer", "agent", to="12315")
    late = await say(site, "transfer.acknowledged", case=number)
    assert (late.status_code, late.json()["code"]) == (409, "not_your_transfer")
    assert (await site.get(f"/cases/{number}"))["status"] == "transferring"


async def test_a_transferred_case_is_found_by_the_numbers_others_gave_it_and_shows_where_it_went(
    each_site: Site,
) -> None:
    site = each_site
    theirs = f"J{uuid4().hex[:12]}"
    number = (await offered(site, number=theirs))["case"]
    assert (await site.get(f"/cases/{number}"))["transfer"] is None
    await site.take(number, "transfer", "agent", to="119")
    waiting = (await site.get(f"/cases/{number}"))["transfer"]
    assert (waiting["to"], waiting["name"], waiting["number"]) == ("119", "119消防救援", None)
    await site.take(number, "refuse-transfer", "agent", text="无火情。")
    assert (await site.get(f"/cases/{number}"))["transfer"] is None
    await site.take(number, "transfer", "agent", to="120")
    await site.take(number, "acknowledge-transfer", "dispatcher", number=f"F{theirs}")
    went = (await site.get(f"/cases/{number}"))["transfer"]
    assert (went["to"], went["number"]) == ("120", f"F{theirs}")
    assert went["at"] > waiting["at"]
    for searched in (theirs, f"F{theirs}"):
        assert [line["number"] for line in (await site.get("/cases", q=searched))["items"]] == [number]
    assert (await site.get("/cases", q=theirs[:-1]))["items"] == []

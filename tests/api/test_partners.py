"""One-key transfers: out with the record and acknowledged or back, in with the original number kept, each once."""

import asyncio
import json
import os
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from sandbox.secrets import variable_of
from settings import sign
from tests.api.conftest import Site
from tests.workflows.hotline import eventually

JPEG = b"\xff\xd8\xff\xe0" + bytes(200)
OFFER = {
    "text": "楼上住户深夜装修，邻里纠纷，非警务警情。",
    "name": "王女士",
    "phone": "13800000000",
    "address": "金水区杜岭街12号",
}


async def say(site: Site, type: str, by: str = "110", id: str | None = None, **data: Any) -> httpx2.Response:
    return await signed(site, f"/webhooks/partners/{by}", {"type": type, "data": data}, by, id)


async def signed(
    site: Site, path: str, content: dict[str, Any], by: str = "110", id: str | None = None
) -> httpx2.Response:
    body, system = json.dumps(content), {"110": "110", "snapshot": "snapshot"}.get(by, "hotlines")
    return await site.call("POST", path, content=body.encode(), headers=headers_of(system, id or str(uuid4()), body))


def headers_of(system: str, id: str, body: str) -> dict[str, str]:
    return sign(Webhook(os.environ[variable_of(system)]), id, body, datetime.now(UTC))


async def offered(site: Site, **changes: Any) -> dict[str, Any]:
    answer = await say(site, "transfer.offered", **{"number": f"J{uuid4().hex[:16]}", **OFFER, **changes})
    assert answer.status_code == 201, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


async def received(site: Site, city: dict[str, str], number: str, system: str = "110") -> list[dict[str, Any]]:
    """What a partner's system has received of a case, once it has."""

    async def look() -> list[dict[str, Any]]:
        found = await site.http.get(f"{city['office']}/partners/{system}/transfers?case={number}")
        entries: list[dict[str, Any]] = found.json()
        return entries

    entries: list[dict[str, Any]] = await eventually(look)
    return entries


async def transferred(site: Site, to: str = "110", **changes: Any) -> str:
    number = await site.receive(**changes)
    taken = await site.take(number, "transfer", "agent", to=to, text="已三方通话。")
    assert taken["status"] == "transferring"
    return number


async def kinds(site: Site, number: str) -> list[str]:
    return [event["kind"] for event in (await site.get(f"/cases/{number}/timeline"))["events"]]


# --- out --------------------------------------------------------------------------------------------------------------


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


async def test_a_hotline_on_the_phone_is_answered_for_by_whoever_heard_it(site: Site) -> None:
    number = await transferred(site, "119")
    taken = await site.take(number, "acknowledge-transfer", "dispatcher", number="F-7", text="消防已出动。")
    assert taken["outcome"] == "transferred"
    number = await transferred(site, "120")
    assert (await site.take(number, "refuse-transfer", "agent", text="无人受伤。"))["status"] == "received"


async def test_what_the_citizen_adds_meanwhile_reaches_the_partner(site: Site, sandbox_city: dict[str, str]) -> None:
    number = await transferred(site)
    await site.take(number, "supplement", "citizen", text="对方有刀。")
    await site.take(number, "withdraw", "citizen")

    async def notices() -> list[tuple[str, str | None]]:
        entries = await received(site, sandbox_city, number)
        return [(e["notice"], e["text"]) for e in entries if e["type"] == "notice"] if len(entries) == 3 else []

    assert await eventually(notices) == [("supplemented", "对方有刀。"), ("withdrawn", None)]


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


# --- in ---------------------------------------------------------------------------------------------------------------


async def test_what_110_sends_becomes_a_case_with_its_number(each_site: Site) -> None:
    photo = b64encode(JPEG).decode()
    taken = await offered(each_site, number="J4101", happened_at="2026-11-22T01:20:00+08:00", photos=[photo])
    case = await each_site.get(f"/cases/{taken['case']}")
    assert (case["original_number"], case["channel"], taken["original_number"]) == ("J4101", "110", "J4101")
    assert case["text"] == OFFER["text"] + "\n（来件注明发生于2026-11-22 01:20）"
    assert (case["grid"], case["status"], taken["notes"]) == ("zz-g-dulingjie", "received", [])
    (file,) = await each_site.get(f"/cases/{taken['case']}/attachments")
    assert (file["sha256"], file["by"]) == (sha256(JPEG).hexdigest(), "integration")


async def test_the_same_number_is_one_case_whatever_comes_with_it(each_site: Site) -> None:
    first = await offered(each_site, number="J4102")
    for changes in ({}, {"text": "另一段文字"}, {"category": "complaint"}):
        again = await say(each_site, "transfer.offered", **{"number": "J4102", **OFFER, **changes})
        assert (again.status_code, again.json()["case"]) == (200, first["case"]), again.text
    together = await asyncio.gather(
        *(say(each_site, "transfer.offered", **{"number": "J4103", **OFFER, "text": f"{n}"}) for n in range(5))
    )
    assert len({answer.json()["case"] for answer in together}) == 1
    assert sorted(answer.status_code for answer in together) == [200, 200, 200, 200, 201]


async def offer(site: Site, **changes: Any) -> httpx2.Response:
    return await say(site, "transfer.offered", **OFFER | changes)


async def files(site: Site, number: str) -> list[str]:
    return [file["sha256"] for file in await site.get(f"/cases/{number}/attachments")]


def photo(n: int) -> str:
    return b64encode(JPEG + bytes([n])).decode()


async def test_a_known_number_with_other_words_changes_nothing(site: Site) -> None:
    number = (await offered(site, number="J4105", photos=[photo(1)]))["case"]
    kept = await files(site, number)
    again = await offer(site, number="J4105", text="另一段", photos=[photo(2)])
    assert (again.status_code, [note["code"] for note in again.json()["notes"]]) == (200, ["known"])
    assert await files(site, number) == kept


async def test_a_photo_for_which_there_is_no_room_is_no_reason_to_refuse_the_request(site: Site) -> None:
    number = (await offered(site, number="J4106", photos=[photo(0)]))["case"]
    for n in range(1, 20):
        file = {"file": ("a.jpg", JPEG + bytes([n]), "image/jpeg")}
        await site.call("POST", f"/cases/{number}/attachments", "agent", files=file)
    assert len(await files(site, number)) == 20
    again = await offer(site, number="J4106", photos=[photo(0), photo(77)])
    assert (again.status_code, [note["code"] for note in again.json()["notes"]]) == (200, ["photos_full"])
    assert len(await files(site, number)) == 20


async def test_the_same_number_of_another_partner_is_another_case(site: Site) -> None:
    first = await offered(site, number="77")
    other = await say(site, "transfer.offered", "12319", **{"number": "77", **OFFER})
    assert (other.status_code, other.json()["case"] != first["case"]) == (201, True)


@pytest.mark.parametrize(
    ("changes", "notes", "marks"),
    [
        ({"category": "no-such"}, ["unknown_category", "unclassified"], ["unclassified"]),
        ({"item": "no-such"}, ["unknown_item", "unclassified"], ["unclassified"]),
        ({"longitude": 2.35, "latitude": 48.85, "address": None}, ["no_grid"], ["no_grid"]),
        ({"longitude": 500, "latitude": 0, "address": None}, ["no_position", "no_location"], ["no_location"]),
        ({"longitude": 10**400, "latitude": 34.7}, ["no_position"], []),
        ({"longitude": 113.6}, ["no_position"], []),
        ({"longitude": 113.6, "latitude": 1e300}, ["no_position"], []),
        ({"longitude": "东经", "latitude": [], "address": None}, ["no_location"], ["no_location"]),
        ({"phone": None}, ["no_contact"], ["no_contact"]),
        ({"phone": {"mobile": 1}, "name": 7}, ["left_out", "no_contact"], ["no_contact"]),
        ({"happened_at": "昨天"}, ["left_out"], []),
        ({"happened_at": "9999-12-31T23:59:00Z"}, ["left_out"], []),
        ({"photos": "无"}, ["left_out"], []),
        ({"photos": [b64encode(JPEG + bytes(1_000_000)).decode()]}, ["photo_refused"], []),
        ({"photos": [7, None]}, ["photo_refused"], []),
        ({"text": "字" * 6000}, ["text_cut"], []),
        ({"photos": [b64encode(b"MZ" + bytes(99)).decode(), "不是图片"]}, ["photo_refused"], []),
    ],
)
async def test_what_the_city_does_not_know_is_taken_for_a_person_to_look_at(
    site: Site, changes: dict[str, Any], notes: list[str], marks: list[str]
) -> None:
    taken = await offered(site, **{"category": "help", **changes})
    assert ([note["code"] for note in taken["notes"]], taken["marks"]) == (notes, marks)
    assert (await site.get(f"/cases/{taken['case']}"))["status"] == "received"


async def test_an_offer_with_what_is_usual_elsewhere_is_taken_whole(site: Site) -> None:
    photos = [photo(n) for n in range(5)]
    taken = await offered(site, number="郑公（2026）117号", happened_at="2026-11-22T01:20:00", photos=photos)
    case = await site.get(f"/cases/{taken['case']}")
    assert case["original_number"] == "郑公（2026）117号"
    assert case["text"].endswith("（来件注明发生于2026-11-22 01:20）")
    assert ([note["code"] for note in taken["notes"]], len(await files(site, taken["case"]))) == (["photos_full"], 4)


async def test_who_perhaps_asked_not_to_be_known_is_not_made_known(site: Site) -> None:
    taken = await offered(site, withhold_identity="保密")
    assert (await site.get(f"/cases/{taken['case']}"))["withheld"]


async def test_a_police_matter_after_all_goes_back_with_its_number(site: Site, sandbox_city: dict[str, str]) -> None:
    taken = await offered(site, number="J4104")
    await site.take(taken["case"], "transfer", "dispatcher", to="110", text="现场有人持械。")
    (sent,) = await received(site, sandbox_city, taken["case"])
    assert sent["record"]["original_number"] == "J4104"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"number": "J-1"}, "text"),
        ({"number": "", "text": "x"}, "number"),
        ({"number": "J 1", "text": "x"}, "number"),
        ({"number": "13812345678", "text": "x"}, "number"),
        ({"number": "王女士", "text": "x"}, "number"),
    ],
)
async def test_a_malformed_offer_is_refused_and_kept(site: Site, data: dict[str, Any], place: str) -> None:
    answer = await say(site, "transfer.offered", **data)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert f"{place}:" in answer.json()["detail"]
    assert f"（{place}）" in answer.json()["detail_zh"]
    newest = (await site.get("/refused", "supervisor", source="partner:110", limit=1))["messages"][0]
    assert newest["reason"] == "malformed"


@pytest.mark.parametrize("path", ["/webhooks/partners/110", "/webhooks/partners/110/files", "/webhooks/partners/no"])
async def test_nothing_unsigned_is_taken(site: Site, path: str) -> None:
    answer = await site.call("POST", path, json={"type": "transfer.offered", "data": {"number": "1", **OFFER}})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed")


async def test_a_partner_signs_for_itself_only(site: Site) -> None:
    content = {"type": "transfer.offered", "data": {"number": "J-5", **OFFER}}
    answer = await signed(site, "/webhooks/partners/110", content, "12315")
    assert answer.status_code == 401


async def test_a_message_to_one_partner_is_not_taken_for_another_that_shares_its_secret(site: Site) -> None:
    offer = json.dumps({"type": "transfer.offered", "data": {"number": "J4107", **OFFER}})
    headers = headers_of("hotlines", str(uuid4()), offer)
    first, elsewhere = [
        await site.call("POST", f"/webhooks/partners/{code}", content=offer.encode(), headers=headers)
        for code in ("12319", "12315")
    ]
    assert (first.status_code, elsewhere.status_code, elsewhere.json()["code"]) == (201, 409, "replayed")


@pytest.mark.parametrize("path", ["/webhooks/partners/110", "/webhooks/partners/110/files"])
async def test_what_we_sent_ourselves_is_not_taken_when_it_comes_back(
    site: Site, sandbox_city: dict[str, str], path: str
) -> None:
    number = await transferred(site)
    await site.take(number, "supplement", "citizen", text="对方有刀。")

    async def both() -> list[dict[str, Any]]:
        entries = await received(site, sandbox_city, number)
        return entries if len(entries) == 2 else []

    for sent in await eventually(both):
        answer = await signed(site, path, sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_partner_that_gave_a_case_back_does_not_answer_for_the_next(site: Site) -> None:
    number = await transferred(site)
    await say(site, "transfer.refused", case=number, reason="不属于警务事项")
    late = await say(site, "transfer.acknowledged", case=number)
    assert (late.status_code, late.json()["code"]) == (409, "not_in_this_stage")
    await site.take(number, "transfer", "agent", to="12315")
    late = await say(site, "transfer.acknowledged", case=number)
    assert (late.status_code, late.json()["code"]) == (409, "not_your_transfer")
    assert (await site.get(f"/cases/{number}"))["status"] == "transferring"


async def test_a_photo_taken_on_the_spot_finds_its_grid(site: Site) -> None:
    """郑好拍 and mini-programs: an integration key, a photo and a position."""
    body = {
        "channel": "snapshot",
        "text": "井盖破损",
        "phone": "13800000000",
        "longitude": 113.659,
        "latitude": 34.7525,
    }
    case = (await site.call("POST", "/cases", "integration", json=body)).json()
    assert case["grid"] is not None, case
    file = {"file": ("a.jpg", JPEG, "image/jpeg")}
    answer = await site.call("POST", f"/cases/{case['number']}/attachments", "integration", files=file)
    assert answer.status_code == 201
    assert case["number"] in [line["number"] for line in (await site.get("/cases", grid=case["grid"]))["items"]]


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

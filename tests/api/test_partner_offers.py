"""One-key transfers in: what partners offer becomes a case with its original number kept, once."""

import asyncio
from base64 import b64encode, encodebytes
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from tests.api.conftest import Site
from tests.api.partner import JPEG, OFFER, offered, received, say


async def offer(site: Site, **changes: Any) -> httpx2.Response:
    return await say(site, "transfer.offered", **OFFER | changes)


async def files(site: Site, number: str) -> list[str]:
    return [file["sha256"] for file in await site.get(f"/cases/{number}/attachments")]


def photo(n: int) -> str:
    return b64encode(JPEG + bytes([n])).decode()


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
    shown = [await site.get(f"/cases/{number}") for number in (first["case"], other.json()["case"])]
    assert [case["offered_by"] for case in shown] == ["110报警服务台", "12319城市管理热线"]
    assert (await site.get(f"/cases/{await site.receive()}"))["offered_by"] is None


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
        ({"text": " ", "photos": [photo(3)]}, ["no_text"], []),
        ({"text": None, "category": None, "photos": [photo(3)]}, ["no_text", "unclassified"], ["unclassified"]),
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


async def test_numbers_and_positions_are_taken_as_systems_write_them(site: Site) -> None:
    place = {"longitude": " 113.66", "latitude": "34.76", "address": None}
    taken = await offered(site, number=41010020261122, phone=13800000000, **place)
    case = await site.get(f"/cases/{taken['case']}")
    assert (case["original_number"], case["phone"], taken["notes"]) == ("41010020261122", "13800000000", [])
    assert (case["longitude"], case["latitude"], case["grid"]) == (113.66, 34.76, "zz-g-badonglou")


async def test_photos_are_taken_as_browsers_and_mail_write_them(site: Site) -> None:
    photos = [f"data:image/jpeg;base64,{photo(1)}", encodebytes(JPEG + bytes([2])).decode()]
    taken = await offered(site, photos=photos)
    kept = {sha256(JPEG + bytes([n])).hexdigest() for n in (1, 2)}
    assert (taken["notes"], set(await files(site, taken["case"]))) == ([], kept)


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

"""Receipts of SMS gateways over HTTP: in each gateway's own words, only from whoever shows the token, never lost."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.cases import messages_of
from ledger.messages import save_attempt
from sandbox import aliyun, mas
from tests.api.conftest import OpenSite, Site

TOKEN = "token-of-the-gateway-123"
PHONE = "13800000000"


@pytest.fixture
async def reported(open_site: OpenSite, new_sqlite: Callable[[], str]) -> AsyncIterator[Site]:
    """A site that takes receipts; nothing carries its cases."""
    async with open_site(new_sqlite(), {"JIESU_SMS_RECEIPT_TOKEN": TOKEN, "TEMPORAL_ADDRESS": "127.0.0.1:1"}) as site:
        yield site


async def texted(site: Site, reference: str) -> tuple[str, str]:
    """A case about which a text was sent: its number and the text's key."""
    number = await site.receive(phone=PHONE)
    key = f"{number}:1:citizen::received"
    await site.ledger.run(
        save_attempt, key, case_number=number, event=1, party="citizen", template="received", text="已登记",
        status="sent", at=datetime.now(UTC), reference=reference,
    )  # fmt: skip
    return number, key


async def status(site: Site, number: str) -> str:
    async with site.ledger.session() as session:
        [message] = await messages_of(session, number)
    return message.status


async def report(site: Site, gateway: str, body: Any, token: str = TOKEN) -> Any:
    answer = await site.call("POST", f"/sms/receipts/{gateway}", params={"token": token}, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def words(gateway: str, key: str, reference: str, *, delivered: bool) -> Any:
    """A receipt as a gateway puts it."""
    if gateway == "aliyun":
        return aliyun.receipt({"phone": PHONE, "biz_id": reference, "out_id": key}, delivered=delivered)
    if gateway == "mas":
        return mas.receipt({"phone": PHONE, "group": reference}, delivered=delivered)
    return {"key": key, "status": "delivered" if delivered else "undelivered", "code": None}


@pytest.mark.parametrize("gateway", ["http", "aliyun", "mas"])
async def test_each_gateway_is_understood_in_its_own_words(reported: Site, gateway: str) -> None:
    arrived, lost = await texted(reported, "r-1"), await texted(reported, "r-2")
    body = [
        words(gateway, lost[1], "r-2", delivered=False),
        words(gateway, arrived[1], "r-1", delivered=True),
        words(gateway, arrived[1], "r-1", delivered=False),
        words(gateway, "ZZ-1:1:citizen::received", "r-3", delivered=True),
    ]
    taken = {"code": 0, "msg": "接收成功", "stray": 1, "refused": 0}
    assert await report(reported, gateway, body) == taken | {"noted": 2, "known": 1}
    assert await report(reported, gateway, body) == taken | {"noted": 0, "known": 3}
    assert [await status(reported, arrived[0]), await status(reported, lost[0])] == ["delivered", "undelivered"]


async def test_mas_may_report_one_at_a_time(reported: Site) -> None:
    number, key = await texted(reported, "r-1")
    assert (await report(reported, "mas", words("mas", key, "r-1", delivered=True)))["noted"] == 1
    assert await status(reported, number) == "delivered"


@pytest.mark.parametrize(
    ("receipt", "becomes"),
    [
        ({"reportStatus": "CM:0000", "errorCode": "DELIVRD"}, "delivered"),
        ({"reportStatus": "DELIVRD"}, "delivered"),
        ({"reportStatus": "DELIVRD", "errorCode": ""}, "delivered"),
        ({"reportStatus": "CM:0000", "errorCode": ""}, "sent"),
        ({"reportStatus": "CM:3000"}, "sent"),
        ({"reportStatus": "UNDELIV", "errorCode": "DB:0140"}, "undelivered"),
        ({"reportStatus": "CM:8003"}, "undelivered"),
    ],
)
async def test_mas_says_in_either_field_that_a_text_arrived(
    reported: Site, receipt: dict[str, str], becomes: str
) -> None:
    number, _ = await texted(reported, "r-1")
    await report(reported, "mas", receipt | {"msgGroup": "r-1", "mobile": PHONE})
    assert await status(reported, number) == becomes


async def test_staff_see_that_a_number_cannot_be_reached(reported: Site) -> None:
    number, key = await texted(reported, "r-1")
    _, other = await texted(reported, "r-2")
    body = [words("http", one, "", delivered=False) for one in (key, other)]
    await report(reported, "http", body)
    case = await reported.get(f"/cases/{number}")
    assert "unreachable" in case["marks"]
    assert case["unreachable_at"] is not None
    assert "unreachable" in (await reported.get("/cases"))["items"][0]["marks"]


@pytest.mark.parametrize("token", ["", "token-of-the-gateway-124", "令牌"])
async def test_without_the_token_nothing_is_taken(reported: Site, token: str) -> None:
    number, key = await texted(reported, "r-1")
    body = [words("aliyun", key, "r-1", delivered=True)]
    answer = await reported.call("POST", "/sms/receipts/aliyun", params={"token": token}, json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "no_receipt_token")
    assert await status(reported, number) == "sent"


async def test_the_token_may_come_as_a_header(reported: Site) -> None:
    number, key = await texted(reported, "r-1")
    answer = await reported.call("POST", "/sms/receipts/http", TOKEN, json=[words("http", key, "", delivered=True)])
    assert answer.status_code == 200
    assert await status(reported, number) == "delivered"


async def test_where_no_token_is_set_no_receipt_is_taken(site: Site) -> None:
    answer = await site.call("POST", "/sms/receipts/http", json=[])
    assert answer.status_code == 401


async def test_what_is_refused_is_counted_and_kept(reported: Site) -> None:
    path = "/sms/receipts/aliyun"
    body = words("aliyun", "ZZ-1:1:citizen::received", "r-1", delivered=True)
    await reported.call("POST", path, params={"token": "token-of-the-gateway-124"}, json=[body])
    await reported.call("POST", path, params={"token": TOKEN}, json=[["?"]])
    await reported.call("POST", path, params={"token": TOKEN}, content=b"\xff{")
    kept = await reported.get("/refused", "inspector", source="sms:aliyun")
    assert [(one["reason"], one["count"]) for one in kept["counts"]] == [("malformed", 2), ("no_receipt_token", 1)]
    assert [one["reason"] for one in kept["messages"]] == ["malformed"] * 2 + ["no_receipt_token"]
    assert kept["messages"][1]["body"] == '[["?"]]'


@pytest.mark.parametrize("gateway", ["http", "aliyun", "mas"])
async def test_a_malformed_receipt_is_refused_by_itself(reported: Site, gateway: str) -> None:
    numbers = [await texted(reported, reference) for reference in ("r-1", "r-2")]
    first, second = (words(gateway, key, f"r-{n}", delivered=True) for n, (_, key) in enumerate(numbers, start=1))
    named = {"http": "status", "aliyun": "success", "mas": "msgGroup"}[gateway]
    counts = await report(reported, gateway, [first, second | {named: {"水": "?\x00"}}, {}, second])
    assert (counts["noted"], counts["refused"]) == (2, 2)
    assert [await status(reported, number) for number, _ in numbers] == ["delivered"] * 2
    kept = await reported.get("/refused", "inspector", source=f"sms:{gateway}")
    assert [(one["reason"], one["count"]) for one in kept["counts"]] == [("malformed", 2)]
    empty, odd = kept["messages"]
    assert empty["body"] == "{}"
    assert odd["detail"].startswith(f"The message is malformed: {named}: ")
    assert "水" in odd["body"]


async def test_what_no_text_can_hold_is_refused_by_itself(reported: Site) -> None:
    odd = rb'{"key": "k\ud800", "status": "delivered"}, {"\ud800": 1}, {"key": "k\u0000", "status": "delivered"}'
    deep = b'{"key": ' + b"[" * 400 + b"]" * 400 + b"}"
    answer = await reported.call(
        "POST", "/sms/receipts/http", params={"token": TOKEN}, content=b"[" + odd + b", " + deep + b"]",
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert (answer.status_code, answer.json().get("refused")) == (200, 4)


async def test_who_guesses_tokens_from_the_gateways_address_is_refused_and_the_gateway_is_not(
    open_site: OpenSite, new_sqlite: Callable[[], str]
) -> None:
    values = {"JIESU_SMS_RECEIPT_TOKEN": TOKEN, "TEMPORAL_ADDRESS": "127.0.0.1:1", "JIESU_REFUSED_LIMIT": "3/minute"}
    async with open_site(new_sqlite(), values) as site:
        await report(site, "http", [])
        guesses = [
            await site.call("POST", "/sms/receipts/http", params={"token": f"guess-{n}"}, json=[]) for n in range(5)
        ]
        assert [answer.status_code for answer in guesses] == [401] * 3 + [429] * 2
        await report(site, "http", [])


@pytest.mark.parametrize("body", [{"success": True}, ["x"], "x", [{}] * 5_001])
async def test_what_is_no_list_of_receipts_is_refused_as_a_whole(reported: Site, body: Any) -> None:
    answer = await reported.call("POST", "/sms/receipts/aliyun", params={"token": TOKEN}, json=body)
    assert answer.status_code == 422

"""Webhooks of units: what their systems report is taken once, by the rules that hold for people, or refused."""

import asyncio
import json
import os
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from api import webhooks
from api.unit_webhooks import TYPES
from domain.roles import MAY, Role
from ledger.tables import REQUESTS
from sandbox.secrets import variable_of
from tests.api.conftest import Api, Site
from tests.ports import free_ports

NOBODYS = "ZZ-20000101-00001"


def message(type: str, case: str, **data: Any) -> bytes:
    return json.dumps({"type": type, "data": {"case": case, **data}}).encode()


def headers(body: bytes, id: str, *, by: str = "water", ago: float = 0) -> dict[str, str]:
    at = int(time.time() - ago)
    signature = Webhook(os.environ[variable_of(by)]).sign(id, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature}


async def post(site: Site, body: bytes, sent: dict[str, str], unit: str = "zz-water") -> httpx2.Response:
    return await site.call("POST", f"/webhooks/units/{unit}", content=body, headers=sent)


async def report(site: Site, type: str, case: str, **data: Any) -> httpx2.Response:
    body = message(type, case, **data)
    return await post(site, body, headers(body, str(uuid4())))


async def counted(site: Site, source: str = "unit:zz-water") -> dict[str, int]:
    counts = (await site.get("/refused", "supervisor"))["counts"]
    return {count["reason"]: count["count"] for count in counts if count["source"] == source}


async def assert_refused(site: Site, answer: httpx2.Response, status: int, code: str, source: str, was: int) -> None:
    """Refused with a problem, counted once more, and kept."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await counted(site, source)).get(code, 0) == was + 1
    newest = (await site.get("/refused", "supervisor", source=source, limit=1))["messages"][0]
    assert (newest["reason"], newest["detail"]) == (code, answer.json()["detail"])


async def kinds(site: Site, number: str) -> list[str]:
    return [event["kind"] for event in (await site.get(f"/cases/{number}/timeline"))["events"]]


async def test_whoever_is_shown_a_refused_message_has_read_of_the_case_it_names(site: Site) -> None:
    number = await site.dispatched()
    body = message("order.progress", number, text="张女士家")
    await post(site, body, {})
    for reader, words in (("supervisor", body.decode()), ("admin", None)):
        shown = await site.get("/refused", reader, source="unit:zz-water", limit=1)
        assert shown["messages"][0]["body"] == words
    readers = (await site.get(f"/cases/{number}/readers", "inspector"))["items"]
    assert [read["role"] for read in readers if read["what"] == "refused"] == ["supervisor"]


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


async def test_a_repetition_signed_anew_gets_the_first_answer(each_site: Site) -> None:
    number, id = await each_site.dispatched(), str(uuid4())
    body = message("order.signed_in", number)
    first = await post(each_site, body, headers(body, id, ago=20))
    await report(each_site, "order.progress", number, text="在路上")
    again = await post(each_site, body, headers(body, id, ago=10))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert (await kinds(each_site, number)).count("signed_in") == 1


async def test_several_at_once_take_one_step(each_site: Site) -> None:
    number, id = await each_site.dispatched(), str(uuid4())
    body = message("order.signed_in", number)
    answers = await asyncio.gather(*(post(each_site, body, headers(body, id, ago=ago)) for ago in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.text for answer in answers}) == 1
    assert (await kinds(each_site, number)).count("signed_in") == 1


async def test_the_very_same_message_again_is_a_replay(each_site: Site) -> None:
    body = message("order.signed_in", await each_site.dispatched())
    sent, was = headers(body, str(uuid4())), (await counted(each_site)).get("replayed", 0)
    assert (await post(each_site, body, sent)).status_code == 200
    await assert_refused(each_site, await post(each_site, body, sent), 409, "replayed", "unit:zz-water", was)
    disguised = sent | {"webhook-timestamp": f"{sent['webhook-timestamp']}.5"}
    await assert_refused(each_site, await post(each_site, body, disguised), 409, "replayed", "unit:zz-water", was + 1)


async def test_a_message_that_could_not_be_taken_may_come_again_as_it_was(site: Site) -> None:
    body = message("order.signed_in", await site.dispatched())
    sent = headers(body, str(uuid4()))
    deaf = Api({**site.api.values, "TEMPORAL_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}", "JIESU_PATIENCE": "0.3"})
    deaf.start()
    try:
        answer = await post(Site(deaf, site.ledger, site.keys, site.http), body, sent)
    finally:
        deaf.stop()
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    assert "Retry-After" in answer.headers
    assert (await post(site, body, sent)).status_code == 200


@pytest.mark.parametrize("other", [{"text": "另一内容"}, {"type": "order.result"}, {"case": "another"}])
async def test_the_same_id_with_another_body_is_refused(site: Site, other: dict[str, Any]) -> None:
    number, id = await site.dispatched(), str(uuid4())
    await report(site, "order.signed_in", number)
    said = {"type": "order.progress", "case": number, "text": "在路上"}
    assert (await post(site, body := message(**said), headers(body, id, ago=5))).status_code == 200
    changed = said | other | ({"case": await site.dispatched()} if "case" in other else {})
    was = (await counted(site)).get("idempotency_key_reused", 0)
    answer = await post(site, body := message(**changed), headers(body, id))
    await assert_refused(site, answer, 422, "idempotency_key_reused", "unit:zz-water", was)


async def test_a_message_out_of_order_is_refused_by_the_rule_and_may_come_again(site: Site) -> None:
    number, id = await site.dispatched(), str(uuid4())
    body, was = message("order.result", number, text="水压恢复"), (await counted(site)).get("not_in_this_stage", 0)
    answer = await post(site, body, headers(body, id, ago=5))
    await assert_refused(site, answer, 409, "not_in_this_stage", "unit:zz-water", was)
    await report(site, "order.signed_in", number)
    assert (await post(site, body, headers(body, id))).status_code == 200


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


STALE, EARLY = {"ago": 301}, {"ago": -330}


@pytest.mark.parametrize("wrong", [{"by": "heat"}, STALE, EARLY])
async def test_a_message_signed_by_another_or_at_another_time_is_refused(site: Site, wrong: dict[str, Any]) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site)).get("not_signed", 0)
    answer = await post(site, body, headers(body, str(uuid4()), **wrong))
    await assert_refused(site, answer, 401, "not_signed", "unit:zz-water", was)
    assert answer.headers["WWW-Authenticate"] == "Webhook"


@pytest.mark.parametrize("unit", ["zz-nobody", "units", "%E5%BC%A0%E4%B8%89", "a" * 300, "zz-water%20"])
async def test_nobody_learns_which_units_there_are(site: Site, unit: str) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site, "units")).get("not_signed", 0)
    wrong = await post(site, body, headers(body, "m-1", by="heat"))
    unknown = await post(site, body, headers(body, "m-1", by="heat"), unit)
    await assert_refused(site, unknown, 401, "not_signed", "units", was)
    assert unknown.json() == wrong.json()
    assert {k: v for k, v in unknown.headers.items() if k not in ("date", "idempotency-key")} == {
        k: v for k, v in wrong.headers.items() if k not in ("date", "idempotency-key")
    }


async def test_without_a_secret_nobody_is_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    body = message("order.signed_in", NOBODYS)
    sent = headers(body, "m-1")
    for secret in ("", "whsec_", "not base64 …", "c2hvcnQ="):
        monkeypatch.setenv(variable_of("water"), secret)
        assert (await post(site, body, sent)).status_code == 401


def _without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda sent: {key: value for key, value in sent.items() if key != name}


def _with(name: str, value: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda sent: sent | {name: value}


TRICKS = [
    *(_without(f"webhook-{name}") for name in ("id", "timestamp", "signature")),
    *(_with("webhook-timestamp", value) for value in ("nan", "inf", "-1", "1e400", "", "soon", "٣", "9" * 400)),
    *(_with("webhook-signature", value) for value in ("", "v1", "v1,", "v1,***", "v1,abc", "v2,eA==", "v1,a,b", ",")),
    *(_with("webhook-signature", value) for value in ("v1,密", "v1," + "A" * 10_000, "v1,eA==" + " v1,eA==" * 500)),
    _with("webhook-id", "another"),
]


@pytest.mark.parametrize("trick", TRICKS)
async def test_no_trick_with_headers_opens_or_breaks_anything(
    site: Site, trick: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site)).get("not_signed", 0)
    sent: Any = {name: value.encode() for name, value in trick(headers(body, "m-1")).items()}
    await assert_refused(site, await post(site, body, sent), 401, "not_signed", "unit:zz-water", was)


async def test_of_several_signatures_one_right_one_is_enough(site: Site) -> None:
    body = message("order.signed_in", await site.dispatched())
    sent = headers(body, str(uuid4()))
    sent["webhook-signature"] = f"v1a,xyz v1,eA== {sent['webhook-signature']}"
    assert (await post(site, body, sent)).status_code == 200


@pytest.mark.parametrize("id", ["张三".encode(), b"a b", b"x" * 201])
async def test_an_id_that_could_not_be_kept_is_refused(site: Site, id: bytes) -> None:
    body, was = message("order.signed_in", NOBODYS), (await counted(site)).get("malformed", 0)
    sent: Any = headers(body, id.decode("latin-1")) | {"webhook-id": id}
    await assert_refused(site, await post(site, body, sent), 422, "malformed", "unit:zz-water", was)


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


async def test_bytes_that_are_no_text_are_refused(site: Site) -> None:
    assert (await post(site, b"\xff\xfe", headers(b"x", "m-1"))).status_code == 401


async def test_a_huge_body_is_not_read(site: Site) -> None:
    body, was = message("order.result", NOBODYS, text="x" * 200_000), await counted(site)
    assert (await post(site, body, headers(body, "m-1"))).status_code == 413
    assert await counted(site) == was | {"request_entity_too_large": was.get("request_entity_too_large", 0) + 1}


async def begin(site: Site, path: str, headers: dict[str, str], begun: bytes) -> tuple[StreamReader, StreamWriter]:
    """Send a message of 5.9 MB, of which the rest never comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    head = {"Host": "127.0.0.1", "Content-Length": "5900000", **headers}
    writer.write(f"POST {path} HTTP/1.1\r\n".encode())
    writer.write("".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + b"\r\n" + begun)
    return reader, writer


async def status_of(reader: StreamReader) -> int:
    async with asyncio.timeout(5):
        return int((await reader.readline()).split()[1])


@pytest.mark.parametrize(("partner", "ago"), [("110", 301), ("nobody", 0)])
async def test_what_cannot_be_right_is_refused_before_it_is_received(site: Site, partner: str, ago: int) -> None:
    signed = headers(b"x", "m-1", by="110", ago=ago)
    reader, writer = await begin(site, f"/webhooks/partners/{partner}", signed, b"begun" * 5000)
    assert await status_of(reader) == 401
    writer.close()
    source = "partners" if partner == "nobody" else "partner:110"
    kept = (await site.get("/refused", "supervisor", source=source, limit=1))["messages"][0]
    assert kept["body"].startswith("begunbegun")


async def test_only_so_many_large_messages_are_received_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_large", asyncio.Semaphore(1))
    path, signed = "/webhooks/partners/110", headers(b"x", "m-1", by="110")
    _, held = await begin(site, path, signed, b"begun")
    await asyncio.sleep(0.2)
    second, refused = await begin(site, path, signed, b"x" * 20_000)
    assert await status_of(second) == 429
    held.close()
    refused.close()
    assert (await report(site, "order.signed_in", NOBODYS)).status_code == 404


async def test_who_hangs_up_in_the_middle_is_no_error_of_ours(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await begin(site, "/webhooks/partners/110", headers(b"x", "m-1", by="110"), b"begun")
    writer.write_eof()
    async with asyncio.timeout(5):
        await reader.read()
    writer.close()
    await report(site, "order.signed_in", NOBODYS)
    assert [record.message for record in caplog.records if record.name == "jiesu.api"] == []


async def test_an_id_is_kept_as_its_digest_only(site: Site) -> None:
    body, id = message("order.signed_in", await site.dispatched()), "m-13812345678"
    assert (await post(site, body, headers(body, id))).status_code == 200
    async with site.ledger.session() as session:
        keys = list(await session.scalars(select(REQUESTS.c.key)))
    assert sha256(id.encode()).hexdigest() in "".join(keys)
    assert id not in "".join(keys)


async def test_the_type_of_the_content_makes_no_difference(site: Site) -> None:
    body = message("order.signed_in", await site.dispatched())
    sent = headers(body, str(uuid4())) | {"Content-Type": "text/xml"}
    assert (await post(site, body, sent)).status_code == 200


async def test_an_unreachable_ledger_is_told(site: Site, engine: str) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none"
    api = Api({"JIESU_DATABASE_URL": url, "TEMPORAL_ADDRESS": engine})
    api.start()
    try:
        cut_off = Site(api, site.ledger, site.keys, site.http)
        body = message("order.signed_in", NOBODYS)
        assert (await post(cut_off, body, headers(body, "m-1"))).status_code == 503
    finally:
        api.stop()

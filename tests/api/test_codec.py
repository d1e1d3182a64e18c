"""The codec server: payloads are opened for those who may, by key or by the cookie of a browser that signed in."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import Client

from domain.roles import MAY, Role
from temporal.codec import Cipher
from temporal.keyring import Keyring
from tests.api.conftest import OpenSite, Site
from tests.keys import KEYRING

WORDS = "丰庆佳苑3号楼"
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=f'"{WORDS}"'.encode())
WEB_UI = "https://temporal.example"
STAFF = [role for role in Role if role not in (Role.SYSTEM, Role.UNIT)]

Body = dict[str, Any]


def body_of(*payloads: Payload) -> Body:
    return MessageToDict(Payloads(payloads=payloads))


@pytest.fixture(scope="session")
async def encrypted() -> Body:
    return body_of(*await Cipher(KEYRING).encode([PLAIN, PLAIN]))


async def decode(site: Site, body: Body, by: str | None = None, **headers: str) -> httpx2.Response:
    return await site.call("POST", "/codec/decode", by, json=body, headers=headers)


async def sign_in(site: Site, key: str) -> httpx2.Response:
    return await site.call("POST", "/codec/sign-in", data={"key": key})


def problem_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("role", STAFF)
async def test_payloads_are_opened_for_the_roles_that_may_and_no_others(
    each_site: Site, role: Role, encrypted: Body
) -> None:
    answer = await decode(each_site, encrypted, role)
    if role in MAY["decode"]:
        assert (answer.status_code, answer.json()) == (200, body_of(PLAIN, PLAIN))
    else:
        assert problem_of(answer) == (403, "not_your_post")
        assert WORDS not in answer.text


async def test_nobody_without_a_key_opens_anything(site: Site, encrypted: Body) -> None:
    for by in (None, "jk_00000000_nonsense"):
        assert problem_of(await decode(site, encrypted, by)) == (401, "no_key")
    for cookie in ("jiesu_key=", "jiesu_key=jk_00000000_nonsense", f"other={site.keys['admin']}"):
        assert problem_of(await decode(site, encrypted, Cookie=cookie)) == (401, "no_key")


async def test_what_is_not_encrypted_comes_back_as_it_is(site: Site) -> None:
    assert (await decode(site, body_of(PLAIN), "inspector")).json() == body_of(PLAIN)
    assert (await decode(site, {"payloads": []}, "inspector")).json() == {"payloads": []}


async def test_the_payloads_of_a_real_case_are_opened(site: Site) -> None:
    number = await site.dispatched()
    config = site.api.values
    stranger = await Client.connect(config["TEMPORAL_ADDRESS"], namespace=config["TEMPORAL_NAMESPACE"])
    history = await stranger.get_workflow_handle(number).fetch_history()
    start = history.events[0].workflow_execution_started_event_attributes.input.payloads
    assert number.encode() not in start[0].data
    opened = (await decode(site, body_of(*start), "supervisor")).json()
    [payload] = ParseDict(opened, Payloads()).payloads
    assert payload.metadata["encoding"] == b"json/plain"
    assert number.encode() in payload.data


async def test_a_callers_own_key_is_not_readable_in_the_engine(site: Site) -> None:
    number = await site.receive()
    await site.take(number, "hurry", "agent", "typed-by-a-caller")
    config = site.api.values
    stranger = await Client.connect(config["TEMPORAL_ADDRESS"], namespace=config["TEMPORAL_NAMESPACE"])
    history = await stranger.get_workflow_handle(number).fetch_history()
    kept = b"".join(event.SerializeToString() for event in history.events)
    assert b"hurry" in kept
    assert b"typed-by-a-caller" not in kept


@pytest.mark.parametrize(
    "payload",
    [
        Payload(metadata={"encoding": b"binary/encrypted", "encryption-key-id": b"elsewhere"}, data=bytes(40)),
        Payload(metadata={"encoding": b"binary/encrypted", "encryption-key-id": b"test"}, data=bytes(40)),
        Payload(metadata={"encoding": b"binary/encrypted"}),
    ],
)
async def test_foreign_or_damaged_payloads_are_refused(site: Site, payload: Payload) -> None:
    answer = await decode(site, body_of(payload), "admin")
    assert problem_of(answer) == (422, "cannot_decode")


async def test_a_key_of_another_installation_is_named(site: Site) -> None:
    [payload] = await Cipher(Keyring({"elsewhere": bytes(range(32))})).encode([PLAIN])
    answer = await decode(site, body_of(payload), "admin")
    assert answer.json()["detail"].startswith("The codec has no key elsewhere;")


@pytest.mark.parametrize(
    "body",
    [
        rb'{"payloads": [{"data": "a"}]}',
        rb'{"payloads": [{"data": "\ud800"}]}',
        rb'{"payloads": [{"metadata": {"\ud800": ""}}]}',
        b'{"payloads": [{"data": 5}]}',
        b'{"payloads": "none"}',
        b"[]",
    ],
)
async def test_what_are_no_payloads_is_refused(site: Site, body: bytes) -> None:
    answer = await site.call(
        "POST", "/codec/decode", "admin", content=body, headers={"Content-Type": "application/json"}
    )
    assert problem_of(answer) == (422, "malformed")


async def test_a_page_of_history_is_taken_and_more_is_not(site: Site) -> None:
    large = body_of(Payload(metadata={"encoding": b"binary/plain"}, data=bytes(3_000_000)))
    assert (await decode(site, large, "admin")).status_code == 200
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    announced = f"POST /codec/decode HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.keys['admin']}\r\n"
    writer.write(f"{announced}Content-Type: application/json\r\nContent-Length: 8000001\r\n\r\n".encode())
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


# --- a browser --------------------------------------------------------------------------------------------------------


async def test_who_signs_in_gets_a_cookie_for_the_codec_and_the_web_ui_alone(site: Site, encrypted: Body) -> None:
    answer = await sign_in(site, site.keys["supervisor"])
    assert (answer.status_code, answer.headers["Location"]) == (303, "/codec/sign-in")
    cookies = answer.headers.get_list("set-cookie")
    assert [re.findall(r"Path=([^;]+)", cookie) for cookie in cookies] == [["/codec"], ["/temporal"]]
    assert all("HttpOnly" in cookie and "SameSite=strict" in cookie for cookie in cookies)
    cookie = cookies[0].partition(";")[0]
    assert (await decode(site, encrypted, Cookie=cookie)).json() == body_of(PLAIN, PLAIN)
    assert (await site.call("GET", "/cases", headers={"Cookie": cookie})).status_code == 401
    page = await site.call("GET", "/codec/sign-in", headers={"Cookie": cookie})
    assert "已登录" in page.text
    assert site.keys["supervisor"] not in page.text


async def test_who_signs_out_leaves_no_key_behind(site: Site) -> None:
    answer = await site.call("POST", "/codec/sign-out")
    assert answer.status_code == 303
    assert ["Max-Age=0" in cookie for cookie in answer.headers.get_list("set-cookie")] == [True, True]


@pytest.mark.parametrize(("by", "status"), [("jk_00_<script>", 401), ("", 401), ("agent", 403), ("zz-water", 403)])
async def test_a_wrong_key_gets_the_page_again_and_no_cookie(site: Site, by: str, status: int) -> None:
    key = site.keys.get(by, by)
    answer = await sign_in(site, key)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    assert "<form" in answer.text
    assert not key or key not in answer.text


async def test_the_sign_in_page_runs_no_script_and_stands_in_no_frame(site: Site) -> None:
    page = await site.call("GET", "/codec/sign-in")
    assert page.status_code == 200
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy


async def test_the_cookie_of_somebody_who_may_not_decode_opens_nothing(site: Site, encrypted: Body) -> None:
    answer = await decode(site, encrypted, Cookie=f"jiesu_key={site.keys['callback']}")
    assert problem_of(answer) == (403, "not_your_post")


# --- pages of other origins -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
async def with_web_ui(site: Site, open_site: OpenSite) -> AsyncIterator[Site]:
    """The same installation, asked by a Web UI of another origin."""
    async with open_site(
        site.api.values["JIESU_DATABASE_URL"], site.api.values | {"JIESU_WEB_ORIGINS": WEB_UI}
    ) as opened:
        yield opened


async def preflight(site: Site, origin: str, path: str = "/codec/decode") -> httpx2.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-namespace",
    }
    return await site.call("OPTIONS", path, headers=asked)


async def test_a_web_ui_that_is_named_may_ask_with_credentials(with_web_ui: Site, encrypted: Body) -> None:
    allowed = await preflight(with_web_ui, WEB_UI)
    assert allowed.status_code == 200
    answer = await decode(with_web_ui, encrypted, "supervisor", Origin=WEB_UI)
    assert answer.status_code == 200
    for said in (allowed, answer):
        assert said.headers["Access-Control-Allow-Origin"] == WEB_UI
        assert said.headers["Access-Control-Allow-Credentials"] == "true"


async def test_other_origins_and_other_paths_are_not_allowed(with_web_ui: Site, site: Site) -> None:
    for asked, origin, path in (
        (with_web_ui, "https://elsewhere.example", "/codec/decode"),
        (with_web_ui, WEB_UI, "/cases"),
        (with_web_ui, WEB_UI, "/codec/sign-in"),
        (site, WEB_UI, "/codec/decode"),
    ):
        answer = await preflight(asked, origin, path)
        assert answer.status_code >= 400
        assert "Access-Control-Allow-Origin" not in answer.headers

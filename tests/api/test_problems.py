"""Every error is a problem, and no input is answered with an error of ours."""

import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.examples import STEP_EXAMPLES
from api.guard import USUAL, guard_access_log
from domain.roles import MAY
from domain.steps import PEOPLE_STEPS
from settings import Settings
from tests.api.conftest import Site

NASTY_TEXT = (
    "'; DROP TABLE cases; -- <script>alert(1)</script> {{7*7}} %s %n ${jndi:ldap://x} ../../etc/passwd \r\nX-Evil: 1 "
    "👩‍👩‍👧‍👦🚰 \u202eآب قطع است\u202c \ufeff\u200b e\u0301 \x7f\x1b[31m \\u0000 %00 \U0010ffff \u2028"
)
NASTY_BODIES: list[bytes] = [
    b"",
    b"null",
    b"true",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"[[[[[[[[1]]]]]]]]",
    b"{",
    b'{"text": ',
    b'{"text": "\xff\xfe"}',
    b'{"text": "\\ud800"}',
    b'{"\\ud800": 1}',
    b'{"text": {"text": {"text": []}}}',
    b'{"text": "a", "text": "b", "lead": 1}',
    b'{"text": 1e999, "rating": 99999999999999999999999999999999, "until": "0000-00-00", "limit": "99999999wd"}',
    b'{"text": "a", "until": 1e300, "rating": 1e300, "reached": 2, "granted": "maybe", "accepted": []}',
    b'{"n": ' + b"9" * 5000 + b"}",
    b'{"a": ' * 3000 + b"1" + b"}" * 3000,
    b"[" * 50_000,
    b"\x00",
    b"text=a&lead=b",
    b"<xml/>",
    b"\xef\xbb\xbf{}",
]
NASTY_VALUES = [
    "", " ", "%00", "'%20OR%201=1--", "%ff%fe", "%F0%9F%9A%B0", "9" * 400, "-1", "1e400", "NaN", "null", "%E2%80%AE",
    "x" * 3000, "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00",
]  # fmt: skip
PARAMETERS = [
    (path, parameter["name"])
    for path, operations in create_app().openapi()["paths"].items()
    for parameter in operations.get("get", {}).get("parameters", [])
    if parameter["in"] == "query" and not path.startswith("/open311/")
]
POSTS = ["receive", *PEOPLE_STEPS]


def assert_tidy(answer: httpx2.Response, *allowed: int) -> None:
    """The answer is no error of ours, and any refusal is a whole problem."""
    assert answer.status_code < 500, answer.text
    assert not allowed or answer.status_code in allowed, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Evil" not in answer.headers
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {"type", "title", "status", "code", "detail", "detail_zh"} <= problem.keys()
        assert problem["status"] == answer.status_code
        assert problem["type"] == f"urn:jiesu:problem:{problem['code']}"


def one_who_may(step: str) -> str:
    role = sorted(MAY[step])[0]
    return "zz-water" if role == "unit" else role.value


async def post(site: Site, number: str, step: str, content: bytes, media_type: str) -> httpx2.Response:
    path = "/cases" if step == "receive" else f"/cases/{number}/{step}"
    headers = {"Content-Type": media_type}
    if step == "rate":
        headers["Case-Code"] = await site.code(number)
    return await site.call("POST", path, one_who_may(step), content=content, headers=headers)


@pytest.mark.parametrize("step", POSTS)
async def test_no_nasty_body_breaks_a_route(site: Site, step: str) -> None:
    number = await site.dispatched()
    for body in NASTY_BODIES:
        assert_tidy(await post(site, number, step, body, "application/json"), 200, 400, 409, 422)
    for media_type in (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "",
        "x",
        "application/x+json",
    ):
        assert_tidy(await post(site, number, step, b'{"text": "a"}', media_type))


@pytest.mark.parametrize("step", POSTS)
async def test_nasty_text_is_kept_as_it_is_or_refused(site: Site, step: str) -> None:
    number = await site.dispatched()
    body: dict[str, Any] = {"text": NASTY_TEXT, **STEP_EXAMPLES.get(step, {})} | {"text": NASTY_TEXT}
    answer = await post(site, number, step, json.dumps(body).encode(), "application/json")
    assert_tidy(answer, 200, 201, 409, 422)
    # A sign-in says nothing: its optional text has no event to belong to.
    if answer.status_code == 200 and step != "sign-in":
        timeline = await site.get(f"/cases/{number}/timeline")
        assert NASTY_TEXT.strip() in [event["text"] for event in timeline["events"]]


async def test_a_nasty_request_is_kept_as_it_is(each_site: Site) -> None:
    number = await each_site.receive(text=NASTY_TEXT, name=NASTY_TEXT[:150], address=NASTY_TEXT[:150], title="<b>")
    view = await each_site.get(f"/cases/{number}")
    assert (view["text"], view["title"]) == (NASTY_TEXT.strip(), "<b>")
    assert [line["number"] for line in (await each_site.get("/cases", q="DROP TABLE", limit=1))["items"]] == [number]


@pytest.mark.parametrize(("path", "name"), PARAMETERS)
async def test_no_nasty_parameter_breaks_a_route(postgres_site: Site, path: str, name: str) -> None:
    needed = {"/deadline": "&start=2026-09-24T10:00&limit=3wd", "/catalog/suggestions": "&text=a"}.get(path, "")
    calls = [postgres_site.call("GET", f"{path}?{name}={value}{needed}", "inspector") for value in NASTY_VALUES]
    # PostgreSQL is the stricter of the two: it refuses what SQLite keeps.
    for answer in await asyncio.gather(*calls):
        assert_tidy(answer, 200, 422)


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/cases/", "//cases", "/cases/ZZ-20261121-00001/", "/cases/ZZ-20261121-00001/explode", "/%00",
     "/cases/%2e%2e/%2e%2e", "/%0d%0aX-Evil:1", "/cases/ZZ-20261121-00001/change-calendar", "/" + "x" * 5000],
)  # fmt: skip
async def test_an_unknown_address_is_a_problem(site: Site, path: str) -> None:
    for method in ("GET", "POST"):
        answer = await site.call(method, path, "admin")
        assert_tidy(answer, 404)
        assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/cases"), ("PUT", "/cases/ZZ-20261121-00001"), ("PATCH", "/units")]
)
async def test_an_unknown_method_is_a_problem(site: Site, method: str, path: str) -> None:
    answer = await site.call(method, path, "admin")
    assert_tidy(answer, 405)
    assert answer.headers["Allow"]


async def test_a_body_too_large_is_refused_unread(site: Site) -> None:
    body = json.dumps({"text": "x" * USUAL.size}).encode()
    answer = await site.call("POST", "/cases", "agent", content=body, headers={"Content-Type": "application/json"})
    assert_tidy(answer, 413)


async def test_the_longest_text_is_accepted_however_it_is_written(site: Site) -> None:
    body = json.dumps({"text": "🚰" * 4000, "name": "王" * 200, "address": "路" * 200}, ensure_ascii=True).encode()
    assert len(body) < USUAL.size
    answer = await site.call("POST", "/cases", "agent", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201


async def test_an_unforeseen_error_is_a_problem_and_its_words_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    app: FastAPI = create_app()
    app.state.service = SimpleNamespace(settings=Settings())
    said = "王女士 13812345678"

    @app.get("/broken")
    async def broken() -> None:
        raise KeyError(said)

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://jiesu") as client:
        answer = await client.get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "unforeseen KeyError on GET /broken" in caplog.text
    assert "in broken" in caplog.text
    assert "13812345678" not in caplog.text


def test_the_access_log_leaves_out_what_was_searched_for(caplog: pytest.LogCaptureFixture) -> None:
    guard_access_log()
    guard_access_log()
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        args = ("127.0.0.1:1", "GET", "/cases?phone=13812345678", "1.1", 200)
        logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *args)
    assert caplog.messages == ['127.0.0.1:1 - "GET /cases HTTP/1.1" 200']

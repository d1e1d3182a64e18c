"""What every answer carries, and that the documentation needs no other host."""

import asyncio
import re

import httpx2
import pytest

from api.app import create_app
from api.guard import DISCARDED, HEADERS, Limit
from tests.api.conftest import Site

DOCUMENT = create_app().openapi()
ROUTES = [(method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations]
PAGES = ("/docs", "/redoc")
ELSEWHERE = re.compile(r"""(src|href)=["'](https?:)?//""")


def assert_guarded(answer: httpx2.Response, **own: str) -> None:
    expected = HEADERS | own
    assert {name: answer.headers[name] for name in expected} == expected
    assert "Server" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_answers_with_the_same_headers(site: Site, method: str, path: str) -> None:
    address = path.replace("{number}", "ZZ-20000101-00001").replace("{sha256}", "0" * 64)
    for by in ("admin", None):
        assert_guarded(await site.call(method, address, by))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/cases", 405), ("GET", "/openapi.json", 200), ("OPTIONS", "/cases", 405)],
)
async def test_refusals_outside_of_routes_have_them_too(site: Site, method: str, path: str, status: int) -> None:
    answer = await site.call(method, path)
    assert answer.status_code == status
    assert_guarded(answer)


async def test_a_refused_method_is_told_those_of_the_whole_address(site: Site) -> None:
    allow = {path: (await site.call("DELETE", path)).headers["Allow"] for path in ("/cases", "/units", "/docs")}
    assert allow == {"/cases": "GET, POST", "/units": "GET", "/docs": "GET"}


async def test_an_answer_by_https_says_to_stay_there(site: Site) -> None:
    answer = await site.call("GET", "/health", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize("path", PAGES)
async def test_the_documentation_loads_its_own_scripts_and_nothing_from_elsewhere(site: Site, path: str) -> None:
    page = await site.call("GET", path)
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert page.status_code == 200
    assert not ELSEWHERE.search(page.text)
    assert "unsafe" not in policy["script-src"]
    assert "http" not in page.headers["Content-Security-Policy"]
    for asset in re.findall(r'(?:src|href)="(docs/assets/[^"]+)"', page.text):
        answer = await site.call("GET", f"/{asset}")
        assert answer.status_code == 200
        assert_guarded(answer)


@pytest.mark.parametrize("name", ["nothing.js", "%2e%2e%2fcore.py", "..%2f..%2fcore.py", "%00", "x" * 300, ""])
async def test_nothing_but_the_documentation_is_served_as_a_file(site: Site, name: str) -> None:
    answer = await site.call("GET", f"/docs/assets/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def begun(site: Site, length: int) -> bytes:
    """What a client is told that announces a body of `length` bytes and sends a few, until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    headers = {
        "Host": "jiesu",
        "Authorization": f"Bearer {site.keys['agent']}",
        "Content-Type": "application/json",
        "Content-Length": str(length),
    }
    lines = ["POST /cases HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", '{"text":']
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(15):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_body_announced_as_far_too_large_is_refused_unread(site: Site) -> None:
    answer = await begun(site, DISCARDED + 1)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"request_entity_too_large"' in answer


async def test_who_sends_all_of_a_body_that_is_too_large_before_reading_learns_so_and_may_go_on(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    head = f"POST /cases HTTP/1.1\r\nHost: jiesu\r\nAuthorization: Bearer {site.keys['agent']}\r\n"
    for _ in range(2):
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 8000000\r\n\r\n".encode())
        async with asyncio.timeout(15):
            for _ in range(80):
                writer.write(b" " * 100_000)
                await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer)
            assert length is not None
            await reader.readexactly(int(length[1]))
        assert answer.startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_does_not_come_in_time_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.guard.USUAL", Limit(seconds=0.2))
    answer = await begun(site, 50)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer

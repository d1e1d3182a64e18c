"""Whatever refuses a request, the app is told in its own format; and an api_key counts, and is kept, as any key."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.guard import USUAL, Limit
from settings import Settings
from tests.api.conftest import Api, OpenSite, Site
from tests.api.open311.geo_report import App, content, described, form
from tests.ports import free_ports

Limited = Callable[..., AbstractAsyncContextManager[Site]]


def fault(answer: httpx2.Response, status: int, suffix: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "WWW-Authenticate" not in answer.headers
    return described(content(answer, "errors", suffix), status)


@pytest.mark.parametrize("path", ["/", "/v2", "/v2/nothing", "/v3/services", "/v2/services/a/b", "/v2/services.yaml"])
async def test_what_is_not_there_is_404_in_the_format_asked_for(site: Site, path: str, suffix: str) -> None:
    assert fault(await site.call("GET", f"/open311{path}{suffix}"), 404, suffix)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
async def test_another_method_is_405_with_those_there_are(site: Site, suffix: str, method: str) -> None:
    answer = await site.call(method, f"/open311/v2/services{suffix}")
    assert fault(answer, 405, suffix)
    assert answer.headers["Allow"] == "GET"


async def test_head_is_get_without_its_body(site: Site, suffix: str) -> None:
    for path, status in (("services", 200), ("services/nothing", 404)):
        got, head = [await site.call(method, f"/open311/v2/{path}{suffix}") for method in ("GET", "HEAD")]
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
        assert head.headers["Content-Length"] == str(len(got.content))


@pytest.mark.parametrize("path", ["discovery", "v2/services", "v2/requests", "v2/nothing"])
async def test_any_page_may_ask(site: Site, suffix: str, path: str) -> None:
    origin = {"Origin": "https://app.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    preflight = await site.call("OPTIONS", f"/open311/{path}{suffix}", headers=origin | asked)
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    answer = await site.call("GET", f"/open311/{path}{suffix}", headers=origin)
    for told in (preflight.headers, answer.headers):
        assert told["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in told


async def test_no_page_of_others_may_ask_for_more(site: Site) -> None:
    answer = await site.call("GET", "/cases", "agent", headers={"Origin": "https://app.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_body_that_is_too_large_is_413(site: Site, suffix: str) -> None:
    app = App(site, site.keys["integration"], suffix)
    answer = await app.post(form(description="x" * USUAL.size))
    assert fault(answer, 413, suffix)


async def test_a_body_that_does_not_come_in_time_is_408(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.guard.USUAL", Limit(seconds=0.2))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    lines = [
        "POST /open311/v2/requests.json HTTP/1.1",
        "Host: jiesu",
        f"Authorization: Bearer {site.keys['integration']}",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 50",
        "",
        "service_",
    ]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(15):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'[{"code":408,"description":"' in answer


async def test_an_error_nobody_foresaw_is_500_without_its_words(suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    app: FastAPI = create_app()
    app.state.service = SimpleNamespace(settings=Settings())
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://jiesu") as client:
        answer = await client.get(f"/open311/v2/services{suffix}?api_key=jk_secret")
    assert "logged" in fault(answer, 500, suffix)
    assert "jk_secret" not in caplog.text
    assert f"unforeseen AttributeError on GET /open311/v2/services{suffix}" in caplog.text


async def test_a_ledger_that_does_not_answer_is_503_and_when_to_come_again(
    site: Site, engine: str, suffix: str
) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none"
    api = Api({"JIESU_DATABASE_URL": url, "TEMPORAL_ADDRESS": engine})
    api.start()
    try:
        cut_off = Site(api, site.ledger, site.keys, site.http)
        answer = await cut_off.call("GET", f"/open311/v2/requests{suffix}")
        filed = await App(cut_off, site.keys["integration"], suffix).post(form())
    finally:
        api.stop()
    assert fault(answer, 503, suffix)
    assert answer.headers["Retry-After"] == "5"
    assert filed.headers["Idempotency-Key"] in fault(filed, 503, suffix)


@pytest.fixture
def limited(open_site: OpenSite, new_sqlite: Callable[[], str]) -> Limited:
    """Opens a site that allows so many requests an hour, and so many without a valid credential."""

    def open(rate: int = 1000, refused: int = 1000) -> AbstractAsyncContextManager[Site]:
        values = {"JIESU_RATE_LIMIT": f"{rate}/hour", "JIESU_REFUSED_LIMIT": f"{refused}/hour"}
        opened: AbstractAsyncContextManager[Site] = open_site(
            new_sqlite(), {"TEMPORAL_ADDRESS": "127.0.0.1:9", **values}
        )
        return opened

    return open


async def test_an_api_key_has_a_share_of_its_own_however_it_comes(limited: Limited, suffix: str) -> None:
    async with limited(rate=3) as site:
        key = site.keys["integration"]
        app = App(site, key, suffix)
        await app.get("services", "services")
        await app.file()
        assert (await site.call("GET", f"/open311/v2/services{suffix}", key)).status_code == 200
        assert (await site.call("GET", "/cases", key)).status_code == 429
        for answer in (await app.post(form()), await site.call("GET", f"/open311/v2/services{suffix}?api_key={key}")):
            assert fault(answer, 429, suffix)
            assert 0 < int(answer.headers["Retry-After"]) <= 3600
        await App(site, site.keys["agent"], suffix).get("services", "services")


async def test_keys_cannot_be_tried_out_at_speed(limited: Limited) -> None:
    async with limited(refused=3) as site:
        for n in range(3):
            assert await App(site, f"jk_00000000_{n}", ".json").refused_to_file(403)
        assert await App(site, "jk_00000000_x", ".json").refused_to_file(429)

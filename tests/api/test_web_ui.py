"""The real Temporal Web UI behind our sign-in: read by those who may, changed by nobody."""

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from temporal import embedded
from tests.api.conftest import OpenSite, Site
from tests.ports import free_ports
from tests.workflows.hotline import eventually

TERMINATE = "/temporal/api/v1/namespaces/default/workflows/ZZ-20261121-00001/terminate"
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="session")
async def shown(
    tmp_path_factory: pytest.TempPathFactory, open_site: OpenSite, new_sqlite: Callable[[], str]
) -> AsyncIterator[Site]:
    """An installation whose API serves the Web UI of an embedded engine."""
    home: Path = tmp_path_factory.mktemp("engine")
    port, ui_port = free_ports(2)
    with embedded.hold(home) as hold:
        command = embedded.command(home, "127.0.0.1", port, ui_port)
        engine = subprocess.Popen(command, pass_fds=[hold.fd], stdout=subprocess.DEVNULL)  # noqa: ASYNC220 (lasts)
        try:
            await eventually(lambda: embedded.ready(f"127.0.0.1:{port}"))
            await eventually(lambda: _answers(f"http://127.0.0.1:{ui_port}/temporal/api/v1/namespaces"))
            values = {"TEMPORAL_ADDRESS": f"127.0.0.1:{port}", "JIESU_WEB_UI": f"http://127.0.0.1:{ui_port}"}
            async with open_site(new_sqlite(), values) as opened:
                yield opened
        finally:
            engine.kill()
            engine.wait()


async def _answers(url: str) -> bool:
    """Whether the Web UI has found the engine, which it looks for again after a while when it comes first."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        with suppress(httpx2.TransportError):
            return (await client.get(url)).status_code == 200
    return False


async def ask(
    site: Site, path: str, by: str | None = "supervisor", method: str = "GET", **more: str
) -> httpx2.Response:
    cookie = {"Cookie": f"jiesu_key={site.keys[by]}"} if by else {}
    return await site.call(method, path, headers=cookie | more)


async def test_whoever_has_not_signed_in_is_sent_to_the_sign_in_page(shown: Site) -> None:
    for by in (None, "agent", "zz-water"):
        for path in ("/temporal", "/temporal/namespaces/default/workflows"):
            answer = await ask(shown, path, by, **PAGE)
            assert (answer.status_code, answer.headers["Location"]) == (303, "/codec/sign-in")


async def test_its_data_are_refused_to_others(shown: Site) -> None:
    for by, status in ((None, 401), ("agent", 403)):
        answer = await ask(shown, "/temporal/api/v1/namespaces", by)
        assert answer.status_code == status
        assert "default" not in answer.text


async def test_a_key_that_is_sent_as_bearer_opens_no_page(shown: Site) -> None:
    assert (await shown.call("GET", "/temporal/api/v1/namespaces", "supervisor")).status_code == 401


async def test_who_signs_in_comes_to_the_web_ui_which_asks_our_codec_server(shown: Site) -> None:
    answer = await shown.call("POST", "/codec/sign-in", data={"key": shown.keys["inspector"]})
    assert answer.headers["Location"] == "/temporal/"
    page = await ask(shown, "/temporal/", **PAGE)
    assert page.status_code == 200
    assert 'base: "/temporal"' in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert (await ask(shown, "/temporal/api/v1/settings")).json()["Codec"]["Endpoint"] == "/codec"
    assert "default" in (await ask(shown, "/temporal/api/v1/namespaces")).text


async def test_its_program_is_fetched_once(shown: Site) -> None:
    page = (await ask(shown, "/temporal/", **PAGE)).text
    program = page.partition('<link href="')[2].partition('"')[0]
    answer = await ask(shown, program)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


async def test_nothing_is_changed_there(shown: Site) -> None:
    for path in (TERMINATE, TERMINATE.replace("ZZ-20261121-00001", "%2Fquery%2Fx")):
        answer = await ask(shown, path, method="POST")
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only"), path


async def test_details_are_rendered_and_run_nothing(shown: Site) -> None:
    content = "## 办理中\n\n| 时限 |\n|---|\n| 3wd |\n\n<script>alert(1)</script> [x](javascript:alert(1))"
    answer = await shown.call(
        "GET", "/temporal/render", params={"content": content},
        headers={"Cookie": f"jiesu_key={shown.keys['supervisor']}"},
    )  # fmt: skip
    assert "<h2>办理中</h2>" in answer.text
    assert "<td>3wd</td>" in answer.text
    assert "<script" not in answer.text
    assert 'href="javascript' not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_a_web_ui_that_does_not_answer_is_told(shown: Site, open_site: OpenSite) -> None:
    values = shown.api.values | {"JIESU_WEB_UI": f"http://127.0.0.1:{free_ports(1)[0]}"}
    async with open_site(values["JIESU_DATABASE_URL"], values) as other:
        answer = await ask(other, "/temporal/")
        assert (answer.status_code, answer.json()["code"]) == (503, "try_again")


async def test_without_a_web_ui_there_is_nothing_there(site: Site) -> None:
    assert (await ask(site, "/temporal/")).status_code == 404


@pytest.mark.parametrize("header", ["Accept", "If-None-Match", "X-Csrf-Token", "Cookie"])
async def test_a_header_that_is_not_plain_is_not_passed_on(shown: Site, header: str) -> None:
    cookie = f"jiesu_key={shown.keys['supervisor']}"
    headers: dict[str, Any] = {"Cookie": cookie, header: "é".encode("latin-1")}
    if header == "Cookie":
        headers["Cookie"] = f'{cookie}; _csrf="a\\015\\012b"'
    answer = await shown.call("GET", "/temporal/api/v1/namespaces", headers=headers)
    assert answer.status_code == 200

"""A unit's clerk presses a button: the unit's system calls Jiesu."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from standardwebhooks.webhooks import Webhook

from sandbox.secrets import new_secret, variable_of
from sandbox.serve import Service
from tests.ports import free_ports

Url = Callable[[str], str]
Seen = list[dict[str, Any]]


@pytest.fixture
async def jiesu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Seen]:
    """A stand-in for Jiesu's API; gives the requests it saw."""
    app = FastAPI()
    seen: Seen = []

    @app.post("/cases/{case}/{step}")
    async def take(case: str, step: str, request: Request) -> JSONResponse:
        headers = {name: request.headers[name] for name in ("authorization", "idempotency-key")}
        seen.append({"case": case, "step": step, "body": await request.json(), **headers})
        status = 409 if step == "extension" else 201 if len(seen) == 1 else 200
        return JSONResponse({"code": step, "number": len(seen)}, status)

    @app.post("/webhooks/units/{unit}")
    async def hear(unit: str, request: Request) -> JSONResponse:
        seen.append({"content": await request.body(), "headers": dict(request.headers)})
        return JSONResponse({"code": unit}, 201)

    port = free_ports(1)[0]
    keys = tmp_path / "keys.json"
    monkeypatch.setenv("JIESU_API_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("JIESU_SANDBOX_KEYS", str(keys))
    keys.write_text(json.dumps({"zz-water": "secret"}), encoding="utf-8")
    service = Service(app, "127.0.0.1", port)
    await service.open()
    yield seen
    await service.close()


async def test_step_is_passed_on(url: Url, http: httpx2.AsyncClient, jiesu: Seen) -> None:
    path = url("water") + "/orders/ZZ-1/steps/sign-in?unit=zz-water"
    answer = await http.post(path, json={"note": "收到"}, headers={"Idempotency-Key": "press-1"})
    assert (answer.status_code, answer.json()) == (201, {"code": "sign-in", "number": 1})
    request = {"case": "ZZ-1", "step": "sign-in", "body": {"note": "收到"}}
    assert jiesu == [{**request, "authorization": "Bearer secret", "idempotency-key": "press-1"}]


async def test_refusal_comes_back_unchanged(url: Url, http: httpx2.AsyncClient, jiesu: Seen) -> None:
    answer = await http.post(url("water") + "/orders/ZZ-1/steps/extension?unit=zz-water")
    assert (answer.status_code, answer.json()["code"]) == (409, "extension")
    assert jiesu[0]["body"] == {}
    assert jiesu[0]["idempotency-key"]


async def test_duplicate_sends_the_same_call_twice(url: Url, http: httpx2.AsyncClient, jiesu: Seen) -> None:
    await http.put(url("control") + "/faults/water", json={"kind": "duplicate", "times": 1})
    for _ in range(2):
        answer = await http.post(url("water") + "/orders/ZZ-1/steps/sign-in?unit=zz-water", json={})
    assert answer.status_code == 200
    assert len(jiesu) == 3
    assert jiesu[0]["idempotency-key"] == jiesu[1]["idempotency-key"] != jiesu[2]["idempotency-key"]
    calls = (await http.get(url("water") + "/calls")).json()
    assert [call["statuses"] for call in calls] == [[201, 200], [200]]
    assert (await http.get(url("gas") + "/calls")).json() == []


async def test_a_step_may_be_reported_by_signed_webhook(
    url: Url, http: httpx2.AsyncClient, jiesu: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIESU_SECRET_WATER", secret := new_secret())
    path = url("water") + "/orders/ZZ-1/steps/submit-result?unit=zz-water&via=webhook"
    answer = await http.post(path, json={"text": "已修复"}, headers={"Idempotency-Key": "press-2"})
    assert (answer.status_code, answer.json()["code"]) == (201, "zz-water")
    message = Webhook(secret).verify(jiesu[0]["content"], jiesu[0]["headers"])
    assert (message["type"], message["data"]) == ("order.result", {"case": "ZZ-1", "text": "已修复"})
    assert jiesu[0]["headers"]["webhook-id"] == "press-2"
    assert (await http.get(url("water") + "/calls")).json()[-1]["via"] == "webhook"


async def test_no_key_or_no_jiesu_is_a_problem(
    url: Url, http: httpx2.AsyncClient, jiesu: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless = await http.post(url("water") + "/orders/ZZ-1/steps/sign-in?unit=zz-gas", json={})
    assert (keyless.status_code, keyless.headers["content-type"]) == (503, "application/problem+json")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("JIESU_API_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        call = asyncio.create_task(http.post(url("water") + "/orders/ZZ-1/steps/sign-in?unit=zz-water", json={}))
        listener.setblocking(False)
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        connection.close()
        assert (await call).status_code == 502
    unreachable = await http.post(url("water") + "/orders/ZZ-1/steps/sign-in?unit=zz-water", json={})
    assert (unreachable.status_code, unreachable.json()["code"]) == (503, "jiesu-unreachable")
    assert jiesu == []


async def test_a_partners_clerk_is_told_to_press_again_while_jiesu_is_away(
    url: Url, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIESU_API_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setenv(variable_of("110"), new_secret())
    press = url("office") + "/partners/110/transfers/ZZ-1/steps/refuse-transfer"
    assert (await http.post(press, json={"text": "不属警务警情。"})).status_code == 502

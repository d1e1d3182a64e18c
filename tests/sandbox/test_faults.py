"""Every fault, as a caller meets it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Url = Callable[[str], str]

TEXT = {"phone": "13800000000", "text": "您的诉求已受理"}


async def switch(http: httpx2.AsyncClient, url: Url, party: str, **fault: Any) -> dict[str, Any]:
    answer = await http.put(f"{url('control')}/faults/{party}", json=fault)
    assert answer.status_code == 200, answer.text
    faults: dict[str, Any] = answer.json()
    return faults


async def text(http: httpx2.AsyncClient, url: Url, key: str) -> httpx2.Response:
    return await http.post(url("sms") + "/messages", json=TEXT, headers={"Idempotency-Key": key})


async def test_error_for_a_number_of_times(url: Url, http: httpx2.AsyncClient) -> None:
    faults = await switch(http, url, "sms", kind="error", times=2)
    assert faults["sms"] == {"kind": "error", "seconds": 3.0, "times": 2}
    assert faults["water"]["kind"] == "none"
    assert [(await text(http, url, "k")).status_code for _ in range(4)] == [500, 500, 202, 200]
    assert (await http.get(url("control") + "/faults")).json()["sms"]["kind"] == "none"


async def test_error_stays_until_switched_back(url: Url, http: httpx2.AsyncClient) -> None:
    await switch(http, url, "sms", kind="error")
    assert {(await text(http, url, "k")).status_code for _ in range(3)} == {500}
    assert (await http.get(url("sms") + "/messages")).json() == []
    await switch(http, url, "sms", kind="none")
    assert (await text(http, url, "k")).status_code == 202


async def test_slow_answers_late(url: Url, http: httpx2.AsyncClient) -> None:
    await switch(http, url, "sms", kind="slow", seconds=0.3, times=1)
    started = time.monotonic()
    assert (await text(http, url, "k")).status_code == 202
    assert time.monotonic() - started >= 0.3


async def test_who_gives_up_on_a_slow_party_may_repeat(url: Url, http: httpx2.AsyncClient) -> None:
    await switch(http, url, "sms", kind="slow", seconds=30, times=1)
    with pytest.raises(httpx2.ReadTimeout):
        await http.post(url("sms") + "/messages", json=TEXT, headers={"Idempotency-Key": "k"}, timeout=0.2)
    assert (await text(http, url, "k")).status_code == 200
    assert [entry["attempts"] for entry in (await http.get(url("sms") + "/messages")).json()] == [2]


async def test_down_refuses_connections_and_comes_back(url: Url, http: httpx2.AsyncClient) -> None:
    assert (await text(http, url, "before")).status_code == 202
    await switch(http, url, "sms", kind="down")
    for _ in range(2):
        with pytest.raises(httpx2.ConnectError):
            await text(http, url, "k")
    await switch(http, url, "sms", kind="down")
    await switch(http, url, "sms", kind="none")
    assert (await text(http, url, "k")).status_code == 202
    assert len((await http.get(url("sms") + "/messages")).json()) == 2


async def test_switching_at_once_ends_in_one_state(url: Url, http: httpx2.AsyncClient) -> None:
    await asyncio.gather(*(switch(http, url, "grid", kind=kind) for kind in ["down", "none"] * 3))
    await switch(http, url, "grid", kind="none")
    assert (await http.get(url("grid") + "/health")).status_code == 200


@pytest.mark.parametrize(
    ("party", "path", "content", "created"),
    [
        ("sms", "/messages", TEXT, 202),
        ("grid", "/notices", {"case": "ZZ-1", "grid": "g", "kind": "outage", "text": "停水"}, 201),
    ],
)
async def test_duplicate_still_yields_one_entry(
    url: Url, http: httpx2.AsyncClient, party: str, path: str, content: dict[str, Any], created: int
) -> None:
    await switch(http, url, party, kind="duplicate", times=1)
    answer = await http.post(url(party) + path, json=content, headers={"Idempotency-Key": "k"})
    assert answer.status_code == created
    assert [entry["attempts"] for entry in (await http.get(url(party) + path)).json()] == [2]


async def test_unknown_faults_are_refused(url: Url, http: httpx2.AsyncClient) -> None:
    nobody = await http.put(url("control") + "/faults/mayor", json={"kind": "error"})
    assert nobody.status_code == 404
    assert "no party 'mayor'" in nobody.json()["detail"]
    odd = await http.put(url("control") + "/faults/sms", json={"kind": "asleep"})
    assert odd.status_code == 422
    counted = await http.put(url("control") + "/faults/sms", json={"kind": "down", "times": 1})
    assert counted.status_code == 422
    assert "leave `times` out" in counted.text

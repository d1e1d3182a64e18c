"""What each party of the sandbox city answers over real HTTP."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from sandbox.faults import PARTIES
from sandbox.inbox import Inbox
from sandbox.secrets import new_secret, variable_of
from sandbox.serve import UNITS
from settings import read_webhook, sign

Url = Callable[[str], str]

ORDER = {
    "case": "ZZ-20261121-00001",
    "kind": "dispatch",
    "notice": None,
    "role": "lead",
    "unit": "zz-water",
    "category": "help",
    "item": "water-outage",
    "due": "2026-11-23T16:00:00+00:00",
    "title": "停水",
    "text": "家里停水了",
    "address": "金水区",
    "contact": {"name": "王女士", "phone": "13800000000"},
}
NOTICE = {"case": "ZZ-20261121-00001", "grid": "jinshui-1-1", "kind": "outage", "text": "停水，请上门查看"}
TEXT = {"phone": "13800000000", "text": "您的诉求已受理"}


@pytest.mark.parametrize(
    ("party", "path", "content", "created"),
    [
        ("grid", "/notices", NOTICE, 201),
        ("sms", "/messages", TEXT, 202),
    ],
)
async def test_same_key_is_one_entry(
    url: Url, http: httpx2.AsyncClient, party: str, path: str, content: dict[str, Any], created: int
) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await http.post(url(party) + path, json=content, headers=key)
    again = await http.post(url(party) + path, json=content, headers=key)
    other = await http.post(url(party) + path, json=content, headers={"Idempotency-Key": "k2"})
    assert (first.status_code, again.status_code, other.status_code) == (created, 200, created)
    assert first.content == again.content != other.content
    entries = (await http.get(url(party) + path)).json()
    assert [(entry["key"], entry["attempts"]) for entry in entries] == [("k1", 2), ("k2", 1)]


async def order(http: httpx2.AsyncClient, address: str, party: str, content: object, key: str = "k") -> httpx2.Response:
    """Send a signed order."""
    secret, body, at = read_webhook(variable_of(party)), json.dumps(content), datetime.now(UTC)
    assert secret is not None
    headers = {"Idempotency-Key": key, **sign(secret, key, body, at)}
    return await http.post(f"{address}/orders", content=body, headers=headers)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit shares a secret with us."""
    for party in UNITS:
        monkeypatch.setenv(variable_of(party), new_secret())


@pytest.mark.parametrize("party", ["water", "office"])
async def test_same_key_is_one_order(url: Url, http: httpx2.AsyncClient, party: str) -> None:
    first, again, other = [await order(http, url(party), party, ORDER, key) for key in ("k1", "k1", "k2")]
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 201)
    assert first.content == again.content != other.content
    entries = (await http.get(f"{url(party)}/orders")).json()
    assert [(entry["key"], entry["attempts"]) for entry in entries] == [("k1", 2), ("k2", 1)]


async def test_an_order_not_signed_by_us_is_refused(
    url: Url, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsigned = await http.post(f"{url('water')}/orders", json=ORDER, headers={"Idempotency-Key": "k"})
    assert unsigned.status_code == 401
    assert (await order(http, url("water"), "gas", ORDER)).status_code == 401
    monkeypatch.delenv(variable_of("gas"))
    monkeypatch.setenv(variable_of("heat"), new_secret())
    assert (await order(http, url("gas"), "heat", ORDER)).status_code == 401
    assert (await http.get(f"{url('water')}/orders")).json() == []


async def test_answers_are_as_agreed(url: Url, http: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    receipt = (await order(http, url("gas"), "gas", ORDER)).json()
    assert receipt.keys() == {"reference", "received"}
    assert receipt["received"] is True
    text = (await http.post(url("sms") + "/messages", json=TEXT, headers=key)).json()
    assert text.keys() == {"id", "status"}
    assert text["status"] == "accepted"


async def test_texts_are_listed_by_phone(url: Url, http: httpx2.AsyncClient) -> None:
    for number, phone in enumerate(["1", "2", "1"]):
        key = {"Idempotency-Key": f"k{number}"}
        await http.post(url("sms") + "/messages", json={"phone": phone, "text": f"t{number}"}, headers=key)
    texts = (await http.get(url("sms") + "/messages", params={"phone": "1"})).json()
    assert [entry["text"] for entry in texts] == ["t0", "t2"]


async def test_malformed_is_refused(url: Url, http: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    broken = await http.post(
        url("water") + "/orders", content=b"{", headers={**key, "Content-Type": "application/json"}
    )
    assert broken.status_code == 422
    unknown = await order(http, url("water"), "water", {**ORDER, "kind": "gift"})
    assert unknown.status_code == 422
    keyless = await http.post(url("water") + "/orders", json=ORDER)
    assert keyless.status_code == 422


async def test_everyone_is_healthy(url: Url, http: httpx2.AsyncClient) -> None:
    for name in ("control", *PARTIES):
        assert (await http.get(url(name) + "/health")).json() == {"status": "ok", "party": name}


def test_inbox_forgets_the_oldest() -> None:
    inbox = Inbox(limit=2)
    for key in ("a", "b", "c"):
        inbox.receive(key, {})
    assert [entry["key"] for entry in inbox.entries()] == ["b", "c"]

"""What each party of the sandbox city answers over real HTTP."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from sandbox.faults import PARTIES
from sandbox.inbox import Inbox

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
        ("water", "/orders", ORDER, 201),
        ("office", "/orders", ORDER, 201),
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


async def test_answers_are_as_agreed(url: Url, http: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "k"}
    order = (await http.post(url("gas") + "/orders", json=ORDER, headers=key)).json()
    assert order.keys() == {"reference", "received"}
    assert order["received"] is True
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
    unknown = await http.post(url("water") + "/orders", json={**ORDER, "kind": "gift"}, headers=key)
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

"""A unit's own order system: what it says to us by signed webhooks, and what becomes of that."""

import json
import os
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
from standardwebhooks.webhooks import Webhook

from sandbox.secrets import variable_of
from tests.api.conftest import Site

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


async def assert_refused(site: Site, answer: httpx2.Response, status: int, code: str, source: str, was: int) -> None:
    """Refused with a problem, counted once more, and kept."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await counted(site, source)).get(code, 0) == was + 1
    newest = (await site.get("/refused", "supervisor", source=source, limit=1))["messages"][0]
    assert (newest["reason"], newest["detail"]) == (code, answer.json()["detail"])


async def counted(site: Site, source: str = "unit:zz-water") -> dict[str, int]:
    counts = (await site.get("/refused", "supervisor"))["counts"]
    return {count["reason"]: count["count"] for count in counts if count["source"] == source}


async def kinds(site: Site, number: str) -> list[str]:
    return [event["kind"] for event in (await site.get(f"/cases/{number}/timeline"))["events"]]

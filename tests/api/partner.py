"""A partner of the city, such as 110: what its system says to us by signed webhooks, and what it has received."""

import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
from standardwebhooks.webhooks import Webhook

from sandbox.secrets import variable_of
from settings import sign
from tests.api.conftest import Site
from tests.workflows.hotline import eventually

JPEG = b"\xff\xd8\xff\xe0" + bytes(200)
OFFER = {
    "text": "楼上住户深夜装修，邻里纠纷，非警务警情。",
    "name": "王女士",
    "phone": "13800000000",
    "address": "金水区杜岭街12号",
}


async def say(site: Site, type: str, by: str = "110", id: str | None = None, **data: Any) -> httpx2.Response:
    return await signed(site, f"/webhooks/partners/{by}", {"type": type, "data": data}, by, id)


async def signed(
    site: Site, path: str, content: dict[str, Any], by: str = "110", id: str | None = None
) -> httpx2.Response:
    body, system = json.dumps(content), {"110": "110", "snapshot": "snapshot"}.get(by, "hotlines")
    return await site.call("POST", path, content=body.encode(), headers=headers_of(system, id or str(uuid4()), body))


def headers_of(system: str, id: str, body: str) -> dict[str, str]:
    return sign(Webhook(os.environ[variable_of(system)]), id, body, datetime.now(UTC))


async def offered(site: Site, **changes: Any) -> dict[str, Any]:
    answer = await say(site, "transfer.offered", **{"number": f"J{uuid4().hex[:16]}", **OFFER, **changes})
    assert answer.status_code == 201, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


async def received(site: Site, city: dict[str, str], number: str, system: str = "110") -> list[dict[str, Any]]:
    """What a partner's system has received of a case, once it has."""

    async def look() -> list[dict[str, Any]]:
        found = await site.http.get(f"{city['office']}/partners/{system}/transfers?case={number}")
        entries: list[dict[str, Any]] = found.json()
        return entries

    entries: list[dict[str, Any]] = await eventually(look)
    return entries


async def transferred(site: Site, to: str = "110", **changes: Any) -> str:
    number = await site.receive(**changes)
    taken = await site.take(number, "transfer", "agent", to=to, text="已三方通话。")
    assert taken["status"] == "transferring"
    return number

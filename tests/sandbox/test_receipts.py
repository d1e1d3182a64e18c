"""The sandbox's SMS gateways report to Jiesu what became of each text, as their faults have it."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI, HTTPException, Request

from sandbox import receipts
from sandbox.faults import Fault, Faults, Kind
from sandbox.receipts import Receipts
from sandbox.serve import Service
from sandbox.sms import create_sms
from tests.ports import free_ports
from tests.workflows.hotline import eventually

TOKEN = "token-of-the-gateway-123"


class Reported:
    """A gateway, and what Jiesu has been told by it."""

    def __init__(self, address: str) -> None:
        self.address, self.faults, self.refuse = address, Faults(), 0
        self.told: list[tuple[str, str]] = []

    def fail(self, kind: Kind) -> None:
        self.faults.current["sms"] = Fault(kind=kind, seconds=1, times=1)

    async def text(self, key: str) -> None:
        async with httpx2.AsyncClient(trust_env=False) as http:
            body, headers = {"phone": "13800000000", "text": "已登记"}, {"Idempotency-Key": key}
            answer = await http.post(f"{self.address}/messages", json=body, headers=headers)
        assert answer.is_success

    async def hears(self, *receipts: tuple[str, str]) -> None:
        """Until Jiesu has been told these and no others."""

        async def told() -> bool:
            return self.told == [*receipts]

        await eventually(told, pause=0.01)
        self.told.clear()


@pytest.fixture
async def reported(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reported]:
    ours, theirs = free_ports(2)
    jiesu, found = FastAPI(), Reported(f"http://127.0.0.1:{theirs}")

    @jiesu.post("/sms/receipts/http")
    async def take(request: Request) -> None:
        # In the address it would stand in the sandbox's log.
        assert (request.url.query, request.headers["Authorization"]) == ("", f"Bearer {TOKEN}")
        if found.refuse:
            found.refuse -= 1
            raise HTTPException(503)
        found.told.extend((one["key"], one["status"]) for one in await request.json())

    monkeypatch.setenv("JIESU_API_URL", f"http://127.0.0.1:{ours}")
    monkeypatch.setenv("JIESU_SMS_RECEIPT_TOKEN", TOKEN)
    monkeypatch.setattr(receipts, "MOMENT", 0)
    monkeypatch.setattr(receipts, "PAUSES", (0.01,))
    pushing = Receipts(found.faults)
    services = Service(jiesu, "127.0.0.1", ours), Service(create_sms(found.faults, pushing), "127.0.0.1", theirs)
    for service in services:
        await service.open()
    yield found
    await pushing.close()
    for service in services:
        await service.close()


async def test_texts_arrive_unless_a_fault_says_otherwise_and_each_is_reported_once(reported: Reported) -> None:
    for _ in range(2):
        await reported.text("k-1")
    await reported.hears(("k-1", "delivered"))
    reported.fail("undelivered")
    await reported.text("k-2")
    await reported.hears(("k-2", "undelivered"))
    reported.fail("disordered")
    await reported.text("k-3")
    await reported.hears(("k-3", "delivered"), ("k-3", "undelivered"))


async def test_a_late_receipt_comes_after_that_of_a_later_text(reported: Reported) -> None:
    reported.fail("late")
    await reported.text("k-1")
    await asyncio.sleep(0.05)
    await reported.text("k-2")
    await reported.hears(("k-2", "delivered"), ("k-1", "delivered"))


async def test_a_receipt_that_jiesu_did_not_take_is_pushed_again(reported: Reported) -> None:
    reported.refuse = 1
    await reported.text("k-1")
    await reported.hears(("k-1", "delivered"))

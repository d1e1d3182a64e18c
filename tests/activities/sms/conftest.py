"""The sandbox's SMS gateways behind real HTTP, and adapters of each kind that talk to them."""

import os
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from activities.http import http_client
from activities.sms.choose import open_gateway
from activities.sms.port import Gateway
from activities.watch import Watch
from domain.city import City, load_city
from domain.sms import AliyunTexts
from domain.texts import Texts
from ledger.database import open_ledger
from sandbox import aliyun, mas
from sandbox.faults import Fault, Faults
from sandbox.receipts import Receipts
from sandbox.serve import Service
from sandbox.sms import create_sms
from settings import ROOT, SmsSettings
from tests.activities.sms.desk import NOON, Desk, Memory
from tests.ports import free_ports

ACCOUNTS = {
    "JIESU_SMS_ALIYUN_KEY_ID": aliyun.KEY_ID,
    "JIESU_SMS_ALIYUN_KEY_SECRET": aliyun.KEY_SECRET,
    "JIESU_SMS_MAS_EC_NAME": mas.EC_NAME,
    "JIESU_SMS_MAS_AP_ID": mas.AP_ID,
    "JIESU_SMS_MAS_SECRET_KEY": mas.SECRET_KEY,
    "JIESU_SMS_MAS_SIGN": mas.SIGN,
}
TEMPLATES = {name: f"SMS_{n}" for n, name in enumerate([*Texts.model_fields, "merged"])}


@dataclass
class Provider:
    """The sandbox's gateways as tests see them."""

    address: str
    faults: Faults
    http: httpx2.AsyncClient

    def fail(self, fault: Fault) -> None:
        self.faults.current["sms"] = fault

    async def texts(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await self.http.get(f"{self.address}/messages")).json()
        return entries


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    [port] = free_ports(1)
    faults = Faults()
    receipts = Receipts(faults)
    service = Service(create_sms(faults, receipts), "127.0.0.1", port)
    monkeypatch.setitem(os.environ, "JIESU_ENDPOINT_SMS", f"http://127.0.0.1:{port}")
    for name, value in ACCOUNTS.items():
        monkeypatch.setitem(os.environ, name, value)
    await service.open()
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        yield Provider(f"http://127.0.0.1:{port}", faults, http)
    await service.close()
    await receipts.close()


@pytest.fixture(scope="session")
def city() -> City:
    """Zhengzhou, with templates that Aliyun has approved."""
    city = load_city(ROOT / "cities" / "zhengzhou")
    approved = AliyunTexts(sign="郑州12345", templates=TEMPLATES)
    return city.model_copy(update={"sms": city.sms.model_copy(update={"aliyun": approved})})


Open = Callable[[str], Coroutine[Any, Any, Gateway]]


@pytest.fixture
async def gateway(provider: Provider, city: City) -> AsyncIterator[Open]:
    """Call it for an adapter by its name in the settings."""
    async with http_client() as http:

        async def open(name: str) -> Gateway:
            return open_gateway(SmsSettings.model_validate({"gateway": name}), city, http)

        yield open


@pytest.fixture
async def desk(ledger_url: str, city: City, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk at noon, with a gateway that takes every text."""

    def set_clock(at: datetime) -> None:
        for module in ("citizens", "waiting"):
            monkeypatch.setattr(f"activities.sms.{module}.now", lambda: at.astimezone(UTC))
        for module in ("delivery", "watch"):
            monkeypatch.setattr(f"activities.{module}.datetime", _Clock(at))

    ledger = open_ledger(ledger_url)
    set_clock(NOON)
    yield Desk(ledger, city, Memory(), set_clock, Watch(ledger, city))
    await ledger.close()


@pytest.fixture
async def wired(desk: Desk, gateway: Open) -> Desk:
    """The desk, behind real HTTP."""
    desk.gateway = await gateway("http")
    return desk


class _Clock:
    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self, zone: object) -> datetime:
        return self._at.astimezone(UTC)

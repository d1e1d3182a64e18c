"""A real broker with TLS and passwords, a sensor that publishes to it, and a ledger that knows some assets."""

import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import pytest
from aiomqtt import Client, MqttError, ProtocolVersion
from pydantic import SecretStr
from sqlalchemy import select
from trustme import CA

from bench.broker import HOST, Broker, Certificate
from bench.mosquitto import NoMosquitto, mosquitto
from domain.city import City, load_city
from ledger.database import Ledger
from ledger.models import AssetRow
from ledger.tables import ALERTS, SENSOR_EVENTS
from sensors.settings import MqttSettings
from settings import ROOT
from tests.ports import free_ports

TOPIC = "jiesu/alerts/water"
PASSWORD = "let jiesu in"
METERS = ("meter-1", "meter-2")


class Sensor(Client):
    """Connects at the second try too: what aiomqtt says of sockets to the loop may meet another of the same number."""

    async def __aenter__(self) -> Self:
        with suppress(MqttError):
            return await super().__aenter__()
        return await super().__aenter__()


@dataclass(frozen=True)
class Papers:
    """Files by which the broker is known."""

    broker: Certificate
    ca: Path
    other_ca: Path


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    papers = Papers(Certificate(folder / "chain.pem", folder / "key.pem"), folder / "ca.pem", folder / "other.pem")
    ca = CA()
    issued = ca.issue_cert(HOST)
    issued.private_key_pem.write_to_path(papers.broker.key)
    issued.cert_chain_pems[0].write_to_path(papers.broker.chain)
    ca.cert_pem.write_to_path(papers.ca)
    CA().cert_pem.write_to_path(papers.other_ca)
    return papers


@pytest.fixture(scope="session")
def programs() -> None:
    try:
        mosquitto()
    except NoMosquitto as error:
        pytest.skip(str(error))


@pytest.fixture
async def broker(programs: None, papers: Papers, tmp_path: Path) -> AsyncIterator[Broker]:
    users = {"jiesu": PASSWORD, "sensor": "sensor"}
    [port] = free_ports(1)
    access = tmp_path / "access"
    access.write_text("user jiesu\ntopic read jiesu/alerts/#\nuser sensor\ntopic write jiesu/alerts/#\n")
    more = ["log_type all", f"acl_file {access}"]
    broker = Broker(tmp_path / "broker", port, users, papers.broker, more)
    await broker.start()
    yield broker
    await broker.stop()


@pytest.fixture
def settings(broker: Broker, papers: Papers) -> MqttSettings:
    return MqttSettings(
        url=f"mqtts://{HOST}:{broker.port}", username="jiesu", password=SecretStr(PASSWORD), ca=papers.ca
    )


@pytest.fixture
async def sensor(broker: Broker, papers: Papers) -> Sensor:
    """A sensor, to be connected with `async with`, which publishes with QoS 1."""
    tls = ssl.create_default_context(cafile=papers.ca)
    client = Sensor(
        HOST, broker.port, username="sensor", password="sensor", protocol=ProtocolVersion.V5, tls_context=tls,
        max_inflight_messages=500, timeout=5,
    )  # fmt: skip
    client.pending_calls_threshold = 10_000
    return client


@pytest.fixture
def database_kind() -> str:
    """Alerts by HTTP are tested on both; here one will do, unless a test asks for the other."""
    return "sqlite"


@pytest.fixture(scope="session")
def city() -> City:
    return load_city(ROOT / "cities" / "zhengzhou")


@pytest.fixture
async def ledger(ledger: Ledger) -> Ledger:
    """One that knows the meters."""
    await with_meters(ledger)
    return ledger


async def with_meters(ledger: Ledger) -> None:
    """Make the meters known to a ledger."""
    async with ledger.session() as session:
        session.add_all(AssetRow(code=code, kind="meter", unit="zz-water") for code in METERS)


def event(asset: str = METERS[0], kind: str = "burst-flow", **more: Any) -> bytes:
    """A CloudEvent as structured JSON; each has an id of its own unless told."""
    attributes = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "/meters",
        "type": f"jiesu.alert.{kind}",
        "subject": asset,
        "data": {"value": 3},
    }
    return json.dumps(attributes | more).encode()


async def taken(ledger: Ledger) -> set[str]:
    """The ids of the events in the ledger."""
    async with ledger.session() as session:
        return set((await session.scalars(select(SENSOR_EVENTS.c.id))).all())


async def alerts(ledger: Ledger) -> Sequence[tuple[str, int]]:
    """Asset and count of readings of every alert."""
    async with ledger.session() as session:
        return [(row.asset, row.readings) for row in await session.execute(select(ALERTS).order_by(ALERTS.c.asset))]

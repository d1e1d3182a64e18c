"""Listening to a real broker: what it acknowledged to a sensor is in the ledger once, whatever fails in between."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client, MqttError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import Connection

from bench.broker import Broker
from domain.alerts import Became
from domain.city import City
from domain.readings import LARGEST, Reading
from ledger.alerts import take_in
from ledger.database import Ledger, open_ledger
from ledger.refused import refusal_counts, refused_messages
from sensors import intake
from sensors.settings import MqttSettings
from sensors.subscriber import WAITING, trouble
from tests.conftest import PostgresUrl
from tests.sensors.conftest import METERS, TOPIC, Papers, alerts, event, taken, with_meters
from tests.sensors.listening import Listening, until
from tests.workflows.hotline import eventually
from tests.workflows.test_ledger_down import postgres_closed

Listen = Callable[..., Listening]


@pytest.fixture
def listen(settings: MqttSettings, ledger: Ledger, city: City, tmp_path: Path) -> Listen:
    """Call it for what listens; with other settings or another ledger if told."""

    def listening(ledger: Ledger = ledger, **changed: object) -> Listening:
        return Listening(settings.model_copy(update=changed), ledger, city, tmp_path)

    return listening


async def publish(sensor: Client, *messages: bytes) -> None:
    """Publish, and wait until the broker has acknowledged everything."""
    async with sensor:
        await asyncio.gather(*(sensor.publish(TOPIC, message, qos=1) for message in messages))


async def test_the_same_alert_a_thousand_times_is_one_alert(listen: Listen, sensor: Client, ledger: Ledger) -> None:
    async with listen() as listening:
        await listening.ready()
        await publish(sensor, *[event()] * 1000)
        await listening.heard(1000)
    assert await alerts(ledger) == [(METERS[0], 1)]
    assert sum(one.became is Became.REPEATED for one in listening.became) == 999


async def test_a_thousand_readings_of_one_asset_are_one_alert_with_one_case(
    listen: Listen, sensor: Client, ledger: Ledger
) -> None:
    async with listen() as listening:
        await listening.ready()
        await publish(sensor, *(event() for _ in range(1000)))
        await listening.heard(1000)
    assert await alerts(ledger) == [(METERS[0], 1000)]
    assert sum(one.opened for one in listening.became) == 1


async def test_what_is_no_alert_is_kept_and_holds_up_no_other(listen: Listen, sensor: Client, ledger: Ledger) -> None:
    bad = [b"\xff\x00 no JSON", b"{}", b"[" * 5000, event("meter-9"), event(pad="x" * LARGEST), event(kind="volcano")]
    async with listen() as listening:
        await listening.ready()
        await publish(sensor, *bad, event())
        await listening.heard(len(bad) + 1)
    async with ledger.session() as session:
        counts = {row.reason: row.count for row in await refusal_counts(session)}
        kept = await refused_messages(session, "mqtt", 10)
    assert counts == {"malformed": 3, "unknown_asset": 1, "too_large": 1, "unknown_type": 1}
    assert len(kept) == len(bad)
    assert await alerts(ledger) == [(METERS[0], 1)]
    async with listen() as listening:
        await listening.ready()
        await publish(sensor, event())
        await listening.heard(1)
    assert len(listening.became) == 1, "nothing of all that came again"


def binary(id: str, payload: bytes, **more: str) -> dict[str, Any]:
    """A message in binary mode: the attributes are user properties, the data is the payload."""
    attributes = {"specversion": "1.0", "id": id, "source": "/meters", "type": "jiesu.alert.burst-flow", **more}
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = list(attributes.items())
    return {"payload": payload, "properties": properties}


async def test_events_in_binary_mode_are_taken_too(listen: Listen, sensor: Client, ledger: Ledger) -> None:
    traced = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    traced.UserProperty = [("traceparent", "00-0-0-00")]
    messages = [
        binary("100%25 水", b'{"value": 3}', subject=METERS[0]),
        binary("b", b"no JSON", subject=METERS[0]),
        binary("c", b'{"value": 3}'),
        {"payload": event(id="d"), "properties": traced},
    ]
    async with listen() as listening:
        await listening.ready()
        async with sensor:
            await asyncio.gather(*(sensor.publish(TOPIC, qos=1, **message) for message in messages))
        await listening.heard(len(messages))
    assert await taken(ledger) == {"100%25 水", "d"}
    async with ledger.session() as session:
        assert {row.reason: row.count for row in await refusal_counts(session)} == {"malformed": 2}


async def test_a_message_that_nobody_foresaw_is_kept_and_holds_up_no_other(
    listen: Listen, sensor: Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(connection: Connection, city: City, readings: Sequence[Reading], *rest: Any, **more: Any) -> Any:
        assert all(reading.id != "odd" for reading in readings)
        return take_in(connection, city, readings, *rest, **more)

    monkeypatch.setattr(intake, "take_in", failing)
    async with listen() as listening:
        await listening.ready()
        await publish(sensor, *(event() for _ in range(20)), event(id="odd"), *(event() for _ in range(20)))
        await listening.heard(40)
    assert await alerts(ledger) == [(METERS[0], 40)]
    async with ledger.session() as session:
        [kept] = await refused_messages(session, "mqtt", 10)
    assert kept.reason == "failed"
    assert '"odd"' in kept.body


async def test_what_the_broker_acknowledged_while_it_was_restarted_is_in_the_ledger_once(
    listen: Listen, sensor: Client, ledger: Ledger, broker: Broker
) -> None:
    acknowledged: set[str] = set()

    async def publish_on(ids: list[str]) -> None:
        while left := [id for id in ids if id not in acknowledged]:
            with suppress(MqttError):
                async with sensor:
                    for id in left:
                        await sensor.publish(TOPIC, event(id=id), qos=1)
                        acknowledged.add(id)
            await asyncio.sleep(0.1)

    async def restart_after(count: int) -> None:
        await until(lambda: len(acknowledged) >= count)
        await broker.stop()
        await broker.start()

    async def all_taken() -> bool:
        return await taken(ledger) == acknowledged

    async with listen() as listening:
        await listening.ready()
        publishing = asyncio.create_task(publish_on([f"{n:04}" for n in range(600)]))
        await restart_after(100)
        await restart_after(300)
        await publishing
        await eventually(all_taken)
    assert await alerts(ledger) == [(METERS[0], 600)]


async def test_killed_and_back_a_broker_is_listened_to_again(
    listen: Listen, sensor: Client, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    await broker.kill()
    caplog.set_level(logging.INFO, "jiesu.sensors")
    async with listen() as listening:
        await asyncio.sleep(1)
        await broker.start()
        await listening.ready()
        await broker.kill()
        await until(lambda: not listening.marker.exists())
        await broker.start()
        await listening.ready()
        await publish(sensor, event())
        await listening.heard(1)
    assert sum("does not answer" in message for message in caplog.messages) == 1
    assert not any("Unspecified" in message for message in caplog.messages)


async def test_what_was_committed_and_not_acknowledged_comes_again_and_counts_once(
    listen: Listen, sensor: Client, ledger: Ledger
) -> None:
    async with listen() as listening:
        await listening.ready()
        listening.may_go_on.clear()
        await publish(sensor, event())
        await listening.heard(1)
        await listening.cut_off()
    async with listen() as listening:
        await listening.heard(1)
    assert [one.became for one in listening.became] == [Became.REPEATED]
    assert await alerts(ledger) == [(METERS[0], 1)]


async def test_told_to_stop_it_finishes_and_acknowledges_what_it_began(
    listen: Listen, sensor: Client, broker: Broker
) -> None:
    async with listen() as listening:
        await listening.ready()
        listening.may_go_on.clear()
        await publish(sensor, event())
        await listening.heard(1)
        listening.stop.set()
        await asyncio.sleep(0.1)
        assert "PUBACK from jiesu " not in broker.log()
        listening.may_go_on.set()
    await until(lambda: "PUBACK from jiesu " in broker.log())


async def test_what_is_published_while_nobody_listens_is_heard_later(
    listen: Listen, sensor: Client, ledger: Ledger
) -> None:
    async with listen() as listening:
        await listening.ready()
    await publish(sensor, *(event() for _ in range(300)))
    assert await taken(ledger) == set()
    async with listen() as listening:
        await listening.heard(300)
    assert await alerts(ledger) == [(METERS[0], 300)]


async def test_a_ledger_that_is_down_loses_nothing_and_is_told_of_once(
    listen: Listen, sensor: Client, postgres_url: PostgresUrl, postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgres_url()
    ledger = open_ledger(url)
    await with_meters(ledger)
    async with listen(ledger) as listening:
        await listening.ready()
        await publish(sensor, event())
        await listening.heard(1)
        with postgres_closed(postgres_server, url):
            await publish(sensor, *(event() for _ in range(WAITING + 100)))
            await asyncio.sleep(1)
        await listening.heard(WAITING + 101)
    assert await alerts(ledger) == [(METERS[0], WAITING + 101)]
    assert [message for message in caplog.messages if "ledger" in message] == [
        "the ledger does not answer (OperationalError); trying until it is well again"
    ]
    await ledger.close()


async def test_no_more_waits_in_memory_than_agreed_with_the_broker(
    listen: Listen, sensor: Client, broker: Broker, ledger: Ledger
) -> None:
    async with listen() as listening:
        await listening.ready()
        listening.may_go_on.clear()
        await publish(sensor, *(event() for _ in range(WAITING + 200)))
        await listening.heard(1)
        assert broker.log().count("Sending PUBLISH to jiesu ") == WAITING
        listening.may_go_on.set()
        await listening.heard(WAITING + 200)
    assert await alerts(ledger) == [(METERS[0], WAITING + 200)]


# paho-mqtt leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
async def test_why_the_broker_cannot_be_listened_to_is_said_in_one_sentence_once(
    listen: Listen, papers: Papers, caplog: pytest.LogCaptureFixture
) -> None:
    async with listen(password=None), listen(ca=papers.other_ca):
        await asyncio.sleep(1)
    assert sorted(message.split(" ", 5)[5] for message in caplog.messages) == [
        "refuses us; check JIESU_MQTT_USERNAME and JIESU_MQTT_PASSWORD; trying until it is well again",
        "shows a certificate that we do not trust (unable to get local issuer certificate); check JIESU_MQTT_CA; "
        "trying until it is well again",
    ]


async def test_two_that_share_a_subscription_divide_the_work(listen: Listen, sensor: Client, ledger: Ledger) -> None:
    shared = f"$share/jiesu/{TOPIC}"
    async with listen(topics=shared) as first, listen(topics=shared, client_id="jiesu-2") as second:
        await first.ready()
        await asyncio.sleep(0.3)
        await publish(sensor, *(event() for _ in range(200)))
        await until(lambda: len(first.became) + len(second.became) >= 200)
    assert min(len(first.became), len(second.became)) > 50
    assert await alerts(ledger) == [(METERS[0], 200)]


def test_a_broker_that_says_nothing_may_want_tls_or_a_certificate() -> None:
    silent = MqttError("Operation timed out")
    silent.__context__ = TimeoutError()
    told = trouble(silent, MqttSettings(url="mqtts://127.0.0.1:8883"))
    assert told == (
        "the MQTT broker at 127.0.0.1:8883 gives no answer in time; "
        "check JIESU_MQTT_URL, and JIESU_MQTT_CERTIFICATE if it wants one"
    )

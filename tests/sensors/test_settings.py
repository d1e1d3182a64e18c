"""Settings of the broker: what cannot be right is named in one sentence, which repeats no secret."""

import re
from collections.abc import Mapping

import pytest

from sensors.settings import read_mqtt_settings
from sensors.subscriber import tls_context
from tests.sensors.conftest import Papers

BROKER = "mqtts://broker.example"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"URL": "mqtt://broker.example"}, "JIESU_MQTT_URL: mqtt:// to another machine needs JIESU_MQTT_PLAINTEXT"),
        ({"URL": "http://broker.example"}, "JIESU_MQTT_URL: must be mqtts://host:port"),
        ({"URL": "mqtts://jiesu:secret@broker.example"}, "JIESU_MQTT_URL: must be mqtts://host:port"),
        ({"URL": "mqtts://broker.example:99999"}, "JIESU_MQTT_URL: must be mqtts://host:port"),
        ({"URL": BROKER, "PASSWORD": "secret"}, "JIESU_MQTT_PASSWORD is set without JIESU_MQTT_USERNAME"),
        ({"URL": BROKER, "CERTIFICATE": "a.pem"}, "JIESU_MQTT_CERTIFICATE and JIESU_MQTT_KEY belong together"),
        ({"URL": BROKER, "CLIENT_ID": " "}, "JIESU_MQTT_CLIENT_ID: must not be empty"),
        ({"URL": BROKER, "CA": "/nowhere.pem"}, "JIESU_MQTT_CA: /nowhere.pem cannot be read: No such file"),
        ({"URL": BROKER, "CA": __file__}, "JIESU_MQTT_CA: "),
    ],
)
def test_what_cannot_be_right_is_named(values: Mapping[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"JIESU_MQTT_{name}", value)
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        tls_context(read_mqtt_settings())
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "plaintext", "port"),
    [
        ("mqtts://broker.example", "false", 8883),
        ("mqtt://127.0.0.1", "false", 1883),
        ("mqtt://[::1]:1234", "false", 1234),
        ("mqtt://localhost", "false", 1883),
        ("mqtt://broker.example", "true", 1883),
    ],
)
def test_without_tls_only_this_machine_is_reached_unless_allowed(
    url: str, plaintext: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIESU_MQTT_URL", url)
    monkeypatch.setenv("JIESU_MQTT_PLAINTEXT", plaintext)
    assert read_mqtt_settings().port == port


def test_a_certificate_of_our_own_is_read_with_its_key(papers: Papers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_MQTT_URL", BROKER)
    monkeypatch.setenv("JIESU_MQTT_CERTIFICATE", str(papers.broker.chain))
    monkeypatch.setenv("JIESU_MQTT_KEY", str(papers.broker.key))
    assert tls_context(read_mqtt_settings()) is not None
    monkeypatch.setenv("JIESU_MQTT_CERTIFICATE", str(papers.other_ca))
    with pytest.raises(ValueError, match="JIESU_MQTT_CERTIFICATE and JIESU_MQTT_KEY"):
        tls_context(read_mqtt_settings())

"""The broker from which sensors' alerts are taken; `JIESU_MQTT_<NAME>` in the environment sets each value."""

import ipaddress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from settings import read_from_environment

PORTS = {"mqtts": 8883, "mqtt": 1883}
"""Port of each scheme where the URL names none: as IANA has registered them."""


class MqttSettings(BaseSettings):
    """How we reach the broker, who we are there, and what we listen to."""

    model_config = SettingsConfigDict(env_prefix="JIESU_MQTT_", frozen=True)

    url: str
    """`mqtts://host:port`; `mqtt://`, without TLS, only on this machine unless `plaintext` allows it."""

    username: str | None = None
    password: SecretStr | None = None

    ca: Path | None = None
    """PEM file of the CAs that may vouch for the broker; without it, the system's."""

    certificate: Path | None = None
    """PEM file of our own certificate, where the broker wants one, and of its key."""
    key: Path | None = None

    topics: str = "jiesu/alerts/#"
    """Topic filters, separated by blanks; processes that share the work name `$share/<group>/<filter>`."""

    client_id: str = "jiesu"
    """Names the session that the broker keeps for us; each process must have its own."""

    plaintext: bool = False
    """Whether password and alerts may cross a network readable to all."""

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            whole = parts.hostname and parts.port != 0 and not (parts.username or parts.path.strip("/") or parts.query)
        except ValueError:
            whole = False
        if not whole or parts.scheme not in PORTS:
            raise ValueError("must be mqtts://host:port, and nothing more")
        return url

    @field_validator("topics", "client_id")
    @classmethod
    def _not_empty(cls, words: str) -> str:
        if not words.strip():
            raise ValueError("must not be empty")
        return words

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.tls or self.plaintext or _is_this_machine(self.host)):
            raise ValueError("JIESU_MQTT_URL: mqtt:// to another machine needs JIESU_MQTT_PLAINTEXT=true; use mqtts://")
        if self.password is not None and self.username is None:
            raise ValueError("JIESU_MQTT_PASSWORD is set without JIESU_MQTT_USERNAME")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("JIESU_MQTT_CERTIFICATE and JIESU_MQTT_KEY belong together, and only one of them is set")
        return self

    @property
    def tls(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]


def read_mqtt_settings() -> MqttSettings:
    """The settings of the environment. Raises ValueError with one sentence that names the variable at fault."""
    return read_from_environment(MqttSettings)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

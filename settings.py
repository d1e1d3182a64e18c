"""Where this installation keeps things and whom it talks to; `JIESU_<NAME>` in the environment sets each value."""

import os
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from standardwebhooks.webhooks import Webhook

ROOT = Path(__file__).resolve().parent

SHORTEST_SECRET = 24
"""Bytes of the secret of a webhook, as Standard Webhooks ask for."""

Port = Annotated[int, Field(ge=1, le=65535)]

DATABASES = frozenset({"postgresql", "postgresql+psycopg", "postgres", "sqlite", "sqlite+aiosqlite"})


class Settings(BaseSettings):
    """One installation's settings, read from the environment only."""

    model_config = SettingsConfigDict(env_prefix="JIESU_", frozen=True)

    city: str = "zhengzhou"
    """Folder name under `cities/`: the data that makes this engine a certain city's."""

    cities: Path = ROOT / "cities"
    """Folder that holds the cities; a platform team may keep its own outside the package."""

    home: Path = Path(".jiesu")
    """Folder of the embedded stack: ledger, engine state, logs, lock."""

    database_url: str | None = None
    """SQLAlchemy URL of the ledger; without it the ledger is SQLite under `home`."""

    task_queue: str = "jiesu"
    """Temporal task queue of the case workflows and their activities."""

    patience: float = Field(default=10.0, gt=0)
    """Seconds a step may wait for a worker before the caller is asked to repeat it."""

    codec_keys: SecretStr | None = None
    """Keys of the payload codec, `id:base64 …` separated by blanks or lines; the first encrypts, all decrypt."""

    codec_keys_file: Path | None = None
    """File with the same, read again when a key is missing; without both, the one that the embedded stack made."""

    oidc_issuer: str | None = None
    """Issuer of staff's OpenID Connect tokens; without it staff come with API keys only."""

    oidc_audience: str | None = None
    oidc_jwks_url: HttpUrl | None = None

    oidc_role_claim: str = "role"
    """Claim that names the post; dots lead into nested claims, such as `realm_access.roles`."""

    oidc_unit_claim: str = "unit"

    attachments: Path | None = None
    """Folder of attached files, shared by all API processes; without it a folder under `home`."""

    keep_personal_days: int = Field(default=1095, ge=0, le=36_500)
    """Days after closing for which a case keeps its personal data; `jiesu erase` refuses before."""

    rate_limit: str = "6000/minute"
    """Requests that one client (a credential, or an address without one) may make of one API process."""

    refused_limit: str = "600/minute"
    """Requests without a valid credential that one address may make of one API process."""

    open311_limit: str = "300/minute"
    """Lists of requests by Open311 that one address may have of one API process without a key."""

    web_origins: str = ""
    """Origins of Temporal Web UIs that may ask our codec server, separated by blanks."""

    web_ui: HttpUrl | None = None
    """A Temporal Web UI that the API serves under /temporal, to read, to those who may decode what it shows."""

    public_url: HttpUrl | None = None
    """Where outside apps reach the API, as Open311 discovery tells them; without it, where its request went."""

    host: str = "127.0.0.1"
    """Address on which the embedded stack listens."""

    api_port: Port = 8000
    temporal_port: Port = 7233
    temporal_ui_port: Port = 8233
    sandbox_port: Annotated[int, Field(ge=1, le=65528)] = 8600
    """First of the ports of the sandbox city; it takes this one and the next seven."""

    @field_validator("database_url")
    @classmethod
    def _a_database_we_know(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in DATABASES:
            raise ValueError("must begin with postgresql:// or sqlite:///")
        return url

    @field_validator("rate_limit", "refused_limit", "open311_limit")
    @classmethod
    def _a_rate(cls, rate: str) -> str:
        from limits import parse  # it takes long, and most installations have the usual rates

        try:
            parse(rate)
        except ValueError:
            raise ValueError("must be a rate such as 100/second or 3000/minute") from None
        return rate

    @model_validator(mode="after")
    def _oidc_whole(self) -> Self:
        named = {name: getattr(self, name) for name in ("oidc_issuer", "oidc_audience", "oidc_jwks_url")}
        missing = [f"JIESU_{name.upper()}" for name, value in named.items() if value is None]
        if missing and len(missing) < len(named):
            raise ValueError(f"OpenID Connect needs issuer, audience and JWKS URL; {', '.join(missing)} is not set")
        return self

    @model_validator(mode="after")
    def _ports_apart(self) -> Self:
        names = ("api_port", "temporal_port", "temporal_ui_port")
        taken = dict.fromkeys(range(self.sandbox_port, self.sandbox_port + 8), "sandbox_port")
        for name in names:
            number: int = getattr(self, name)
            if number in taken:
                raise ValueError(f"{name} and {taken[number]} both take port {number}")
            taken[number] = name
        return self

    @property
    def city_folder(self) -> Path:
        return self.cities / self.city

    @property
    def attachments_folder(self) -> Path:
        return self.attachments or self.home.resolve() / "attachments"

    @property
    def ledger_url(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.home.resolve() / 'ledger.db'}"


class AliyunAccount(BaseSettings):
    """An access key of Aliyun that may send texts: `JIESU_SMS_ALIYUN_KEY_ID` and so on."""

    model_config = SettingsConfigDict(env_prefix="JIESU_SMS_ALIYUN_", frozen=True)

    key_id: str
    key_secret: SecretStr


class MasAccount(BaseSettings):
    """An HTTP interface account of 云MAS: `JIESU_SMS_MAS_EC_NAME` and so on."""

    model_config = SettingsConfigDict(env_prefix="JIESU_SMS_MAS_", frozen=True)

    ec_name: str
    ap_id: str
    secret_key: SecretStr
    sign: str
    """Code of the signature."""
    add_serial: str = ""
    """Extension of the number from which texts come."""


class SmsSettings(BaseSettings):
    """How citizens are texted; `JIESU_SMS_<NAME>` sets each value."""

    model_config = SettingsConfigDict(env_prefix="JIESU_SMS_", frozen=True)

    gateway: Literal["http", "aliyun", "mas"] = "http"

    unlimited: bool = False
    """Whether to text at any hour and as often as there is something to say: for trials, whose clocks are not ours."""

    receipt_token: SecretStr | None = Field(default=None, min_length=16)
    """What the gateway shows when it reports receipts; without it none are taken."""

    @property
    def aliyun(self) -> AliyunAccount:
        return read_from_environment(AliyunAccount)

    @property
    def mas(self) -> MasAccount:
        return read_from_environment(MasAccount)


def read_variable(name: str | None) -> str | None:
    """The value of a variable that a city's files name, such as a unit's address or secret; None if it is not set."""
    return os.environ.get(name or "") or None


def read_webhook(name: str | None) -> Webhook | None:
    """The signer and verifier of webhooks with the secret in a variable; None if it is not set or is no secret."""
    try:
        secret = b64decode((read_variable(name) or "").removeprefix("whsec_") + "==")
    except ValueError:
        return None
    return Webhook(secret) if len(secret) >= SHORTEST_SECRET else None


def sign(webhook: Webhook, id: str, body: str, at: datetime) -> dict[str, str]:
    """The headers of a message of that id, signed at an instant."""
    return {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook.sign(id, at, body),
    }


def read_settings() -> Settings:
    """The settings of the environment. Raises ValueError with one sentence that names the variable at fault."""
    return read_from_environment(Settings)


def read_sms_settings() -> SmsSettings:
    """The settings of texts. Raises ValueError as `read_settings` does."""
    return read_from_environment(SmsSettings)


Read = TypeVar("Read", bound=BaseSettings)


def read_from_environment(settings: type[Read]) -> Read:
    """Settings of any kind. Raises ValueError with one sentence that names the variable at fault."""
    try:
        return settings()
    except ValidationError as error:
        fault = error.errors()[0]
        prefix = settings.model_config["env_prefix"]
        variable = f"{prefix}{str(fault['loc'][0]).upper()}" if fault["loc"] else "settings"
        if fault["type"] == "missing":
            raise ValueError(f"{variable} is not set") from None
        raise ValueError(f"{variable}: {fault['msg'].removeprefix('Value error, ')}") from None

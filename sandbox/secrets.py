"""The secrets that the sandbox city's units share with Jiesu, made once and kept beside the other keys."""

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from settings import Settings

BYTES = 32


def secrets_file(settings: Settings) -> Path:
    """JSON, environment variable to secret."""
    return settings.home.resolve() / "sandbox-secrets.json"


def webhook_secrets(settings: Settings, parties: Iterable[str]) -> dict[str, str]:
    """The environment variables with the secret of each party. Those not made before are made and kept."""
    path = secrets_file(settings)
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    wanted = [variable_of(party) for party in parties]
    if any(name not in known for name in wanted):
        known = {name: new_secret() for name in wanted} | known
        path.parent.mkdir(parents=True, exist_ok=True)
        write_keys(path, known)
    return {name: known[name] for name in wanted}


def variable_of(party: str) -> str:
    """Name of the environment variable with a party's secret."""
    return f"JIESU_SECRET_{party.upper()}"


def new_secret() -> str:
    """A fresh secret, written as Standard Webhooks write them."""
    return f"whsec_{b64encode(secrets.token_bytes(BYTES)).decode()}"


def write_keys(path: Path, keys: dict[str, str]) -> None:
    """Write a file of keys so that nobody else can read it."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(keys, file, indent=2)
    draft.replace(path)

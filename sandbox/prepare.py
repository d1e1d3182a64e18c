"""What the stack needs before it serves: tables, search attributes, keys of all kinds."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from domain.city import load_city
from domain.roles import Role
from ledger.database import Ledger, open_ledger
from ledger.keys import create_key, find_key
from ledger.migrate import upgrade
from sandbox.secrets import write_keys
from sandbox.system import keys_file, temporal_address
from settings import Settings
from temporal import search_attributes
from temporal.connection import connect, patiently
from temporal.keyring import keys_file as codec_keys_file
from temporal.keyring import open_keyring, rotate

STAFF = (
    Role.AGENT, Role.DISPATCHER, Role.CALLBACK, Role.SUPERVISOR, Role.INSPECTOR, Role.ADMIN, Role.CITIZEN,
    Role.INTEGRATION,
)  # fmt: skip


def staff_keys_file(settings: Settings) -> Path:
    """Keys of one member of staff for each role, for people trying the sandbox: JSON, role to key."""
    return settings.home.resolve() / "staff-keys.json"


@patiently
async def prepare(settings: Settings) -> None:
    """Make ledger and engine ready for the city. Safe to repeat; nothing that is there already is lost.

    Raises ConfigError for a malformed city.
    """
    city = load_city(settings.city_folder)
    await asyncio.to_thread(upgrade, settings.ledger_url)
    _make_codec_keys(settings)
    client = await connect(open_keyring(settings), {"TEMPORAL_ADDRESS": temporal_address(settings)})
    await search_attributes.ensure(client)
    ledger = open_ledger(settings.ledger_url)
    try:
        staff = {role.value: (role, None) for role in STAFF}
        units = {code: (Role.UNIT, code) for code in city.units}
        await _issue(ledger, staff_keys_file(settings), staff)
        await _issue(ledger, keys_file(settings), units)
    finally:
        await ledger.close()


def _make_codec_keys(settings: Settings) -> None:
    """At the first start; later starts go on with the same, for the histories need them."""
    given = settings.codec_keys or settings.codec_keys_file
    if given is None and not codec_keys_file(settings).exists():
        rotate(codec_keys_file(settings))


async def _issue(ledger: Ledger, path: Path, wanted: Mapping[str, tuple[Role, str | None]]) -> None:
    """Keep the keys in the file that still work, and make those that are missing."""
    known = _read(path)
    async with ledger.session() as session:
        for name, (role, unit) in wanted.items():
            if name not in known or await find_key(session, known[name]) is None:
                known[name] = await create_key(session, role, unit, "sandbox")
    write_keys(path, known)


def _read(path: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return known

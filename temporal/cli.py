"""What the command line does with the engine."""

from functools import partial

from console import on_ledger
from domain.city import load_city
from ledger.database import Ledger
from settings import Settings
from temporal.connection import connect
from temporal.keyring import open_keyring
from temporal.upkeep import apply_calendar


def apply(settings: Settings) -> tuple[int, int]:
    """Bring the city's present calendar to every open case; returns (reached, not reached).

    Raises ConfigError for a malformed city, KeyringError without keys, RuntimeError when the engine does not answer,
    and what `on_ledger` raises.
    """
    return on_ledger(partial(_apply, settings))


async def _apply(settings: Settings, ledger: Ledger) -> tuple[int, int]:
    city = load_city(settings.city_folder)
    keyring = open_keyring(settings)
    return await apply_calendar(await connect(keyring), ledger, city)

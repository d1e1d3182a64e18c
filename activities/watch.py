"""Watching outside systems: that one is down is reported once, then daily, and once that it is back."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, RowMapping

from domain.city import City
from domain.rulebook import pause
from domain.systems import by_system, receivers, report_due
from ledger.database import Ledger
from ledger.systems import known_systems, mark_back, mark_reported, note_failure, told_since, waiting

log = logging.getLogger("jiesu.systems")

Line = tuple[int, str]
"""What goes to the log: level and message."""


class Watch:
    """Keeps in the ledger which systems are down, and reports it in the log."""

    def __init__(self, ledger: Ledger, city: City) -> None:
        self._ledger = ledger
        self._receivers = receivers(by_system(city.units.values(), city.partners.values()))
        self._after_closing = pause(city.rulebook.effects.give_up_after)

    async def note_failure(self, system: str, error: str) -> None:
        """Note that a system failed."""
        await self._ledger.run(note_failure, system, error, datetime.now(UTC))

    async def note_answer(self, system: str) -> bool:
        """Note that a system answers; False as long as it is down for messages that it has not taken."""
        lines = await self._ledger.run(self._news, system, datetime.now(UTC))
        for line in lines or ():
            log.log(*line)
        return lines is not None

    async def report(self) -> None:
        """Report what is to be reported now; several workers may do so at the same time."""
        for line in await self._ledger.run(self._changes, datetime.now(UTC)):
            log.log(*line)

    def _news(self, connection: Connection, system: str, at: datetime) -> list[Line] | None:
        for row in known_systems(connection, down=True):
            if row["system"] == system:
                return None if self._waiting(connection, system, at) else list(_back(connection, row, at))
        return []

    def _changes(self, connection: Connection, at: datetime) -> list[Line]:
        down = known_systems(connection, down=True)
        return [line for row in down if row["system"] in self._receivers for line in self._change(connection, row, at)]

    def _change(self, connection: Connection, row: RowMapping, at: datetime) -> Iterable[Line]:
        name = row["system"]
        # Whichever worker told it something knows that it is back; none needs to say so.
        if told_since(connection, self._receivers[name], row["last_failure_at"]):
            yield from _back(connection, row, at)
        elif report_due(row["down_since"], row["failures"], row["reported_at"], at) and mark_reported(
            connection, row, at
        ):
            left = self._waiting(connection, name, at)
            yield (
                logging.ERROR,
                f"system {name} is down since {_since(row)} ({row['last_error']}); messages waiting: {left}",
            )

    def _waiting(self, connection: Connection, system: str, at: datetime) -> int:
        return waiting(connection, self._receivers[system], at, self._after_closing).messages


def _back(connection: Connection, row: RowMapping, at: datetime) -> Iterable[Line]:
    if mark_back(connection, row, at) and row["reported_at"] is not None:
        yield logging.INFO, f"system {row['system']} is back; it was down since {_since(row)}"


def _since(row: RowMapping) -> str:
    return f"{row['down_since']:%Y-%m-%d %H:%M:%S} UTC"

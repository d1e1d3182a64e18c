"""Watching systems of units: that one is down is reported once, then daily, and once that it is back."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, RowMapping

from domain.city import City
from domain.rulebook import seconds
from domain.systems import by_system, report_due
from ledger.database import Ledger
from ledger.systems import known_systems, mark_back, mark_reported, note_failure, told_since, waiting

log = logging.getLogger("jiesu.systems")


class Watch:
    """Keeps in the ledger which systems are down, and reports it in the log."""

    def __init__(self, ledger: Ledger, city: City) -> None:
        self._ledger = ledger
        self._units = {name: [unit.code for unit in units] for name, units in by_system(city.units.values()).items()}
        self._after_closing = timedelta(seconds=seconds(city.rulebook.effects.give_up_after))

    async def note_failure(self, system: str, error: str) -> None:
        """Note that a system failed."""
        await self._ledger.run(note_failure, system, error, datetime.now(UTC))

    async def report(self) -> None:
        """Report what is to be reported now; several workers may do so at the same time."""
        for line in await self._ledger.run(self._changes, datetime.now(UTC)):
            log.log(*line)

    def _changes(self, connection: Connection, at: datetime) -> list[tuple[int, str]]:
        down = known_systems(connection, down=True)
        return [line for row in down if row["system"] in self._units for line in self._change(connection, row, at)]

    def _change(self, connection: Connection, row: RowMapping, at: datetime) -> Iterable[tuple[int, str]]:
        name, units = row["system"], self._units[row["system"]]
        since = f"{row['down_since']:%Y-%m-%d %H:%M:%S} UTC"
        # Whichever worker told it something knows that it is back; none needs to say so.
        if told_since(connection, units, row["last_failure_at"]):
            if mark_back(connection, row, at) and row["reported_at"] is not None:
                yield logging.INFO, f"system {name} is back; it was down since {since}"
        elif report_due(row["down_since"], row["failures"], row["reported_at"], at) and mark_reported(
            connection, row, at
        ):
            left = waiting(connection, units, at, self._after_closing).messages
            yield logging.ERROR, f"system {name} is down since {since} ({row['last_error']}); messages waiting: {left}"

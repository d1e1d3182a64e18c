"""The ledger: events of a case, written in order and exactly once."""

from temporalio import activity

from domain.effects import RECORD, Batch
from ledger.database import Ledger
from ledger.recording import record


class Scribe:
    """Writes what happened."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn(name=RECORD)
    async def record(self, batch: Batch) -> None:
        """Append events and show where the case stands; a repetition changes nothing."""
        await self._ledger.run(record, batch.summary, batch.events)

"""The ledger: events of a case, written in order and exactly once."""

from temporalio import activity

from domain.effects import RECORD, Batch
from ledger.cases import record
from ledger.database import Ledger


class Scribe:
    """Writes what happened."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn(name=RECORD)
    async def record(self, batch: Batch) -> None:
        """Append events and show where the case stands; a repetition changes nothing."""
        async with self._ledger.session() as session:
            await record(session, batch.summary, batch.events)

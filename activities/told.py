"""What an effect is about: the case, the event and the text that belong to it, read from the ledger."""

from typing import NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlmodel import col
from temporalio.exceptions import ApplicationError

from domain.effects import Effect
from ledger.database import Ledger
from ledger.models import CaseRow, EventRow, NoteRow

LOOK_UP = (
    select(CaseRow, EventRow, col(NoteRow.text))
    .join(EventRow, and_(col(EventRow.case_number) == col(CaseRow.number), col(EventRow.n) == bindparam("event")))
    .outerjoin(NoteRow, col(NoteRow.id) == col(EventRow.note))
    .where(col(CaseRow.number) == bindparam("case"))
)


class Told(NamedTuple):
    """An effect with everything the ledger knows of it."""

    case: CaseRow
    event: EventRow
    text: str | None


async def look_up(ledger: Ledger, effect: Effect) -> Told:
    """Read what an effect is about. Raises ApplicationError (not retryable) if the ledger has no such event."""
    async with ledger.session() as session:
        found = (await session.execute(LOOK_UP, {"case": effect.case, "event": effect.event})).one_or_none()
    if found is None:
        raise ApplicationError(
            f"The ledger has no event {effect.case}:{effect.event}", type="no_event", non_retryable=True
        )
    return Told(*found)

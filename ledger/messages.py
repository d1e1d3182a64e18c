"""Messages to citizens, units and grids: one row each, with how its sending went."""

from datetime import datetime
from functools import cache
from typing import Literal

from sqlalchemy import Connection, bindparam, update

from domain.effects import Party
from ledger.database import Insert, insert_for
from ledger.models import MessageRow
from ledger.receipts import ACCEPTED, await_receipts, settle_early
from ledger.tables import CASES, MESSAGES

# Asked after the row is there: an erasure at the same time has then ended, or comes after us.
EMPTY_IF_ERASED = (
    update(MESSAGES)
    .where(MESSAGES.c.key == bindparam("of"), MESSAGES.c.case_number == CASES.c.number, CASES.c.erased_at.is_not(None))
    .values(text="")
)

Sending = Literal["sent", "sending", "failed", "dropped", "listed"]
"""`sending` has failed so far and will be tried again; `dropped` is of no use any more and is not; `listed` is sent to
nobody, for people look at our list by themselves."""


def save_attempt(
    connection: Connection,
    key: str,
    *,
    case_number: str,
    event: int,
    party: str,
    template: str,
    text: str,
    status: Sending,
    at: datetime,
    unit: str | None = None,
    reference: str | None = None,
    error: str | None = None,
) -> None:
    """Note how an attempt to send a message ended, with the gateway's reference or the code of its error.

    One row a key, with the number of attempts so far. What was sent stays sent. A receipt that came before us is heeded
    now. Of a message about a case that was erased while it was on its way the text is not kept.
    """
    row = {
        "key": key,
        "case_number": case_number,
        "event": event,
        "party": party,
        "unit": unit,
        "template": template,
        "text": text,
        "status": status,
        "attempts": 1,
        "reference": reference,
        "error": error,
        "created_at": at,
        "sent_at": at if status == "sent" else None,
    }
    if party == Party.CITIZEN:
        await_receipts(connection, reference)
    connection.execute(_save(connection.dialect.name), row)
    connection.execute(EMPTY_IF_ERASED, {"of": key})
    if party == Party.CITIZEN and reference:
        settle_early(connection, reference, at)


@cache
def _save(dialect: str) -> Insert:
    save = insert_for(dialect, MessageRow)
    changing = ("status", "reference", "error", "sent_at")
    return save.on_conflict_do_update(
        index_elements=["key"],
        set_={"attempts": MESSAGES.c.attempts + 1, **{name: save.excluded[name] for name in changing}},
        where=MESSAGES.c.status.not_in(ACCEPTED),
    )

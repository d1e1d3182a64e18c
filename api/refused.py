"""Messages from outside that were refused, for the platform team to look into."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.access import allowed
from api.fields import NUMBER, OptionalLine
from api.service import Jiesu, now
from domain.roles import Actor, may
from ledger.access_log import note_reads
from ledger.models import RefusedRow
from ledger.refused import KEPT_FOR, refusal_counts, refused_messages

CASE = re.compile(NUMBER)

router = APIRouter(tags=["refused messages"])


class RefusedMessage(BaseModel):
    """One message, as it came."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    source: str
    reason: str
    detail: str
    body: str | None = Field(description="Its beginning, as it came; not for admins, since it may be personal.")


class RefusalCount(BaseModel):
    """How many messages of a source were refused for one reason."""

    model_config = ConfigDict(from_attributes=True)

    source: str
    reason: str
    count: int
    last_at: datetime


class RefusedMessages(BaseModel):
    """What was refused: the numbers, and the newest messages."""

    counts: list[RefusalCount]
    messages: list[RefusedMessage]


@router.get("/refused", summary="Refused webhooks and events")
async def read_refused(
    actor: Annotated[Actor, Depends(allowed("read-refused"))],
    jiesu: Jiesu,
    source: Annotated[OptionalLine, Query(description="Such as `unit:zz-water`, `events`, `mqtt`.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RefusedMessages:
    """Unsigned, stale or malformed messages: all counted, the last 1000 of each source kept for 30 days.

    Whoever is shown their bodies is recorded as a reader of the cases that they name.
    """
    whole = may(actor.role, "read-personal")
    async with jiesu.ledger.session() as session:
        counts = await refusal_counts(session)
        messages = await refused_messages(session, source, limit, now() - KEPT_FOR)
        if whole:
            await note_reads(session, actor, sorted({_named(row) for row in messages}), "refused")
    return RefusedMessages(
        counts=[RefusalCount.model_validate(row) for row in counts],
        messages=[_shown(row, whole=whole) for row in messages],
    )


def _shown(row: RefusedRow, *, whole: bool) -> RefusedMessage:
    message = RefusedMessage.model_validate(row)
    return message if whole else message.model_copy(update={"body": None})


def _named(row: RefusedRow) -> str:
    """The case that a message is about, or else the message itself."""
    found = CASE.search(row.body)
    return found[0] if found else f"refused:{row.id}"

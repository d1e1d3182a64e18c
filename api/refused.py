"""Messages from outside that were refused, for the platform team to look into."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.access import allowed
from api.fields import OptionalLine
from api.service import Jiesu
from domain.roles import Actor, may
from ledger.models import RefusedRow
from ledger.refused import refusal_counts, refused_messages

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
    """Unsigned, stale or malformed messages: all of them counted, the last 10,000 of the last 30 days kept."""
    async with jiesu.ledger.session() as session:
        counts, messages = await refusal_counts(session), await refused_messages(session, source, limit)
    return RefusedMessages(
        counts=[RefusalCount.model_validate(row) for row in counts],
        messages=[_shown(row, actor) for row in messages],
    )


def _shown(row: RefusedRow, actor: Actor) -> RefusedMessage:
    message = RefusedMessage.model_validate(row)
    return message if may(actor.role, "read-personal") else message.model_copy(update={"body": None})

"""What happened to a case: its events, messages, measures, how the units' own commitments stand, what sensors say."""

from typing import Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from api.access import Reader
from api.access_log import record_reading
from api.alerts import alerts_of
from api.fields import CaseNumber
from api.masking import words_of
from api.problems import problems
from api.service import Jiesu, now
from api.sight import addressees
from domain import words
from domain.commitment_clocks import CommitmentClock
from domain.effects import Party
from domain.events import EventKind, late_seconds
from domain.roles import Actor, Role
from domain.rulebook import Action
from ledger.alert_overview import CaseAlerts
from ledger.cases import events_of, measures_of, messages_of, notes_of
from ledger.dossier import Measure
from ledger.models import PERSONAL, CaseRow, EventRow, MessageRow

router = APIRouter(tags=["reading"])

SEES_REFERRALS = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.ADMIN})
"""No handler is told of a discipline referral."""
REFERRAL = Action.DISCIPLINE_REFERRAL


class TimelineEvent(BaseModel):
    """One thing that happened."""

    n: int
    at: AwareDatetime
    kind: str
    what: str
    by: str
    by_zh: str
    unit: str | None
    clock: str | None
    due: AwareDatetime | None
    late_seconds: int | None = Field(description="How late it was, in seconds; nothing if it was in time.")
    provisional: bool
    action: str | None
    text: str | None
    facts: dict[str, Any]


class TimelineMessage(BaseModel):
    """A message about the case."""

    key: str
    event: int
    party: str
    unit: str | None
    template: str
    text: str | None
    status: str
    attempts: int
    error: str | None


class Timeline(BaseModel):
    """Everything that happened to a case, in order."""

    number: str
    events: list[TimelineEvent]
    messages: list[TimelineMessage]
    measures: list[Measure]
    commitments: list[CommitmentClock] = Field(description="The units' own (服务承诺), apart from the legal limits.")
    alerts: CaseAlerts | None = Field(description="What sensors say by now of a proactive case (未诉先办); else None.")


@router.get("/cases/{number}/timeline", summary="Read what happened to a case", responses=problems(404, 409))
async def timeline(number: CaseNumber, actor: Reader, jiesu: Jiesu) -> Timeline:
    """Events with when each was due and how late it was, messages sent, measures raised.

    Units and grids get the messages that went to them. Reading it with its personal data is recorded.
    """
    may_see = actor.role in SEES_REFERRALS
    async with jiesu.ledger.session() as session:
        row = await jiesu.find(session, number, actor)
        await record_reading(session, actor, row, "timeline")
        events = await events_of(session, number)
        notes = {note.id: words_of(row, actor, note.text) for note in await notes_of(session, number)}
        messages = await messages_of(session, number)
        measures = await measures_of(session, number)
        alerts = await alerts_of(session, row, actor, jiesu.city)
    addressed = addressees(actor, jiesu.city)
    return Timeline(
        number=number,
        events=[_event(event, notes) for event in events if may_see or not _about_discipline(event)],
        messages=[_message(message, row, actor) for message in messages if addressed(message)],
        measures=[Measure.model_validate(m) for m in measures if may_see or m.action != REFERRAL],
        commitments=jiesu.city.commitments_of(events, now()),
        alerts=alerts,
    )


def _message(message: MessageRow, row: CaseRow, actor: Actor) -> TimelineMessage:
    fields = message.model_dump(include=TimelineMessage.model_fields.keys() - set(PERSONAL))
    return TimelineMessage(**fields, text=words_of(row, actor, message.text))


def _about_discipline(event: EventRow) -> bool:
    """Whether it is a referral, or the failure to deliver one."""
    return event.action == REFERRAL or event.facts.get("party") == Party.DISCIPLINE


def _event(event: EventRow, notes: dict[str, str | None]) -> TimelineEvent:
    what = words.ACTION[Action(event.action)] if event.action else words.EVENT[EventKind(event.kind)]
    return TimelineEvent(
        **event.model_dump(include={"n", "at", "kind", "unit", "clock", "due", "provisional", "action", "facts"}),
        what=what,
        by=event.role,
        by_zh=words.ROLE[Role(event.role)],
        late_seconds=late_seconds(event.at, event.due, event.role),
        text=notes.get(event.note or ""),
    )

"""Reading cases: one, its timeline, and lists with filters and cursor paging."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.access import Reader
from api.fields import CaseNumber, Instant, OptionalLine
from api.problems import problems
from api.service import Service, service
from domain import words
from domain.deadlines import show
from domain.effects import Party
from domain.events import ENGINE_GRACE, EventKind, Status
from domain.roles import Role
from domain.rulebook import Action
from ledger.cases import events_of, measures_of, messages_of, notes_of
from ledger.listing import CaseFilter, list_cases
from ledger.models import CaseRow, EventRow

router = APIRouter(tags=["reading"])

SEES_REFERRALS = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.ADMIN})
"""No handler is told of a discipline referral."""
REFERRAL = Action.DISCIPLINE_REFERRAL


class CaseLine(BaseModel):
    """A case in a list: no name, phone, address or text."""

    model_config = ConfigDict(from_attributes=True)

    number: str
    title: str
    received_at: AwareDatetime
    channel: str
    status: Status
    outcome: str | None
    category: str
    item: str | None
    outage: bool
    province: bool
    marks: list[str]
    lead: str | None
    assisting: list[str]
    grid: str | None
    due: AwareDatetime | None = Field(description="When the nearest limit ends; 24:00 is the next day's first instant.")
    due_clock: str | None
    provisional: bool = Field(description="The due date rests on a calendar not yet officially arranged.")
    breaches: list[str]
    extended: bool
    rework_rounds: int
    hurries: int
    closed_at: AwareDatetime | None


class CaseView(CaseLine):
    """One case as those who work on it see it."""

    name: str | None
    phone: str | None
    address: str | None
    text: str
    longitude: float | None
    latitude: float | None
    original_number: str | None
    rulebook_version: str
    status_zh: str
    due_zh: str | None = Field(description="The due instant as people read it; 24:00 ends its day.")


class CaseList(BaseModel):
    """One page of cases, newest first."""

    items: list[CaseLine]
    next: str | None = Field(description="Cursor of the next page.")


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

    model_config = ConfigDict(from_attributes=True)

    key: str
    event: int
    party: str
    unit: str | None
    template: str
    text: str
    status: str
    attempts: int
    error: str | None


class TimelineMeasure(BaseModel):
    """A measure raised over the case."""

    model_config = ConfigDict(from_attributes=True)

    event: int
    action: str
    unit: str | None
    situation: str | None
    clock: str | None
    due: AwareDatetime | None
    at: AwareDatetime


class Timeline(BaseModel):
    """Everything that happened to a case, in order."""

    number: str
    events: list[TimelineEvent]
    messages: list[TimelineMessage]
    measures: list[TimelineMeasure]


class CaseQuery(CaseFilter):
    """Filters of the list, and where to go on."""

    category: OptionalLine = None
    unit: OptionalLine = Field(default=None, description="A unit that has the case now, leading or assisting.")
    grid: OptionalLine = None
    channel: OptionalLine = None
    phone: OptionalLine = None
    q: OptionalLine = Field(default=None, description="Found in number, title, text or address.")
    due_before: Instant | None = None
    received_from: Instant | None = None
    received_to: Instant | None = Field(default=None, description="Up to, but not at, this instant.")
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


@router.get("/cases", summary="List cases, newest first")
async def many(
    actor: Reader,
    jiesu: Annotated[Service, Depends(service)],
    filters: Annotated[CaseQuery, Query()],
) -> CaseList:
    """Cases that meet every filter given; a unit sees its own only."""
    wanted = CaseFilter(**filters.model_dump(exclude={"cursor", "limit"}))
    if actor.role is Role.UNIT:
        wanted = wanted.model_copy(update={"unit": actor.unit or "-"})
    async with jiesu.ledger.session() as session:
        page = await list_cases(session, wanted, filters.cursor, filters.limit)
    return CaseList(items=[CaseLine.model_validate(row) for row in page.items], next=page.next)


@router.get("/cases/{number}", summary="Read one case", responses=problems(404))
async def one(number: CaseNumber, actor: Reader, jiesu: Annotated[Service, Depends(service)]) -> CaseView:
    """The case as it stands."""
    row = await jiesu.case(number, actor)
    return CaseView(
        **row.model_dump(include=set(CaseView.model_fields)),
        status_zh=words.STATUS[Status(row.status)],
        due_zh=_due(row, jiesu),
    )


@router.get("/cases/{number}/timeline", summary="Read what happened to a case", responses=problems(404))
async def timeline(number: CaseNumber, actor: Reader, jiesu: Annotated[Service, Depends(service)]) -> Timeline:
    """Events with when each was due and how late it was, messages sent, measures raised."""
    await jiesu.case(number, actor)
    may_see = actor.role in SEES_REFERRALS
    async with jiesu.ledger.session() as session:
        events = await events_of(session, number)
        notes = {note.id: note.text for note in await notes_of(session, number)}
        messages = await messages_of(session, number)
        measures = await measures_of(session, number)
    return Timeline(
        number=number,
        events=[_event(event, notes) for event in events if may_see or not _about_discipline(event)],
        messages=[TimelineMessage.model_validate(message) for message in messages],
        measures=[TimelineMeasure.model_validate(m) for m in measures if may_see or m.action != REFERRAL],
    )


def _about_discipline(event: EventRow) -> bool:
    """Whether it is a referral, or the failure to deliver one."""
    return event.action == REFERRAL or event.facts.get("party") == Party.DISCIPLINE


def _event(event: EventRow, notes: dict[str, str]) -> TimelineEvent:
    what = words.ACTION[Action(event.action)] if event.action else words.EVENT[EventKind(event.kind)]
    return TimelineEvent(
        **event.model_dump(include={"n", "at", "kind", "unit", "clock", "due", "provisional", "action", "facts"}),
        what=what,
        by=event.role,
        by_zh=words.ROLE[Role(event.role)],
        late_seconds=_late_seconds(event),
        text=notes.get(event.note or ""),
    )


def _late_seconds(event: EventRow) -> int | None:
    """Whole seconds past the limit; what the engine does by itself has a minute's grace."""
    grace = ENGINE_GRACE if event.role == Role.SYSTEM else timedelta()
    if event.due is None or event.at < event.due + grace:
        return None
    return int((event.at - event.due).total_seconds())


def _due(row: CaseRow, jiesu: Service) -> str | None:
    return show(row.due, jiesu.city.rulebook.days) if row.due else None

"""Tracking (查询进度): what a citizen sees of their case."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from api.access import allowed
from api.fields import CaseNumber
from api.problems import problems
from api.service import Jiesu, Service
from domain import words
from domain.effects import Party
from domain.events import EventKind, Outcome, Status
from domain.roles import Actor
from domain.rulebook import ClockName
from ledger.cases import events_of, messages_of
from ledger.models import CaseRow, EventRow

router = APIRouter(tags=["steps of a citizen"])

PUBLIC = {
    EventKind.RECEIVED: "您的诉求已登记。",
    EventKind.REJECTED: "您反映的事项不属于热线受理范围。",
    EventKind.ANSWERED: "您的诉求已直接答复。",
    EventKind.TRANSFERRED: "您的诉求已转{to}。",
    EventKind.TRANSFER_REQUESTED: "正在联系{to}，待其接收；在此之前由热线负责。",
    EventKind.TRANSFER_ACKNOWLEDGED: "您的诉求已由{to}接收{there}。",
    EventKind.TRANSFER_REFUSED: "{to}未接收，您的诉求仍由热线办理。",
    EventKind.DISPATCHED: "您的诉求已派给{unit}办理。",
    EventKind.REDISPATCHED: "您的诉求已改派给{unit}办理。",
    EventKind.SIGNED_IN: "{unit}已签收。",
    EventKind.OPINION_GIVEN: "{unit}已提出初步意见。",
    EventKind.PROGRESS_REPORTED: "{unit}已反馈办理进度。",
    EventKind.EXTENSION_GRANTED: "办理时间延长至{now}。",
    EventKind.SUSPENSION_GRANTED: "经批准延后办理，最迟于{until}恢复办理。",
    EventKind.RESUMED: "已恢复办理。",
    EventKind.VISITED: "{unit}记录已上门。",
    EventKind.RESULT_SUBMITTED: "{unit}已反馈办理结果。",
    EventKind.GRID_SIGNED_IN: "{unit}已签收。",
    EventKind.GRID_REPORTED: "{unit}已上报现场情况。",
    EventKind.GRID_RESOLVED: "{unit}已现场办理。",
    EventKind.CALLED_BACK: "热线已回访。",
    EventKind.RATED: "您已作出评价。",
    EventKind.REWORK_ORDERED: "已退回{unit}重新办理。",
    EventKind.SUPPLEMENTED: "您已补充诉求。",
    EventKind.HURRIED: "您已催办。",
    EventKind.WITHDRAWN: "您已撤回诉求。",
    EventKind.CLOSED: "诉求已办结：{outcome}。",
}
"""What citizens are shown, and how; what goes on between hotline and units and above them is not for them."""


class PublicStep(BaseModel):
    """One thing that happened to the case."""

    at: AwareDatetime = Field(description="When it happened.")
    at_zh: str = Field(description="The same as people read it.")
    text: str = Field(description="What happened, in one Chinese sentence.")


class SentText(BaseModel):
    """A text message that was sent to the citizen."""

    at: AwareDatetime = Field(description="When it was sent.")
    text: str = Field(description="As it was sent, but for the code, which is masked.")


class Tracked(BaseModel):
    """A case as the citizen sees it."""

    number: str = Field(description="The number of the case.")
    status: Status = Field(description="Where the case stands.")
    status_zh: str = Field(description="The same in Chinese.")
    received_at: AwareDatetime = Field(description="When the request came in.")
    unit: str | None = Field(description="Name of the unit that is responsible now, if any.")
    due: AwareDatetime | None = Field(description="When the nearest limit ends; 24:00 is the next day's first instant.")
    due_zh: str | None = Field(description="The same as people read it; 24:00 ends its day.")
    due_for_zh: str | None = Field(description="What that limit is for.")
    outcome: Outcome | None = Field(description="How the case ended, once it has.")
    outcome_zh: str | None = Field(description="The same in Chinese.")
    closed_at: AwareDatetime | None = Field(description="When the case ended.")
    rating_invited: bool = Field(description="Whether the citizen may rate how the case was handled, now.")
    steps: list[PublicStep] = Field(description="What has happened so far, oldest first.")
    texts: list[SentText] = Field(description="Text messages sent to the citizen, oldest first.")


@router.get("/cases/{number}/track", summary="Follow one's own case", name="track", responses=problems(404, 409))
async def track(
    number: CaseNumber,
    actor: Annotated[Actor, Depends(allowed("track"))],
    jiesu: Jiesu,
) -> Tracked:
    """Where the case stands and what has been done, for the citizen who shows its code."""
    row = await jiesu.case(number, actor)
    async with jiesu.ledger.session() as session:
        events = await events_of(session, number)
        messages = await messages_of(session, number)
    return Tracked(
        **row.model_dump(include={"number", "status", "received_at", "due", "outcome", "closed_at"}),
        **_in_chinese(row, jiesu),
        rating_invited=row.status == Status.CALLBACK,
        steps=[_step(event, jiesu) for event in events if EventKind(event.kind) in PUBLIC],
        texts=[SentText(at=m.sent_at, text=m.text) for m in messages if m.party == Party.CITIZEN and m.sent_at],
    )


def _in_chinese(row: CaseRow, jiesu: Service) -> dict[str, Any]:
    return {
        "status_zh": words.STATUS[Status(row.status)],
        "unit": _name(row.lead, jiesu) if row.lead else None,
        "due_zh": jiesu.local_time(row.due) if row.due else None,
        "due_for_zh": words.CLOCK[ClockName(row.due_clock)] if row.due_clock else None,
        "outcome_zh": words.OUTCOME[Outcome(row.outcome)] if row.outcome else None,
    }


def _step(event: EventRow, jiesu: Service) -> PublicStep:
    return PublicStep(at=event.at, at_zh=jiesu.local_time(event.at), text=_sentence(event, jiesu))


def _sentence(event: EventRow, jiesu: Service) -> str:
    facts = event.facts
    known = {name for name in ("now", "until") if name in facts}
    instants = {name: jiesu.local_time(datetime.fromisoformat(facts[name])) for name in known}
    outcome = words.OUTCOME[Outcome(facts["outcome"])] if "outcome" in facts else ""
    unit, to = _name(event.unit, jiesu), jiesu.city.called(facts.get("to")) or facts.get("to")
    there = f"，受理号：{facts['number']}" if facts.get("number") else ""
    return PUBLIC[EventKind(event.kind)].format(unit=unit, to=to, there=there, outcome=outcome, **instants)


def _name(unit: str | None, jiesu: Service) -> str:
    return jiesu.city.called(unit) or "承办单位"

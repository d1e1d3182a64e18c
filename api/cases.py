"""Reading cases: one, and lists with filters and cursor paging."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.access import Reader
from api.access_log import record_reading
from api.alerts import alerts_of
from api.fields import CaseNumber, Instant, OptionalLine, Phone
from api.masking import personal_of, title_in_list
from api.problems import Problem, problems
from api.service import Jiesu, Service
from api.sight import reads_personal, sight_of
from domain import words
from domain.deadlines import show
from domain.events import Status
from domain.roles import Actor
from ledger.access_log import note_reads
from ledger.alert_overview import CaseAlerts
from ledger.listing import CaseFilter, list_cases
from ledger.models import PERSONAL, CaseRow
from ledger.transfers import Transferred, standing_transfer

router = APIRouter(tags=["reading"])


class CaseLine(BaseModel):
    """A case in a list: no name, phone, address or text, and no number in its title."""

    number: str
    title: str | None = Field(description="None for posts that read no personal data, and once that is erased.")
    received_at: AwareDatetime
    channel: str
    status: Status
    outcome: str | None
    category: str
    item: str | None
    outage: bool
    province: bool
    priority: int = Field(description="1 while it waits for help for a vulnerable resident: listed first; else 0.")
    marks: list[str] = Field(description="Such as no_contact, no_location; unreachable: texts do not arrive.")
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
    erased_at: AwareDatetime | None = Field(description="When the personal data was removed.")
    unreachable_at: AwareDatetime | None = Field(description="Since when texts to its phone do not arrive.")


class TransferView(BaseModel):
    """The partner to which a case was transferred."""

    to: str
    name: str
    at: AwareDatetime = Field(description="When it was offered to the partner.")
    number: str | None = Field(description="Its number there, if the partner has taken it and said one.")


class CaseView(CaseLine):
    """One case as the reader's post needs to see it.

    Posts that read no personal data get name and phone masked, and no title, address, text or position.
    """

    name: str | None
    phone: str | None
    withheld: bool = Field(description="The citizen asked that unit and grid do not learn who they are: they do not.")
    address: str | None
    text: str | None
    longitude: float | None
    latitude: float | None
    vulnerable: list[str] | None = Field(description="`alone`, `elderly`, `disabled`: a home visit is asked for.")
    original_number: str | None
    offered_by: str | None = Field(description="What people call the partner that gave it to us.")
    transfer: TransferView | None = Field(description="The transfer that waits for its partner's answer or was taken.")
    alerts: CaseAlerts | None = Field(description="What sensors say by now of a proactive case (未诉先办); else None.")
    rulebook_version: str
    status_zh: str
    due_zh: str | None = Field(description="The due instant as people read it; 24:00 ends its day.")


class CaseList(BaseModel):
    """One page of cases: open ones of vulnerable residents first, then the newest first."""

    items: list[CaseLine]
    next: str | None = Field(description="Cursor of the next page.")


class CaseQuery(CaseFilter):
    """Filters of the list, and where to go on; `phone` and `q` are for posts that read personal data."""

    category: OptionalLine = None
    unit: OptionalLine = Field(default=None, description="A unit that has the case now, leading or assisting.")
    grid: OptionalLine = None
    channel: OptionalLine = None
    phone: Phone = None
    q: OptionalLine = Field(
        default=None,
        description="Found in number, title, text or address; or the whole number that it has elsewhere.",
    )
    due_before: Instant | None = None
    received_from: Instant | None = None
    received_to: Instant | None = Field(default=None, description="Up to, but not at, this instant.")
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=50, ge=1, le=200)


@router.get("/cases", summary="List cases, the most urgent first, then the newest", responses=problems(409))
async def many(
    actor: Reader,
    jiesu: Jiesu,
    filters: Annotated[CaseQuery, Query()],
) -> CaseList:
    """Cases in the actor's sight that meet every filter given. What a search by phone or words shows is recorded."""
    searching = bool(filters.phone or filters.q)
    if searching and not reads_personal(actor):
        raise _no_searching(actor)
    wanted = CaseFilter(**filters.model_dump(exclude={"cursor", "limit"}))
    async with jiesu.ledger.session() as session:
        sight = sight_of(actor, jiesu.city)
        page = await list_cases(session, wanted, filters.cursor, filters.limit, sight=sight)
        if searching:
            await note_reads(session, actor, [row.number for row in page.items], "search")
    return CaseList(items=[_line(row, actor) for row in page.items], next=page.next)


@router.get("/cases/{number}", summary="Read one case", responses=problems(404, 409))
async def one(number: CaseNumber, actor: Reader, jiesu: Jiesu) -> CaseView:
    """The case as it stands. Reading it with its personal data is recorded."""
    async with jiesu.ledger.session() as session:
        row = await jiesu.find(session, number, actor)
        await record_reading(session, actor, row, "case")
        transfer = await standing_transfer(session, number)
        alerts = await alerts_of(session, row, actor, jiesu.city)
    return CaseView(
        **_plain(row, CaseView),
        **personal_of(row, actor),
        offered_by=_offered_by(row, jiesu),
        transfer=_transfer(transfer, jiesu) if transfer else None,
        alerts=alerts,
        status_zh=words.STATUS[Status(row.status)],
        due_zh=_due(row, jiesu),
    )


def _offered_by(row: CaseRow, jiesu: Service) -> str | None:
    kind, _, code = row.opened_id.partition(":")
    return jiesu.city.called(code) if kind == "partner" else None


def _transfer(transfer: Transferred, jiesu: Service) -> TransferView:
    return TransferView(**asdict(transfer), name=jiesu.city.called(transfer.to) or transfer.to)


def _no_searching(actor: Actor) -> Problem:
    return Problem(
        403,
        "not_your_post",
        f"The role {actor.role} reads no personal data, and may not search by phone or q.",
        "当前岗位无权查看个人信息，不能按电话或文字检索。",
    )


def _line(row: CaseRow, actor: Actor) -> CaseLine:
    return CaseLine(**_plain(row, CaseLine), title=title_in_list(row, actor))


def _plain(row: CaseRow, view: type[CaseLine]) -> dict[str, Any]:
    """What is not personal, with its marks as they stand by now."""
    return row.model_dump(include=view.model_fields.keys() - set(PERSONAL)) | {"marks": _marks(row)}


def _marks(row: CaseRow) -> list[str]:
    """Those of intake, less what somebody has put right since, and that its phone cannot be reached."""
    still = [mark for mark in row.marks if mark != "no_grid" or row.grid is None]
    return [*still, "unreachable"] if row.unreachable_at else still


def _due(row: CaseRow, jiesu: Service) -> str | None:
    return show(row.due, jiesu.city.rulebook.days) if row.due else None

"""The list of cases people search, page by page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Column, ColumnElement, and_, not_, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import Status
from domain.matching import spellings
from ledger.errors import BadCursor
from ledger.models import CaseRow
from ledger.readable import read_cases
from ledger.sight import EVERYTHING, Sight
from ledger.tables import CASE_UNITS, CASES
from ledger.transfers import goes_on_as

EQUAL = ("category", "grid", "channel", "province", "outage")
FORMAT = "%Y-%m-%dT%H:%M:%S.%f"
SEARCHED = ("title", "text", "address")
PRIORITIES = ("0", "1")
ORDER = (CASES.c.priority, CASES.c.received_at, CASES.c.number)


class CaseFilter(BaseModel):
    """Which cases to list; every field given narrows the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: list[Status] = Field(default_factory=list)
    """Any of these; empty means any at all."""
    category: str | None = None
    unit: str | None = None
    """A unit that has the case now, leading or assisting."""
    grid: str | None = None
    overdue: bool | None = None
    """Whether a limit was breached or the nearest one has passed."""
    due_before: AwareDatetime | None = None
    received_from: AwareDatetime | None = None
    received_to: AwareDatetime | None = None
    """Up to, but not at, this instant."""
    channel: str | None = None
    province: bool | None = None
    outage: bool | None = None
    phone: str | None = Field(default=None, repr=False)
    q: str | None = Field(default=None, repr=False)
    """Found literally in number, title, text or address, whether letters are small or capital, and characters of half
    or full width; or the number that it has at a partner, whole."""


@dataclass(frozen=True)
class Page:
    """Some cases, in the order of the list, and the cursor of the next page if there is one."""

    items: list[CaseRow]
    next: str | None


async def list_cases(
    session: AsyncSession,
    filters: CaseFilter,
    cursor: str | None = None,
    limit: int = 50,
    now: datetime | None = None,
    sight: Sight = EVERYTHING,
) -> Page:
    """One page of the cases in sight, by priority and then newest first; `now` (by default the present) decides what
    is overdue.

    One whose citizen's identity is out of sight is not found by phone, and by words only in its number. A case that
    comes in while someone turns pages neither repeats nor hides another; one of high priority that is closed meanwhile
    may come again, in its new place. Raises BadCursor and Unreadable.
    """
    place = tuple_(*ORDER)
    conditions = (*_conditions(filters, now or datetime.now(UTC)), *_searches(filters, sight), *sight.conditions())
    statement = select(CaseRow).where(*conditions)
    if cursor is not None:
        statement = statement.where(place < _decode(cursor))
    first = statement.order_by(*(column.desc() for column in ORDER)).limit(limit + 1)
    found = await read_cases(session, first)
    items = found[:limit]
    return Page(items, _encode(items[-1]) if len(found) > limit else None)


def _conditions(filters: CaseFilter, now: datetime) -> Iterator[ColumnElement[bool]]:
    for name in EQUAL:
        if (value := getattr(filters, name)) is not None:
            yield CASES.c[name] == value
    if filters.status:
        yield CASES.c.status.in_([status.value for status in filters.status])
    if filters.unit is not None:
        yield CASES.c.number.in_(select(CASE_UNITS.c.case_number).where(CASE_UNITS.c.unit == filters.unit))
    if filters.overdue is not None:
        yield _overdue(now) if filters.overdue else _in_time(now)
    if filters.due_before:
        yield CASES.c.due < filters.due_before
    if filters.received_from:
        yield CASES.c.received_at >= filters.received_from
    if filters.received_to:
        yield CASES.c.received_at < filters.received_to


def _searches(filters: CaseFilter, sight: Sight) -> Iterator[ColumnElement[bool]]:
    """Searches through personal data; what is found would tell whose case it is."""
    known = true() if sight.identities else not_(CASES.c.withheld)
    if filters.phone is not None:
        yield and_(known, CASES.c.phone == filters.phone)
    if filters.q:
        said = spellings(filters.q)
        number, *words = (_contains(CASES.c[name], said) for name in ("number", *SEARCHED))
        elsewhere = or_(CASES.c.original_number.in_(said), goes_on_as(said))
        yield or_(number, elsewhere, and_(known, or_(*words)))


def _contains(column: Column[str], said: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(column.icontains(words, autoescape=True) for words in said))


def _overdue(now: datetime) -> ColumnElement[bool]:
    return or_(CASES.c.breached, CASES.c.due < now)


def _in_time(now: datetime) -> ColumnElement[bool]:
    return and_(not_(CASES.c.breached), or_(CASES.c.due.is_(None), CASES.c.due >= now))


def _encode(row: CaseRow) -> str:
    at = row.received_at.astimezone(UTC).strftime(FORMAT)
    return urlsafe_b64encode(f"{row.priority}|{at}|{row.number}".encode()).decode()


def _decode(cursor: str) -> tuple[int, datetime, str]:
    try:
        priority, at, number = urlsafe_b64decode(cursor).decode().split("|")
        received_at = datetime.strptime(at, FORMAT).replace(tzinfo=UTC)
        return PRIORITIES.index(priority), received_at, number.replace("\0", "")
    except ValueError:
        raise BadCursor("no page of ours gave out this cursor") from None

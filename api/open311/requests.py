"""Following requests: anybody those filed through Open311, without a word of whom they are about; staff their lists."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from api.access import actor_of, bearer
from api.fields import Instant
from api.open311.answers import SUFFIX, Suffix, answer, documented
from api.open311.services import V2, OfThisCity
from api.open311.views import RequestView, views
from api.problems import Problem
from api.rates import KNOWN
from api.service import Jiesu, Service, now
from api.sight import sight_of
from domain.open311 import OTHER
from domain.roles import Actor, permitted
from ledger.access_log import note_reads
from ledger.models import CaseRow
from ledger.open311 import Wanted, of_numbers, search
from ledger.sight import Sight

LONGEST_SPAN = timedelta(days=90)
MOST = 1000
LAST_PAGE = 1_000_000

PUBLIC = Sight(open311=True)
"""What anybody may follow."""


class Token(BaseModel):
    """A token, which here is the id itself."""

    service_request_id: str
    token: str


def _plus(value: Any) -> Any:
    # Many apps send the + of an offset as it is, which in a query means a space.
    return value.replace(" ", "+") if isinstance(value, str) else value


def _apart(values: Any) -> Any:
    return [one for value in values for one in map(str.strip, value.split(",")) if one]


Time = Annotated[Instant, BeforeValidator(_plus)]
Word = Annotated[str, StringConstraints(max_length=60)]


class RequestQuery(BaseModel):
    """Which requests to list; several ids, services or statuses with commas between, or one by one."""

    service_request_id: Annotated[list[Word], BeforeValidator(_apart)] = Field(
        default_factory=list, max_length=MOST, description="Overrides all the others."
    )
    service_code: Annotated[list[Word], BeforeValidator(_apart)] = Field(default_factory=list, max_length=MOST)
    start_date: Time | None = Field(default=None, description="Received from this instant on; without it 90 days back.")
    end_date: Time | None = Field(
        default=None, description="Received up to this instant, at most 90 days after the first."
    )
    status: Annotated[list[Literal["open", "closed"]], BeforeValidator(_apart)] = Field(default_factory=list)
    page: int = Field(default=1, ge=1, le=LAST_PAGE)
    page_size: int = Field(default=MOST, ge=1, le=MOST)


async def _asker(request: Request, jiesu: Jiesu) -> Actor | None:
    """Whoever shows a key that may read; None for anybody else, but not for a key that is none. Raises Problem 401."""
    shown = await bearer(request)
    if shown is None:
        return None
    actor = await actor_of(jiesu, shown.credentials)
    setattr(request.state, KNOWN, True)
    return actor if permitted(actor, "read") else None


Asker = Annotated[Actor | None, Depends(_asker)]

router = APIRouter(tags=["open311"], dependencies=[OfThisCity])


@router.get(f"{V2}/requests{SUFFIX}", summary="Requests and where they stand", responses=documented(list[RequestView]))
async def many(suffix: Suffix, query: Annotated[RequestQuery, Query()], asker: Asker, jiesu: Jiesu) -> Response:
    """At most 1,000 requests of 90 days, newest first, or those of certain ids."""
    if query.service_request_id:
        return answer("service_requests", await _of_ids(query.service_request_id, asker, jiesu), suffix)
    wanted = _wanted(query, jiesu)
    async with jiesu.ledger.session() as session:
        rows = await search(session, wanted, _sight(asker, jiesu))
        found = await views(session, rows, asker, jiesu)
    return answer("service_requests", found, suffix)


@router.get(
    f"{V2}/requests/{{service_request_id:georeport_id}}{SUFFIX}",
    summary="One request and where it stands",
    responses=documented(list[RequestView]),
)
async def one(service_request_id: str, suffix: Suffix, asker: Asker, jiesu: Jiesu) -> Response:
    """The request; with its words and place for the key that filed it, which is recorded."""
    return answer("service_requests", await _of_ids([service_request_id], asker, jiesu), suffix)


@router.get(
    f"{V2}/tokens/{{token:georeport_id}}{SUFFIX}", summary="The id of a token", responses=documented(list[Token])
)
async def of_token(token: str, suffix: Suffix, asker: Asker, jiesu: Jiesu) -> Response:
    """Every request has its id at once, so the id is its token too."""
    async with jiesu.ledger.session() as session:
        found = await of_numbers(session, [_kept(token)], _sight(asker, jiesu))
    if not found:
        raise _no_such_request()
    return answer("service_requests", [Token(service_request_id=row.number, token=row.number) for row in found], suffix)


async def _of_ids(ids: Sequence[str], asker: Actor | None, jiesu: Service) -> list[RequestView]:
    """Those of the requests that the asker sees. Raises Problem 404 if it is none of them."""
    async with jiesu.ledger.session() as session:
        rows = await of_numbers(session, [_kept(id) for id in ids], _sight(asker, jiesu))
        own = [row.number for row in rows if _is_own(row, asker) and row.erased_at is None]
        found = await views(session, rows, asker, jiesu, own)
        if asker:
            await note_reads(session, asker, own, "open311")
    if not found:
        raise _no_such_request()
    return found


def _is_own(row: CaseRow, asker: Actor | None) -> bool:
    filed = (row.channel, row.opened_role, row.opened_id)
    return asker is not None and filed == ("open311", asker.role, asker.id)


def _sight(asker: Actor | None, jiesu: Service) -> Sight:
    return sight_of(asker, jiesu.city) if asker else PUBLIC


def _wanted(query: RequestQuery, jiesu: Service) -> Wanted:
    start, end = _span(query.start_date, query.end_date)
    statuses = set(query.status)
    return Wanted(
        received_from=start,
        received_to=end,
        most=query.page_size,
        skip=(query.page - 1) * query.page_size,
        items=_items(query.service_code, jiesu) if query.service_code else None,
        closed="closed" in statuses if len(statuses) == 1 else None,
    )


def _span(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """From when to when; one end alone means 90 days from there. Raises Problem 400."""
    try:
        end = end or (start + LONGEST_SPAN if start else now())
        start = start or end - LONGEST_SPAN
    except OverflowError:
        raise _bad_span() from None
    if not timedelta() <= end - start <= LONGEST_SPAN:
        raise _bad_span()
    return start, end


def _items(codes: Sequence[str], jiesu: Service) -> frozenset[str | None]:
    known = {item.code for item in jiesu.city.catalog.versions}
    if not known.issuperset(set(codes) - {OTHER}):
        raise Problem(404, "unknown_service", "service_code: there is no such service.", "没有这个服务代码。")
    return frozenset(None if code == OTHER and OTHER not in known else code for code in codes)


def _kept(id: str) -> str:
    """An id as a database can look for it."""
    return id.replace("\0", "")


def _no_such_request() -> Problem:
    return Problem(404, "no_such_request", "There is no such service_request_id here.", "没有这个编号的诉求。")


def _bad_span() -> Problem:
    return Problem(
        400,
        "bad_span",
        "start_date and end_date: at most 90 days, and the start first.",
        "起止时间最多相隔90天，且开始时间在前。",
    )

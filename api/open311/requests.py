"""Following requests: anybody those filed through Open311, without a word of whom they are about; staff their lists."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from api.open311.answers import SUFFIX, Suffix, answer, documented
from api.open311.query import RequestQuery, wanted
from api.open311.reader import PAGE, Reading, lifespan
from api.open311.services import V2, OfThisCity
from api.open311.views import RequestView, views
from api.problems import Problem
from domain.roles import Actor
from ledger.access_log import note_reads
from ledger.models import CaseRow
from ledger.open311 import of_numbers, search


class Token(BaseModel):
    """A token, which here is the id itself."""

    service_request_id: str
    token: str


router = APIRouter(tags=["open311"], dependencies=[OfThisCity], lifespan=lifespan)


@router.get(f"{V2}/requests{SUFFIX}", summary="Requests and where they stand", responses=documented(list[RequestView]))
async def many(suffix: Suffix, query: Annotated[RequestQuery, Query()], reader: Reading) -> Response:
    """At most 1,000 requests of 90 days, 100 without a key that may read, newest first; or those of certain ids."""
    await reader.count()
    if query.service_request_id:
        return answer("service_requests", await _of_ids(query.service_request_id, reader), suffix)
    asked = wanted(query, reader.jiesu, reader.most)
    async with reader.session() as session:
        rows = await search(session, asked, reader.sight)
        found = await views(session, rows, reader.asker, reader.jiesu)
    return answer("service_requests", found, suffix)


@router.get(
    f"{V2}/requests/{{service_request_id:georeport_id}}{SUFFIX}",
    summary="One request and where it stands",
    responses=documented(list[RequestView]),
)
async def one(service_request_id: str, suffix: Suffix, reader: Reading) -> Response:
    """The request; with words, place and what the unit reported for the key that filed it, which is recorded."""
    return answer("service_requests", await _of_ids([service_request_id], reader), suffix)


@router.get(
    f"{V2}/tokens/{{token:georeport_id}}{SUFFIX}", summary="The id of a token", responses=documented(list[Token])
)
async def of_token(token: str, suffix: Suffix, reader: Reading) -> Response:
    """Every request has its id at once, so the id is its token too."""
    async with reader.session() as session:
        found = await of_numbers(session, [_kept(token)], reader.sight)
    if not found:
        raise _no_such_request()
    return answer("service_requests", [Token(service_request_id=row.number, token=row.number) for row in found], suffix)


async def _of_ids(ids: Collection[str], reader: Reading) -> list[RequestView]:
    """Those of the requests that the reader sees. Raises Problem 404 if that is none, 400 for too many."""
    if len(ids) > reader.most:
        raise _too_many()
    async with reader.session() as session:
        rows = await of_numbers(session, [_kept(id) for id in ids], reader.sight)
        own = [row.number for row in rows if _is_own(row, reader.asker) and row.erased_at is None]
        found = await views(session, rows, reader.asker, reader.jiesu, own)
        if reader.asker:
            await note_reads(session, reader.asker, own, "open311")
    if not found:
        raise _no_such_request()
    return found


def _is_own(row: CaseRow, asker: Actor | None) -> bool:
    filed = (row.channel, row.opened_role, row.opened_id)
    return asker is not None and filed == ("open311", asker.role, asker.id)


def _kept(id: str) -> str:
    """An id as a database can look for it."""
    return id.replace("\0", "")


def _no_such_request() -> Problem:
    return Problem(404, "no_such_request", "There is no such service_request_id here.", "没有这个编号的诉求。")


def _too_many() -> Problem:
    return Problem(
        400,
        "too_many_ids",
        f"service_request_id: at most {PAGE} without an api_key that may read.",
        f"未持有查询密钥时，一次最多查询{PAGE}个编号。",
    )

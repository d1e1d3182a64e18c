"""Which requests to list: the filters of GeoReport v2, GET Service Requests."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from api.fields import Instant
from api.problems import Problem
from api.service import Service, now
from domain.open311 import OTHER
from ledger.open311 import Wanted

LONGEST_SPAN = timedelta(days=90)
MOST = 1000
LAST_PAGE = 1_000_000


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
        default=None, description="Received up to the end of this second, at most 90 days after the first."
    )
    status: Annotated[list[Literal["open", "closed"]], BeforeValidator(_apart)] = Field(default_factory=list)
    page: int = Field(default=1, ge=1, le=LAST_PAGE)
    page_size: int = Field(default=MOST, ge=1, le=MOST, description="Without an api_key that may read, at most 100.")

    @model_validator(mode="before")
    @classmethod
    def _ids_alone(cls, given: dict[str, Any]) -> dict[str, Any]:
        ids = given.get("service_request_id", [])
        return {"service_request_id": ids} if _apart(ids) else given


def wanted(query: RequestQuery, jiesu: Service, most: int) -> Wanted:
    """What a query without ids asks of the ledger, at most so many to a page. Raises Problem 400 and 404."""
    start, end = _span(query.start_date, query.end_date)
    statuses, size = set(query.status), min(query.page_size, most)
    return Wanted(
        received_from=start,
        received_to=end.replace(microsecond=999_999),
        most=size,
        skip=(query.page - 1) * size,
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


def _bad_span() -> Problem:
    return Problem(
        400,
        "bad_span",
        "start_date and end_date: at most 90 days, and the start first.",
        "起止时间最多相隔90天，且开始时间在前。",
    )

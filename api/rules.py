"""The rules, for anyone to read: the rulebook with its sources, the deadline explainer, catalog, units and grids."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query

from api.access import Reader
from api.fields import LocalInstant
from api.problems import Problem
from api.service import Service, now, service
from domain.catalog import Item, Suggestion
from domain.deadlines import Explanation, explain
from domain.grids import Grid
from domain.limits import Limit
from domain.rulebook import Rulebook
from domain.units import Unit

router = APIRouter(tags=["rules"])

Jiesu = Annotated[Service, Depends(service)]


@router.get("/rulebook", summary="The city's rulebook, with the source of every value")
async def rulebook(_: Reader, jiesu: Jiesu) -> Rulebook:
    """The rulebook under which new cases start."""
    return jiesu.city.rulebook


@router.get("/deadline", summary="When a limit ends, day by day")
async def deadline(
    _: Reader,
    jiesu: Jiesu,
    start: Annotated[LocalInstant, Query(description="ISO 8601; local to the city without an offset.")],
    limit: Annotated[str, Query(max_length=20, examples=["3wd"], description="`3wd`, `2h` or `1d`.")],
    province: Annotated[bool, Query(description="Sent by the province: due earlier.")] = False,
) -> Explanation:
    """Which days count and why the others do not."""
    rules = jiesu.city.rulebook
    local = start if start.tzinfo else start.replace(tzinfo=ZoneInfo(rules.days.zone))
    try:
        length = Limit.parse(limit)
        if province:
            length = length.less(rules.province_deduction)
        return explain(local, length, rules.days, jiesu.city.calendar)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "bad_limit", str(error), "起始时间或时限无效。") from None


@router.get("/catalog", summary="The dispatch catalog")
async def catalog(
    _: Reader, jiesu: Jiesu, on: Annotated[date | None, Query(description="Local day; without it, today.")] = None
) -> list[Item]:
    """Every item in force on that day, with the units it is dispatched to."""
    in_force = jiesu.city.catalog.on(on) if on else jiesu.city.catalog_at(now())
    return list(in_force.items.values())


@router.get("/catalog/suggestions", summary="What the catalog would dispatch a request to")
async def suggestions(
    _: Reader,
    jiesu: Jiesu,
    text: Annotated[str, Query(max_length=4000)],
    address: Annotated[str | None, Query(max_length=200)] = None,
) -> list[Suggestion]:
    """Best first; empty when nothing matches and a person must decide."""
    return jiesu.city.catalog_at(now()).suggest(text, address)


@router.get("/units", summary="The handling units")
async def units(_: Reader, jiesu: Jiesu) -> list[Unit]:
    """Everybody a case can be dispatched to."""
    return list(jiesu.city.units.values())


@router.get("/grids", summary="The grids")
async def grids(_: Reader, jiesu: Jiesu) -> list[Grid]:
    """Streets, communities, micro-grids and exclusive grids."""
    return list(jiesu.city.grids.values())

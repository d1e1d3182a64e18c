"""The rules, for anyone to read: the rulebook with its sources, the deadline explainer, catalog, units and grids."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from shapely.geometry import mapping

from api.access import Reader
from api.fields import LocalDay, LocalInstant
from api.intake import usable_position
from api.problems import Problem
from api.service import Jiesu, now
from domain.catalog import Item, Suggestion
from domain.crews import Crew, crews_at
from domain.deadlines import Explanation, explain
from domain.grids import Grid, Member, who_goes
from domain.limits import Limit
from domain.partners import Partner
from domain.rulebook import Rulebook
from domain.units import Unit

router = APIRouter(tags=["rules"])


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
    local = start if start.tzinfo else start.replace(tzinfo=jiesu.city.zone)
    try:
        length = Limit.parse(limit)
        if province:
            length = length.less(rules.province_deduction)
        return explain(local, length, rules.days, jiesu.city.calendar)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "bad_limit", str(error), "起始时间或时限无效。") from None


@router.get("/catalog", summary="The dispatch catalog")
async def catalog(
    _: Reader, jiesu: Jiesu, on: Annotated[LocalDay | None, Query(description="Local day; without it, today.")] = None
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


@router.get("/partners", summary="Other hotlines and platforms")
async def partners(_: Reader, jiesu: Jiesu) -> list[Partner]:
    """Everybody a case can be transferred to or comes from."""
    return list(jiesu.city.partners.values())


class GridView(Grid):
    """A grid, and where it is."""

    area: dict[str, Any] | None = Field(description="A GeoJSON geometry in WGS 84; none where nobody has drawn it yet.")


class GridFound(BaseModel):
    """The grid of a place, and who goes there."""

    grid: Grid | None = Field(
        description="None outside all grids: a request from there is taken, for a person to route."
    )
    member: Member | None = Field(description="Who goes there.")
    crews: list[Crew] = Field(description="The units' own people there, those of the finest grid first.")


@router.get("/grids", summary="The grids, with their members and areas")
async def grids(_: Reader, jiesu: Jiesu) -> list[GridView]:
    """Streets, communities, micro-grids and exclusive grids."""
    areas = jiesu.city.areas.of
    return [
        GridView(**dict(grid), area=mapping(areas[grid.code]) if grid.code in areas else None)
        for grid in jiesu.city.grids.values()
    ]


@router.get("/grids/at", summary="The grid of a place")
async def grid_at(
    _: Reader,
    jiesu: Jiesu,
    longitude: Annotated[float | None, Query(ge=-180, le=180, description="WGS 84.")] = None,
    latitude: Annotated[float | None, Query(ge=-90, le=90)] = None,
    address: Annotated[str | None, Query(max_length=200)] = None,
) -> GridFound:
    """By position if there is one, else by the words of the address: as at intake."""
    grid = jiesu.city.grid_at(usable_position(longitude, latitude), address)
    code = grid.code if grid else None
    return GridFound(
        grid=grid, member=who_goes(code, jiesu.city.grids), crews=crews_at(code, jiesu.city.crews, jiesu.city.grids)
    )


@router.get("/crews", summary="The units' own grids")
async def crews(_: Reader, jiesu: Jiesu) -> list[Crew]:
    """Crews, keepers and stewards of the utilities, and the grids each looks after."""
    return list(jiesu.city.crews.values())

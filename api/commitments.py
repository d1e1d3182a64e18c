"""How units keep their own commitments."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel

from api.access import allowed
from api.fields import LocalDay
from api.problems import Problem, problems
from api.service import Jiesu, now
from api.sight import sight_of
from domain.commitment_report import Tally, period_of
from domain.roles import Actor
from ledger.commitments import commitment_report

router = APIRouter(tags=["reading"])

UnitCode = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9-]*$", max_length=40, examples=["zz-heat"])]


class CommitmentReport(BaseModel):
    """The commitments of a unit and of those that belong to it."""

    unit: str
    first: date
    last: date
    made_at: AwareDatetime
    commitments: list[Tally]


@router.get(
    "/units/{unit}/commitments", summary="How a unit keeps its own commitments (服务承诺)", responses=problems(404)
)
async def commitments(
    unit: UnitCode,
    actor: Annotated[Actor, Depends(allowed("read-commitments"))],
    jiesu: Jiesu,
    first: Annotated[LocalDay | None, Query(alias="from", description="First local day; without it, `to`.")] = None,
    last: Annotated[LocalDay | None, Query(alias="to", description="Last local day; without it, today.")] = None,
) -> CommitmentReport:
    """What began on those days, as it stands now: kept, missed, running, dropped, in what time; the cases missed.

    These are promises of the unit, apart from the legal limits. A unit sees its own and those of its sub-units.
    """
    units = sight_of(actor, jiesu.city).units
    if unit not in jiesu.city.units or (units is not None and unit not in units):
        raise Problem(404, "no_such_unit", "There is no such unit here.", "没有该承办单位。")
    at = now()
    last = last or jiesu.city.local_day(at)
    first = first or last
    try:
        since, until = period_of(first, last, jiesu.city.zone)
    except ValueError as error:
        raise Problem(422, "bad_period", f"{error}.", "起止日期无效：起始日不得晚于截止日，且最多一年。") from None
    found = await commitment_report(jiesu.ledger, jiesu.city, unit, since, until, at)
    return CommitmentReport(unit=unit, first=first, last=last, made_at=at, commitments=found)

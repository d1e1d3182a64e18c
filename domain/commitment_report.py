"""How units kept their own commitments over some days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from statistics import median
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from domain.commitment_clocks import CommitmentClock
from domain.units import Unit

MOST_DAYS = 366

Found = tuple[str, CommitmentClock]
"""The number of a case, and a commitment in it."""


class Tally(BaseModel):
    """How a unit kept one commitment: in how many orders, in what time, and where not."""

    model_config = ConfigDict(frozen=True)

    unit: str
    code: str
    name: str
    orders: int
    met: int = Field(description="In time: the numerator of the rate.")
    missed: int
    running: int
    dropped: int
    decided: int = Field(description="Met or missed: the denominator of the rate.")
    percent: float | None = Field(description="The rate; none before anything is decided.")
    median_seconds: int | None = Field(description="From the start until it was met, in time or not.")
    p90_seconds: int | None
    missed_cases: list[str]


def period_of(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants (UTC) between which some local days lie, the last included.

    Raises ValueError for days in the wrong order, and for more than a year of them.
    """
    if not 0 <= (last - first).days < MOST_DAYS:
        raise ValueError(f"the first day must come before the last, and at most {MOST_DAYS} days are told at once")
    try:
        since, until = (datetime.combine(day, time.min, zone) for day in (first, last + timedelta(days=1)))
        return since.astimezone(UTC), until.astimezone(UTC)
    except OverflowError:
        raise ValueError("the days must lie within the years 2 to 9998") from None


def tallies(units: Sequence[Unit], found: Sequence[Found]) -> list[Tally]:
    """A tally of each commitment of these units, in the order of the file."""
    return [
        _tally(
            unit.code,
            commitment.code,
            commitment.name,
            [(number, clock) for number, clock in found if (clock.unit, clock.code) == (unit.code, commitment.code)],
        )
        for unit in units
        for commitment in unit.commitments
    ]


def _tally(unit: str, code: str, name: str, found: Sequence[Found]) -> Tally:
    states = [clock.state for _, clock in found]
    met, missed = states.count("met"), states.count("missed")
    took = sorted((clock.met_at - clock.started).total_seconds() for _, clock in found if clock.met_at)
    return Tally(
        unit=unit,
        code=code,
        name=name,
        orders=len(found),
        met=met,
        missed=missed,
        running=states.count("running"),
        dropped=states.count("dropped"),
        decided=met + missed,
        percent=round(100 * met / (met + missed), 1) if met + missed else None,
        median_seconds=int(median(took)) if took else None,
        p90_seconds=int(took[ceil(0.9 * len(took)) - 1]) if took else None,
        missed_cases=sorted({number for number, clock in found if clock.state == "missed"}),
    )

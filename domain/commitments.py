"""服务承诺: what a unit itself has promised of its service, beside the limits of the law, and whether it kept it.

A commitment is read from what is recorded of a case, in natural time. It moves no limit, raises no supervision and
refers nobody.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, StringConstraints, model_validator

from domain.rulebook import Frozen, pause
from domain.tables import Code, Name, written

Deed = Literal["answer", "clear", "visit"]
Start = Literal["order", "result"]

SAME_DAY = "same-day"
Within = Annotated[str, written(f"[1-9][0-9]{{0,2}}(min|m|h)|{SAME_DAY}", f"20min, 8h or {SAME_DAY}")]
"""Minutes (`5min`), hours (`8h`), nights and holidays included, or `same-day`: before 24:00 local time."""


class Commitment(Frozen):
    """One promise of a unit."""

    code: Code
    name: Name
    met_by: Deed
    """The first sign of life, the result, or a visit to the home."""

    starts: Start = "order"
    """With the order (or the order to do it again), until the result; or with the result, until the case is closed."""

    within: Within | None = None
    """Without it, any time before the result or the closing will do."""

    categories: tuple[Code, ...] = ()
    """The requests it is made for, by category of the rulebook; without them all."""

    items: tuple[Code, ...] = ()
    """The same by item of the catalog."""

    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.starts == "result" and self.met_by != "visit":
            raise ValueError("met_by: after the result there is nothing but a visit")
        return self

    def concerns(self, category: str, item: str | None, *, lead: bool) -> bool:
        """Whether it is made for such a request. An assisting unit answers; the lead clears and visits (our value)."""
        return (
            (lead or self.met_by == "answer")
            and (not self.categories or category in self.categories)
            and (not self.items or item in self.items)
        )

    def due(self, began: datetime, zone: ZoneInfo) -> datetime | None:
        """The instant (UTC) before which it must be met."""
        if self.within is None:
            return None
        if self.within == SAME_DAY:
            next_day = began.astimezone(zone).date() + timedelta(days=1)
            return datetime.combine(next_day, time.min, zone).astimezone(UTC)
        return began + pause(self.within)


class Promise(BaseModel):
    """A commitment of an order that goes out now."""

    code: str
    name: str
    due: datetime | None
    """UTC; None: before the result."""


def promised(
    commitments: Iterable[Commitment], began: datetime, zone: ZoneInfo, category: str, item: str | None, *, lead: bool
) -> list[Promise]:
    """What a unit has promised of an order that goes out to it at an instant."""
    return [
        Promise(code=one.code, name=one.name, due=one.due(began, zone))
        for one in commitments
        if one.starts == "order" and one.concerns(category, item, lead=lead)
    ]

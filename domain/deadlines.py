"""When a limit ends, and why: each due instant can be explained day by day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, WithJsonSchema, field_validator, model_validator

from domain.calendar import Day, WorkCalendar, shift
from domain.limits import Limit

# Not the "time" of JSON Schema, which has an offset.
LocalTime = Annotated[time, WithJsonSchema({"type": "string", "examples": ["09:00:00"]})]

_FIRST_DAY = "起始日不计入"
_NATURAL_DAY = "自然日"
_NATURAL_HOURS = "自然小时，昼夜节假日均计"


class DayRules(BaseModel):
    """Where and when a day of the city begins and ends. Times are local, without an offset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = "Asia/Shanghai"
    """IANA time zone of the city."""

    ends: LocalTime | None = None
    """When the last day of a working-day period ends: at 24:00, or at close of business (Civil Code art. 203)."""

    opens: LocalTime = time(9)
    """Opening of business: when warnings and the later rungs of a ladder go out (our decision: never at night)."""

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is not an IANA time zone such as Asia/Shanghai") from None
        return zone

    @model_validator(mode="after")
    def _opens_before_it_ends(self) -> Self:
        if self.opens.tzinfo or (self.ends and self.ends.tzinfo):
            raise ValueError("opens and ends are local times, without an offset")
        if self.ends is not None and self.ends <= self.opens:
            raise ValueError(f"ends ({self.ends:%H:%M}) must be later than opens ({self.opens:%H:%M})")
        return self


class CountedDay(BaseModel, frozen=True):
    """A local day of a period, whether it counted, and why in Chinese."""

    date: date
    counted: bool
    why: str


class Explanation(BaseModel, frozen=True):
    """A due instant with its reasons. `start` and `due` are local, with their offset."""

    start: datetime
    limit: str
    due: datetime
    due_text: str
    """`due` for people: a period that ends with its day is shown as 24:00 of that day, not 00:00 of the next."""
    provisional: bool
    """Whether the due instant may move once the official arrangement of its year is known."""
    calendar: str
    """Version of the calendar counted on."""
    days: list[CountedDay]


def due_at(start: datetime, limit: Limit, rules: DayRules, calendar: WorkCalendar) -> tuple[datetime, bool]:
    """Return the UTC instant at which `limit` ends when it begins at `start`, and whether that is provisional.

    - Working days (`wd`): the local day of `start` is not counted (Civil Code art. 201), then working days are; the
      period ends at 24:00 of the last one, or at `rules.ends` (art. 203).
    - Natural days (`d`): as above, but every day counts and a rest day at the end does not extend it (our decision).
    - Hours and minutes: elapsed time from the instant itself, nights and holidays included (art. 201).

    A due instant is provisional when any day counted or skipped on the way lies outside the calendar's coverage.
    Natural days, hours and minutes ask no calendar, so they never are. Raises `ValueError` when `start` has no offset
    or the result is outside the years 1 to 9999.
    """
    if limit.unit in ("h", "min"):
        return _elapsed(start, limit), False
    last = _local(start, rules).date()
    provisional = False
    for day in _count(last, limit, calendar):
        last = day.date
        provisional = provisional or day.provisional
    return _end(last, limit, rules), provisional


def explain(start: datetime, limit: Limit, rules: DayRules, calendar: WorkCalendar) -> Explanation:
    """Return what `due_at` returns, with every day from the start to the end and why it counted or not.

    For hours and minutes the days are the local days touched. Raises what `due_at` raises.
    """
    local = _local(start, rules)
    first = local.date()
    if limit.unit in ("h", "min"):
        due, provisional = _elapsed(start, limit), False
        touched = (last_day(due, rules) - first).days
        days = [CountedDay(date=shift(first, n), counted=True, why=_NATURAL_HOURS) for n in range(touched + 1)]
    else:
        count = list(_count(first, limit, calendar))
        due, provisional = _end(count[-1].date, limit, rules), any(day.provisional for day in count)
        days = [CountedDay(date=day.date, counted=day.working, why=day.why) for day in count]
        days.insert(0, CountedDay(date=first, counted=False, why=_FIRST_DAY))
    return Explanation(
        start=local,
        limit=str(limit),
        due=_local(due, rules),
        due_text=show(due, rules),
        provisional=provisional,
        calendar=calendar.version,
        days=days,
    )


def rung_at(due: datetime, offset: int, rules: DayRules, calendar: WorkCalendar) -> datetime:
    """Return the UTC instant at which the rung of a ladder `offset` working days from `due` fires (our decision).

    0 is `due` itself. Any other offset is opening of business on that working day before or after the local day the
    limit ends on, whether or not that day is worked. Raises `ValueError` when `due` has no offset or the result is
    outside the years 1 to 9999.
    """
    if offset == 0:
        return _utc(due)
    end = last_day(due, rules)
    day = calendar.next_working(end, offset) if offset > 0 else calendar.previous_working(end, -offset)
    return _instant(day, rules.opens, rules)


def working_days_left(at: datetime, due: datetime, rules: DayRules, calendar: WorkCalendar) -> int:
    """Return the working days a clock paused at `at` has left: those after its local day, the due day included.

    Zero on the due day or later. With any left, the clock resumed ends at
    `due_at(resumed, Limit(amount=left, unit="wd"), …)`.
    Raises `ValueError` when an instant has no offset.
    """
    first, end = _local(at, rules).date(), last_day(due, rules)
    return sum(calendar.is_working(shift(first, n)) for n in range(1, (end - first).days + 1))


def changed_days(
    start: datetime, end: datetime, rules: DayRules, before: WorkCalendar, calendar: WorkCalendar
) -> list[Day]:
    """Return the days of a period, from the day after `start` to that of `end`, worked under one calendar only.

    They are as `calendar` has them. Raises `ValueError` when an instant has no offset.
    """
    return calendar.changes(before, shift(_local(start, rules).date(), 1), last_day(end, rules))


def last_day(instant: datetime, rules: DayRules) -> date:
    """Return the local day that an end at `instant` belongs to: an end at midnight belongs to the day before.

    Raises `ValueError` when `instant` has no offset.
    """
    day = _local(instant, rules).date()
    return shift(day, -1) if _instant(day, time.min, rules) == _utc(instant) else day


def show(instant: datetime, rules: DayRules) -> str:
    """Write an end for people, local: `2026-09-29 14:05`, or `2026-09-29 24:00` when it ends with the day.

    Raises `ValueError` when `instant` has no offset.
    """
    local, day = _local(instant, rules), last_day(instant, rules)
    return f"{day} 24:00" if day < local.date() else f"{day} {local:%H:%M}"


def _count(first: date, limit: Limit, calendar: WorkCalendar) -> Iterator[Day]:
    """Yield the days after `first` up to the last of `limit`; a day counts if it is `working`."""
    if limit.unit == "d":
        for n in range(1, limit.amount + 1):
            yield Day(shift(first, n), True, _NATURAL_DAY, False)
        return
    left, day = limit.amount, first
    while left:
        day = shift(day, 1)
        known = calendar.day(day)
        left -= known.working
        yield known


def _end(last: date, limit: Limit, rules: DayRules) -> datetime:
    if limit.unit == "wd" and rules.ends is not None:
        return _instant(last, rules.ends, rules)
    return _instant(shift(last, 1), time.min, rules)


def _elapsed(start: datetime, limit: Limit) -> datetime:
    length = timedelta(hours=limit.amount) if limit.unit == "h" else timedelta(minutes=limit.amount)
    try:
        return _utc(start) + length
    except OverflowError:
        raise ValueError(f"{limit} from {start.isoformat()} is outside the years 1 to 9999") from None


def _utc(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no offset from UTC, so it is no instant")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{instant.isoformat()} is outside the years 1 to 9999") from None


def _local(instant: datetime, rules: DayRules) -> datetime:
    try:
        return _utc(instant).astimezone(ZoneInfo(rules.zone))
    except OverflowError:
        raise ValueError(f"{instant.isoformat()} is outside the years 1 to 9999 in {rules.zone}") from None


def _instant(day: date, clock: time, rules: DayRules) -> datetime:
    # A midnight that daylight saving skips or repeats is the first instant of its day: what fold=0 means.
    return _utc(datetime.combine(day, clock, ZoneInfo(rules.zone)))

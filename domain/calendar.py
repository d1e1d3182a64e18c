"""Which days are worked: the official arrangement of each year, under the city's own dated overrides."""

from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Self

import chinese_calendar
from holidays import country_holidays
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from domain.errors import config_error_from, read_toml

ESTIMATED_YEARS = 5
"""Years past official coverage for which statutory holidays are estimated."""

_NAMED = 3
"""Days named in one line."""

_WEEKEND = {5: "周六", 6: "周日"}
_WORKED = "工作日"
_MADE_UP = "调休上班"
_FULL_NAMES = {"清明": "清明节", "端午": "端午节", "中秋": "中秋节"}


class Day(NamedTuple):
    """One day: whether it is worked, why in Chinese, and whether that may still change."""

    date: date
    working: bool
    why: str
    provisional: bool


class WorkCalendar(BaseModel, frozen=True):
    """Working days of a city, as plain data. A day is a local date of the city, never an instant."""

    version: str
    """Names the data and ends in their fingerprint, so that two calendars with the same version say the same."""

    covers_from: date
    covers_until: date
    """Official coverage, both days included. Any other day is provisional unless it is `settled`."""

    rest: dict[date, str]
    """Days off that a plain Monday-to-Friday week would work, with their name in Chinese."""

    work: dict[date, str]
    """Days worked that a plain week would rest, or that the city says are worked, with the reason in Chinese."""

    settled: tuple[date, ...] = ()
    """Days outside official coverage that the city itself has decided, in order."""

    def __hash__(self) -> int:
        return hash((self.version, self.covers_from, self.covers_until))

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def day(self, d: date) -> Day:
        """Tell what day `d` is. Where nothing is known of it, it is judged by its weekday and provisional."""
        provisional = not self.covers_from <= d <= self.covers_until and d not in self.settled
        if d in self.work:
            return Day(d, True, self.work[d], provisional)
        if d in self.rest:
            return Day(d, False, self.rest[d], provisional)
        weekday = d.weekday()
        if weekday in _WEEKEND:
            return Day(d, False, _WEEKEND[weekday], provisional)
        return Day(d, True, _WORKED, provisional)

    def is_working(self, d: date) -> bool:
        """Whether `d` is a working day."""
        return self.day(d).working

    def next_working(self, d: date, n: int = 1) -> date:
        """The `n`-th working day after `d`, n at least 1. Raises `ValueError` beyond the last date there is."""
        return self._working(d, n, 1)

    def previous_working(self, d: date, n: int = 1) -> date:
        """The `n`-th working day before `d`, n at least 1. Raises `ValueError` beyond the first date there is."""
        return self._working(d, n, -1)

    def changes(self, before: "WorkCalendar", first: date, last: date) -> list[Day]:
        """The days from `first` to `last`, both included, worked in one of two calendars only, as this one has them."""
        days = (shift(first, n) for n in range((last - first).days + 1))
        return [self.day(d) for d in days if self.is_working(d) is not before.is_working(d)]

    def slice(self, start: date, until: date) -> "WorkCalendar":
        """The part from `start` to `until`, both included, small enough to travel with a case.

        It claims no more than it holds: days outside it are provisional, even if this calendar covers them.
        """
        return WorkCalendar(
            version=self.version,
            covers_from=max(self.covers_from, start),
            covers_until=min(self.covers_until, until),
            rest={d: why for d, why in self.rest.items() if start <= d <= until},
            work={d: why for d, why in self.work.items() if start <= d <= until},
            settled=tuple(d for d in self.settled if start <= d <= until),
        )

    def _working(self, d: date, n: int, step: int) -> date:
        if n < 1:
            raise ValueError(f"the number of working days to go must be at least 1, not {n}")
        while n:
            d = shift(d, step)
            n -= self.is_working(d)
        return d


def shift(d: date, days: int) -> date:
    """The date `days` natural days after `d`. Raises `ValueError` outside the years 1 to 9999."""
    try:
        return d + timedelta(days)
    except OverflowError:
        raise ValueError(f"{days} day(s) from {d} is outside the years 1 to 9999") from None


def name_days(days: Sequence[Day]) -> str:
    """Days in one line: `2026-11-26 全市停工一天 (休)`, those worked with (班), no more than three."""
    named = [f"{day.date} {day.why} ({'班' if day.working else '休'})" for day in days[:_NAMED]]
    return ", ".join(named + ["…"] * (len(days) > _NAMED))


class _Override(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    date: date
    working: bool
    why: str = Field(min_length=1)
    source: str = Field(min_length=1)


class _Overrides(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: str = Field(min_length=1)
    covers_until: date | None = None
    day: list[_Override] = []

    @field_validator("day")
    @classmethod
    def _each_date_once(cls, days: list[_Override]) -> list[_Override]:
        seen: set[date] = set()
        for day in days:
            if day.date in seen:
                raise ValueError(f"{day.date} is given twice")
            seen.add(day.date)
        return days


def load_calendar(overrides: Path) -> WorkCalendar:
    """Build a city's calendar from three layers, the later winning.

    1. The official arrangement of each year (State Council notices, as PyPI `chinesecalendar` holds them).
    2. Past it, for `ESTIMATED_YEARS`, the statutory holidays (PyPI `holidays`); these days stay provisional.
    3. The city's own file `overrides` (TOML: `version`, `covers_until`, `[[day]]` with `date`, `working`, `why`,
       `source`). Its `covers_until` says that the file holds the whole official arrangement up to that day, make-up
       days and days in lieu included; a single day it names past coverage is settled for itself.

    Raises `ConfigError` naming the file, the key and what is wrong with it.
    """
    city = _read_overrides(overrides)
    rest, work = _official()
    official_until = _official_until()
    covers_until = max(official_until, city.covers_until or official_until)
    rest |= _estimated(official_until, covers_until)
    for day in city.day:
        rest.pop(day.date, None)
        work.pop(day.date, None)
        (work if day.working else rest)[day.date] = day.why
    settled = tuple(sorted(day.date for day in city.day if day.date > covers_until))
    sources = f"chinesecalendar {version('chinesecalendar')} + holidays {version('holidays')} + {city.version}"
    return WorkCalendar(
        version=f"{sources} #{_fingerprint(covers_until, sorted(rest.items()), sorted(work.items()), settled)}",
        covers_from=min(chinese_calendar.holidays).replace(month=1, day=1),
        covers_until=covers_until,
        rest=rest,
        work=work,
        settled=settled,
    )


def _read_overrides(path: Path) -> _Overrides:
    try:
        return _Overrides.model_validate(read_toml(path))
    except ValidationError as error:
        raise config_error_from(path, error) from None


def _fingerprint(*contents: object) -> str:
    """Six characters that change with the contents, whether or not whoever edits the file thinks of its `version`."""
    return sha256(repr(contents).encode()).hexdigest()[:6]


def _official() -> tuple[dict[date, str], dict[date, str]]:
    rest = {d: _name(value) for d, value in chinese_calendar.holidays.items() if d.weekday() not in _WEEKEND}
    work = dict.fromkeys(chinese_calendar.workdays, _MADE_UP)
    return rest, work


def _official_until() -> date:
    last: date = max(chinese_calendar.holidays)
    return last.replace(month=12, day=31)


def _name(value: str) -> str:
    name: str = chinese_calendar.Holiday(value).chinese
    return _FULL_NAMES.get(name, name)


def _estimated(official_until: date, covers_until: date) -> dict[date, str]:
    """Statutory holidays on weekdays past the official data; a day in lieu only where the city has not arranged it."""
    years = range(official_until.year + 1, official_until.year + 1 + ESTIMATED_YEARS)
    return {
        d: name.replace("; ", "、")
        for d, name in country_holidays("CN", language="zh_CN", years=years).items()
        if d.weekday() not in _WEEKEND and "调休" not in name and not ("补假" in name and d <= covers_until)
    }

from datetime import date
from pathlib import Path

import pytest

from domain.calendar import WorkCalendar, load_calendar
from temporal.start import travelling_calendar

CITY = Path(__file__).parents[2] / "cities" / "zhengzhou" / "calendar.toml"
RECEIVED = date(2025, 6, 2)


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return load_calendar(CITY)


def test_a_new_case_carries_a_year_and_a_month(calendar: WorkCalendar) -> None:
    part = travelling_calendar(calendar, RECEIVED, RECEIVED)
    assert (part.covers_from, part.covers_until) == (date(2025, 5, 26), date(2026, 7, 7))


def test_a_case_received_500_days_ago_gets_the_days_ahead_of_today(calendar: WorkCalendar) -> None:
    part = travelling_calendar(calendar, RECEIVED, date(2026, 10, 15))
    assert (part.covers_from, part.covers_until) == (date(2025, 5, 26), calendar.covers_until)
    assert part.day(date(2025, 10, 1)) == calendar.day(date(2025, 10, 1))
    assert part.day(date(2026, 10, 10)) == calendar.day(date(2026, 10, 10))
    # 400 days on: the estimates of the next year come too.
    assert max(part.rest) == max(d for d in calendar.rest if d <= date(2027, 11, 19))


def test_a_clock_behind_the_receipt_takes_nothing_away(calendar: WorkCalendar) -> None:
    assert travelling_calendar(calendar, RECEIVED, date(2025, 6, 1)) == travelling_calendar(
        calendar, RECEIVED, RECEIVED
    )

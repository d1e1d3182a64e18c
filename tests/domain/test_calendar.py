import copy
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.calendar import Day, WorkCalendar, load_calendar
from domain.errors import ConfigError

CITY = Path(__file__).parents[2] / "cities" / "zhengzhou" / "calendar.toml"
Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return load_calendar(CITY)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "calendar.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def override(day: str, working: bool, why: str = "市里决定") -> str:
    return f'[[day]]\ndate = {day}\nworking = {str(working).lower()}\nwhy = "{why}"\nsource = "郑政〔2026〕1号"\n'


def year(number: int) -> list[date]:
    first = date(number, 1, 1)
    return [first + timedelta(n) for n in range((date(number + 1, 1, 1) - first).days)]


@pytest.mark.parametrize(("number", "made_up", "worked"), [(2024, 8, 251), (2025, 5, 248), (2026, 6, 248)])
def test_official_counts(calendar: WorkCalendar, number: int, made_up: int, worked: int) -> None:
    days = [calendar.day(d) for d in year(number)]
    assert sum(day.working for day in days) == worked
    assert sum(day.working and day.date.weekday() >= 5 for day in days) == made_up
    assert not any(day.provisional for day in days)


@pytest.mark.parametrize(
    ("d", "working", "why"),
    [
        (date(2026, 9, 20), True, "调休上班"),
        (date(2026, 9, 24), True, "工作日"),
        (date(2026, 9, 25), False, "中秋节"),
        (date(2026, 9, 26), False, "周六"),
        (date(2026, 9, 27), False, "周日"),
        (date(2026, 10, 1), False, "国庆节"),
        (date(2026, 10, 7), False, "国庆节"),
        (date(2026, 10, 10), True, "调休上班"),
        (date(2026, 2, 23), False, "春节"),
        (date(2026, 4, 6), False, "清明节"),
        (date(2026, 6, 19), False, "端午节"),
        (date(2026, 1, 2), False, "元旦"),
        (date(2026, 5, 5), False, "劳动节"),
    ],
)
def test_day(calendar: WorkCalendar, d: date, working: bool, why: str) -> None:
    assert calendar.day(d) == Day(d, working, why, provisional=False)
    assert calendar.is_working(d) is working


def test_coverage_is_what_the_data_knows(calendar: WorkCalendar) -> None:
    assert (calendar.covers_from, calendar.covers_until) == (date(2004, 1, 1), date(2026, 12, 31))
    assert not calendar.day(date(2004, 1, 1)).provisional
    assert calendar.day(date(2003, 12, 31)).provisional
    assert "chinesecalendar 1." in calendar.version
    assert "zhengzhou" in calendar.version


@pytest.mark.parametrize(
    ("d", "working", "why"),
    [
        (date(2027, 1, 1), False, "元旦"),
        (date(2027, 1, 4), True, "工作日"),
        (date(2027, 1, 9), False, "周六"),
        (date(2027, 2, 5), False, "农历除夕"),
        (date(2027, 2, 9), False, "春节（补假）"),
        (date(2028, 10, 3), False, "中秋节、国庆节"),
        (date(2090, 10, 1), False, "周日"),
        (date(2090, 10, 2), True, "工作日"),
    ],
)
def test_past_coverage_is_provisional(calendar: WorkCalendar, d: date, working: bool, why: str) -> None:
    assert calendar.day(d) == Day(d, working, why, provisional=True)


def test_next_and_previous_working(calendar: WorkCalendar) -> None:
    assert calendar.next_working(date(2026, 9, 30)) == date(2026, 10, 8)
    assert calendar.next_working(date(2026, 9, 30), 3) == date(2026, 10, 10)
    assert calendar.next_working(date(2026, 10, 3)) == date(2026, 10, 8)
    assert calendar.previous_working(date(2026, 10, 8)) == date(2026, 9, 30)
    assert calendar.previous_working(date(2026, 9, 21)) == date(2026, 9, 20)
    with pytest.raises(ValueError, match="at least 1"):
        calendar.next_working(date(2026, 9, 30), 0)
    with pytest.raises(ValueError, match="9999"):
        calendar.next_working(date.max)


def test_slice_is_small_and_honest(calendar: WorkCalendar) -> None:
    part = calendar.slice(date(2026, 9, 1), date(2026, 10, 31))
    assert len(part.model_dump_json()) < 600
    assert part.version == calendar.version
    assert (part.covers_from, part.covers_until) == (date(2026, 9, 1), date(2026, 10, 31))
    for d in year(2026):
        inside = date(2026, 9, 1) <= d <= date(2026, 10, 31)
        assert part.day(d).provisional is not inside
        if inside:
            assert part.day(d) == calendar.day(d)


def test_slice_past_coverage_claims_none(calendar: WorkCalendar) -> None:
    assert calendar.slice(date(2026, 12, 1), date(2027, 3, 1)).covers_until == date(2026, 12, 31)
    late = calendar.slice(date(2027, 1, 1), date(2027, 12, 31))
    assert all(late.day(d) == calendar.day(d) and late.day(d).provisional for d in year(2027))


def test_travels_as_json(calendar: WorkCalendar) -> None:
    assert WorkCalendar.model_validate_json(calendar.model_dump_json()) == calendar
    assert copy.deepcopy(calendar) is calendar


def test_overrides_win_both_ways(write: Write) -> None:
    days = [("2026-10-08", False), ("2026-10-06", True), ("2026-10-10", False), ("2026-10-17", True)]
    calendar = load_calendar(write('version = "x 1"\n' + "".join(override(*day) for day in days)))
    for text, working in days:
        d = date.fromisoformat(text)
        assert calendar.day(d) == Day(d, working, "市里决定", provisional=False)
    assert calendar.day(date(2026, 10, 7)).why == "国庆节"
    assert re.fullmatch(r"chinesecalendar .* \+ x 1 #[0-9a-f]{6}", calendar.version)


def test_the_version_tells_contents_apart(write: Write) -> None:
    def version(text: str) -> str:
        return load_calendar(write('version = "x"\n' + text)).version

    off, worked = override("2026-10-08", False), override("2026-10-17", True)
    versions = [
        version(text)
        for text in (
            "",
            off,
            worked,
            off + worked,
            off.replace("false", "true"),
            override("2026-10-08", False, why="停工"),
            "covers_until = 2027-12-31",
        )
    ]
    assert len(set(versions)) == len(versions)
    assert version(off + worked) == version("# the same days\n" + worked + off)


def test_changes_are_the_days_worked_in_one_and_not_in_the_other(write: Write, calendar: WorkCalendar) -> None:
    days = override("2026-10-08", False) + override("2026-10-10", False) + override("2026-10-11", True)
    changed = load_calendar(write('version = "x"\n' + days + override("2026-10-09", True, why="照常")))
    first, last = date(2026, 10, 1), date(2026, 10, 10)
    assert changed.changes(calendar, first, last) == [changed.day(date(2026, 10, 8)), changed.day(last)]
    assert changed.changes(calendar, last, first) == []
    assert calendar.changes(changed, last, last) == [Day(last, True, "调休上班", provisional=False)]
    assert calendar.changes(calendar, first, last) == []


def test_an_override_past_coverage_settles_that_day_only(write: Write) -> None:
    text = (
        'version = "x"\n' + override("2027-02-09", True) + override("2027-01-04", False) + override("2027-01-05", True)
    )
    calendar = load_calendar(write(text)).slice(date(2026, 12, 1), date(2027, 12, 31))
    assert calendar.day(date(2027, 1, 4)) == Day(date(2027, 1, 4), False, "市里决定", provisional=False)
    assert calendar.day(date(2027, 1, 5)) == Day(date(2027, 1, 5), True, "市里决定", provisional=False)
    assert calendar.day(date(2027, 2, 9)) == Day(date(2027, 2, 9), True, "市里决定", provisional=False)
    assert calendar.day(date(2027, 1, 6)).provisional


def test_the_city_may_load_the_next_year(write: Write) -> None:
    calendar = load_calendar(write('version = "x"\ncovers_until = 2027-12-31\n' + override("2027-02-20", True)))
    assert calendar.covers_until == date(2027, 12, 31)
    assert calendar.day(date(2027, 2, 20)) == Day(date(2027, 2, 20), True, "市里决定", provisional=False)
    assert calendar.day(date(2027, 10, 1)) == Day(date(2027, 10, 1), False, "国庆节", provisional=False)
    # Which day is given in lieu is the arrangement's to say, no longer ours to guess.
    assert calendar.day(date(2027, 2, 9)) == Day(date(2027, 2, 9), True, "工作日", provisional=False)
    assert calendar.day(date(2028, 1, 3)) == Day(date(2028, 1, 3), False, "元旦（补假）", provisional=True)


def test_covers_until_never_takes_official_days_away(write: Write) -> None:
    assert load_calendar(write('version = "x"\ncovers_until = 2025-12-31')).covers_until == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ('version = "x"\ncolour = 1', "colour", "unknown key"),
        ("", "version", "is missing"),
        ("version = 3", "version", "valid string"),
        ('version = ""', "version", "at least 1 character"),
        ('version = "x"\ncovers_until = "2027-12-31"', "covers_until", "valid date"),
        ('version = "x"\n' + override('"2026-13-01"', True), "day.0.date", "valid date"),
        ('version = "x"\n' + override("5", True), "day.0.date", "valid date"),
        ('version = "x"\n' + override("2026-10-08T00:00:00", True), "day.0.date", "valid date"),
        (
            'version = "x"\n' + override("2026-10-08", True).replace("= true", '= "yes"'),
            "day.0.working",
            "valid boolean",
        ),
        ('version = "x"\n' + override("2026-10-08", True, why=""), "day.0.why", "at least 1 character"),
        ('version = "x"\n' + override("2026-10-08", True) + "note = 1", "day.0.note", "unknown key"),
        (
            'version = "x"\n' + override("2026-10-08", True) + override("2026-10-08", False),
            "day",
            "2026-10-08 .* twice",
        ),
        (
            'version = "x"\n[[day]]\ndate = 2026-10-08',
            "day.0.working",
            r"working: is missing; day\.0\.why: is missing; day\.0\.source: is missing$",
        ),
        (
            'version = "x"\na = 1\nb = 1\nc = 1\nd = 1\ne = 1\nf = 1\ng = 1',
            "a",
            "a: unknown key; b: .*; e: unknown key; and 2 more$",
        ),
        ('version = "x"\nday = 3', "day", "valid list"),
        ('version = "x"\n[[day]]\ndate = 2026-13-01', "", "not valid TOML.*line 3"),
        ("version =\n", "", "not valid TOML.*line 1"),
        ('version = "x', "", "not valid TOML.*end of document"),
    ],
)
def test_a_malformed_file_names_itself_its_key_and_the_problem(write: Write, text: str, key: str, problem: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_calendar(path)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{path}: {key}: " if key else f"{path}: ")
    assert "\n" not in str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_calendar(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_calendar(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'version = "\xe9"')
    with pytest.raises(ConfigError, match="UTF-8"):
        load_calendar(latin)

import copy
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain.calendar import WorkCalendar, load_calendar
from domain.deadlines import DayRules, Explanation, due_at, explain, rung_at, show, working_days_left
from domain.limits import Limit

CALENDAR = load_calendar(Path(__file__).parents[2] / "cities" / "zhengzhou" / "calendar.toml")
SHANGHAI = DayRules()
OFFICE = DayRules(ends=time(17, 30))
BERLIN = DayRules(zone="Europe/Berlin")
PLAIN = WorkCalendar(version="plain", covers_from=date.min, covers_until=date.max, rest={}, work={})


def at(text: str, rules: DayRules = SHANGHAI) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(rules.zone))


def due(start: str, limit: str, rules: DayRules = SHANGHAI, calendar: WorkCalendar = CALENDAR) -> str:
    instant, _ = due_at(at(start, rules), Limit.parse(limit), rules, calendar)
    assert instant.tzinfo is UTC
    return show(instant, rules)


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        # Mid-Autumn 2026: Fri 25 to Sun 27 September at rest.
        ("2026-09-24T10:00", "3wd", "2026-09-30 24:00"),
        ("2026-09-24T10:00", "1wd", "2026-09-28 24:00"),
        # Sun 20 September made up; 1 to 7 October at rest; Sat 10 October made up.
        ("2026-09-19T10:00", "1wd", "2026-09-20 24:00"),
        ("2026-09-20T10:00", "1wd", "2026-09-21 24:00"),
        ("2026-09-24T10:00", "4wd", "2026-10-08 24:00"),
        ("2026-09-30T10:00", "3wd", "2026-10-10 24:00"),
        ("2026-09-30T10:00", "4wd", "2026-10-12 24:00"),
        ("2026-09-18T09:00", "10wd", "2026-10-09 24:00"),
        # A start on a rest day: that day does not count, nor do the rest days after it.
        ("2026-10-03T12:00", "1wd", "2026-10-08 24:00"),
        ("2026-09-26T12:00", "3wd", "2026-09-30 24:00"),
        # Spring Festival 2026: 15 to 23 February at rest, Sat 14 and Sat 28 made up.
        ("2026-02-13T16:00", "1wd", "2026-02-14 24:00"),
        ("2026-02-13T16:00", "2wd", "2026-02-24 24:00"),
        ("2026-02-13T16:00", "5wd", "2026-02-27 24:00"),
        ("2026-02-13T16:00", "6wd", "2026-02-28 24:00"),
        ("2026-02-17T00:30", "3wd", "2026-02-26 24:00"),
        # 2025: Sun 26 January and Sat 8 February made up around 28 January to 4 February.
        ("2025-01-24T10:00", "3wd", "2025-02-05 24:00"),
        ("2025-01-24T10:00", "1wd", "2025-01-26 24:00"),
        ("2025-02-07T10:00", "1wd", "2025-02-08 24:00"),
        ("2025-09-26T10:00", "1wd", "2025-09-28 24:00"),
        ("2025-09-30T10:00", "3wd", "2025-10-11 24:00"),
        # 2024: Sun 4 and Sun 18 February, Sun 29 September and Sat 12 October made up.
        ("2024-02-02T10:00", "1wd", "2024-02-04 24:00"),
        ("2024-02-09T10:00", "1wd", "2024-02-18 24:00"),
        ("2024-09-30T10:00", "5wd", "2024-10-12 24:00"),
        # The local day decides, to the second and whatever the offset of the start.
        ("2026-09-28T00:00:00", "1wd", "2026-09-29 24:00"),
        ("2026-09-27T23:59:59", "1wd", "2026-09-28 24:00"),
        ("2026-09-28T23:59:59", "1wd", "2026-09-29 24:00"),
        ("2026-09-24T23:30-05:00", "1wd", "2026-09-28 24:00"),
        ("2026-09-28T11:00-05:00", "1wd", "2026-09-30 24:00"),
        ("2026-09-28T15:59:59Z", "1wd", "2026-09-29 24:00"),
        ("2026-09-28T16:00:00Z", "1wd", "2026-09-30 24:00"),
        # Natural days: rest days count and do not extend.
        ("2026-09-30T10:00", "1d", "2026-10-01 24:00"),
        ("2026-09-30T23:59:59", "3d", "2026-10-03 24:00"),
        # Hours and minutes run from the instant, nights and holidays included.
        ("2026-09-30T23:10", "2h", "2026-10-01 01:10"),
        ("2026-10-03T22:00", "2h", "2026-10-03 24:00"),
        ("2026-10-03T23:50", "30min", "2026-10-04 00:20"),
        ("2026-09-24T10:00", "24h", "2026-09-25 10:00"),
    ],
)
def test_due(start: str, limit: str, expected: str) -> None:
    assert due(start, limit) == expected


def test_the_day_ends_with_the_first_instant_of_the_next() -> None:
    instant, provisional = due_at(at("2026-09-24T10:00"), Limit.parse("3wd"), SHANGHAI, CALENDAR)
    assert instant == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert not provisional


@pytest.mark.parametrize(
    ("start", "limit", "expected", "provisional"),
    [
        ("2026-12-30T10:00", "1wd", "2026-12-31 24:00", False),
        ("2026-12-30T10:00", "2wd", "2027-01-04 24:00", True),
        ("2026-12-31T10:00", "1wd", "2027-01-04 24:00", True),
        ("2026-12-31T23:00", "2h", "2027-01-01 01:00", False),
        ("2026-12-31T10:00", "1d", "2027-01-01 24:00", False),
        ("2027-02-04T10:00", "1wd", "2027-02-11 24:00", True),
        ("2090-09-29T10:00", "2wd", "2090-10-03 24:00", True),
        ("2003-12-31T10:00", "1wd", "2004-01-02 24:00", False),
        ("2003-12-30T10:00", "1wd", "2003-12-31 24:00", True),
    ],
)
def test_provisional(start: str, limit: str, expected: str, provisional: bool) -> None:
    instant, flag = due_at(at(start), Limit.parse(limit), SHANGHAI, CALENDAR)
    assert (show(instant, SHANGHAI), flag) == (expected, provisional)


def test_year_end_is_not_provisional_on_its_last_day() -> None:
    explanation = explain(at("2026-12-30T10:00"), Limit.parse("1wd"), SHANGHAI, CALENDAR)
    assert explanation.due.isoformat() == "2027-01-01T00:00:00+08:00"
    assert explanation.due_text == "2026-12-31 24:00"
    assert not explanation.provisional


def test_close_of_business() -> None:
    assert due("2026-09-24T10:00", "3wd", OFFICE) == "2026-09-30 17:30"
    assert due("2026-09-24T23:59", "1wd", OFFICE) == "2026-09-28 17:30"
    assert due("2026-09-30T10:00", "1d", OFFICE) == "2026-10-01 24:00"
    assert due("2026-09-30T17:00", "2h", OFFICE) == "2026-09-30 19:00"


@pytest.mark.parametrize(
    ("start", "limit", "rules", "utc"),
    [
        # Clocks go forward on 2026-03-29 and back on 2026-10-25.
        ("2026-03-27T12:00", "1wd", BERLIN, "2026-03-30T22:00Z"),
        ("2026-03-26T12:00", "1wd", BERLIN, "2026-03-27T23:00Z"),
        ("2026-03-28T12:00", "1d", BERLIN, "2026-03-29T22:00Z"),
        ("2026-10-24T12:00", "1d", BERLIN, "2026-10-25T23:00Z"),
        ("2026-03-28T12:00", "24h", BERLIN, "2026-03-29T11:00Z"),
        ("2026-10-25T00:30", "3h", BERLIN, "2026-10-25T01:30Z"),
        # In São Paulo 2018-11-04 began at 01:00: its midnight never was.
        ("2018-11-02T12:00", "1d", DayRules(zone="America/Sao_Paulo"), "2018-11-04T03:00Z"),
        # In Havana 2018-11-04 had two midnights: the day before ended at the first.
        ("2018-11-02T12:00", "1d", DayRules(zone="America/Havana"), "2018-11-04T04:00Z"),
    ],
)
def test_daylight_saving(start: str, limit: str, rules: DayRules, utc: str) -> None:
    instant, _ = due_at(at(start, rules), Limit.parse(limit), rules, PLAIN)
    assert instant == datetime.fromisoformat(utc)
    if limit.endswith("d"):
        assert show(instant, rules).endswith(" 24:00")


def test_overrides_move_what_is_due() -> None:
    closed = CALENDAR.model_copy(update={"rest": CALENDAR.rest | {date(2026, 9, 29): "市里决定"}})
    assert due("2026-09-24T10:00", "3wd", calendar=closed) == "2026-10-08 24:00"


def test_a_provisional_day_on_the_way_is_enough() -> None:
    settled = CALENDAR.model_copy(update={"settled": (date(2027, 1, 5),)})
    assert due_at(at("2026-12-31T10:00"), Limit.parse("2wd"), SHANGHAI, settled)[1] is True
    assert due_at(at("2027-01-04T10:00"), Limit.parse("1wd"), SHANGHAI, settled)[1] is False


def test_a_slice_counts_the_same() -> None:
    part = CALENDAR.slice(date(2026, 9, 1), date(2026, 10, 31))
    start = at("2026-09-24T10:00")
    assert explain(start, Limit.parse("10wd"), SHANGHAI, part) == explain(
        start, Limit.parse("10wd"), SHANGHAI, CALENDAR
    )


def test_explain_day_by_day() -> None:
    explanation = explain(at("2026-09-24T02:00Z"), Limit.parse("3wd"), SHANGHAI, CALENDAR)
    assert [(day.date.day, day.counted, day.why) for day in explanation.days] == [
        (24, False, "起始日不计入"),
        (25, False, "中秋节"),
        (26, False, "周六"),
        (27, False, "周日"),
        (28, True, "工作日"),
        (29, True, "工作日"),
        (30, True, "工作日"),
    ]
    assert explanation.start.isoformat() == "2026-09-24T10:00:00+08:00"
    assert explanation.due.isoformat() == "2026-10-01T00:00:00+08:00"
    assert explanation.due_text == "2026-09-30 24:00"
    assert (explanation.limit, explanation.calendar) == ("3wd", CALENDAR.version)
    assert Explanation.model_validate_json(explanation.model_dump_json()) == explanation


def test_explain_what_needs_no_calendar() -> None:
    hours = explain(at("2026-09-30T23:00"), Limit.parse("2h"), SHANGHAI, CALENDAR)
    assert [day.date for day in hours.days] == [date(2026, 9, 30), date(2026, 10, 1)]
    assert {(day.counted, day.why) for day in hours.days} == {(True, "自然小时，昼夜节假日均计")}
    assert len(explain(at("2026-09-30T22:00"), Limit.parse("2h"), SHANGHAI, CALENDAR).days) == 1
    days = explain(at("2026-09-30T23:00"), Limit.parse("1d"), SHANGHAI, CALENDAR).days
    assert [(day.counted, day.why) for day in days] == [(False, "起始日不计入"), (True, "自然日")]


@pytest.mark.parametrize(
    ("end", "offset", "rules", "expected"),
    [
        ("2026-10-09T00:00", 0, SHANGHAI, "2026-10-09T00:00"),
        ("2026-10-09T00:00", -1, SHANGHAI, "2026-09-30T09:00"),
        ("2026-10-09T00:00", 1, SHANGHAI, "2026-10-09T09:00"),
        ("2026-10-09T00:00", 2, SHANGHAI, "2026-10-10T09:00"),
        ("2026-10-08T17:30", -1, OFFICE, "2026-09-30T09:00"),
        ("2026-10-08T17:30", 1, OFFICE, "2026-10-09T09:00"),
        # A limit in hours may end on a rest day: count from there all the same.
        ("2026-10-03T14:00", -1, SHANGHAI, "2026-09-30T09:00"),
        ("2026-10-03T14:00", 1, SHANGHAI, "2026-10-08T09:00"),
        ("2026-10-09T00:00", 1, DayRules(opens=time(8, 30)), "2026-10-09T08:30"),
    ],
)
def test_rung_at(end: str, offset: int, rules: DayRules, expected: str) -> None:
    assert rung_at(at(end), offset, rules, CALENDAR) == at(expected)


@pytest.mark.parametrize(
    ("paused", "end", "left"),
    [
        ("2026-09-28T10:00", "2026-10-01T00:00", 2),
        ("2026-09-30T10:00", "2026-10-01T00:00", 0),
        ("2026-09-24T10:00", "2026-10-09T00:00", 4),
        ("2026-10-12T10:00", "2026-10-09T00:00", 0),
        ("2026-09-30T00:00", "2026-10-10T12:00", 3),
    ],
)
def test_working_days_left(paused: str, end: str, left: int) -> None:
    assert working_days_left(at(paused), at(end), SHANGHAI, CALENDAR) == left


def test_show() -> None:
    assert show(at("2026-09-30T00:00"), SHANGHAI) == "2026-09-29 24:00"
    assert show(at("2026-09-29T14:05:59"), SHANGHAI) == "2026-09-29 14:05"
    assert show(at("2026-09-29T14:05Z"), SHANGHAI) == "2026-09-29 22:05"


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"zone": "Asia/Zhengzhou"}, "IANA"),
        ({"zone": "../etc"}, "IANA"),
        ({"zone": "Asia"}, "IANA"),
        ({"zone": ""}, "IANA"),
        ({"ends": "08:00"}, "later than opens"),
        ({"opens": "09:00+08:00"}, "without an offset"),
        ({"close": "18:00"}, "Extra inputs"),
    ],
)
def test_day_rules_are_checked(rules: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        DayRules.model_validate(rules)


def test_day_rules_are_a_value() -> None:
    assert copy.deepcopy(OFFICE) is OFFICE
    assert DayRules.model_validate_json(OFFICE.model_dump_json()) == OFFICE


@pytest.mark.parametrize("limit", ["3wd", "3d", "3h", "3min"])
def test_a_start_needs_an_offset(limit: str) -> None:
    naive = datetime(2026, 9, 24, 10)  # noqa: DTZ001
    for count in (due_at, explain):
        with pytest.raises(ValueError, match="no offset"):
            count(naive, Limit.parse(limit), SHANGHAI, CALENDAR)


@pytest.mark.parametrize("limit", ["1wd", "999wd", "1d", "24h", "999min"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_beyond_the_last_year_is_a_sentence(limit: str, zone: str) -> None:
    rules = DayRules(zone=zone)
    for count in (due_at, explain):
        with pytest.raises(ValueError, match="outside the years 1 to 9999"):
            count(datetime(9999, 12, 31, 15, 59, tzinfo=UTC), Limit.parse(limit), rules, CALENDAR)


def test_before_the_first_year_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        due_at(at("0001-01-01T00:00+14:00"), Limit.parse("1wd"), SHANGHAI, CALENDAR)
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        rung_at(datetime(1, 1, 1, tzinfo=UTC), -1, SHANGHAI, CALENDAR)

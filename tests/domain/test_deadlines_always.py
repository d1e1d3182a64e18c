from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import load_calendar
from domain.deadlines import DayRules, due_at, explain, last_day, rung_at, show, working_days_left
from domain.limits import Limit

CALENDAR = load_calendar(Path(__file__).parents[2] / "cities" / "zhengzhou" / "calendar.toml")
INSTANTS = st.datetimes(datetime(2023, 12, 1), datetime(2028, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001
AMOUNTS = st.integers(1, 60)
UNITS = st.sampled_from(["wd", "d", "h", "min"])
LIMITS = st.builds(Limit, amount=AMOUNTS, unit=UNITS)
RULES = st.sampled_from(
    [DayRules(), DayRules(ends=time(17, 30)), DayRules(zone="Europe/Berlin"), DayRules(zone="America/Sao_Paulo")]
)


@given(INSTANTS, LIMITS, RULES)
def test_explain_agrees_with_due_at(start: datetime, limit: Limit, rules: DayRules) -> None:
    instant, provisional = due_at(start, limit, rules, CALENDAR)
    explanation = explain(start, limit, rules, CALENDAR)
    assert (explanation.due, explanation.provisional) == (instant, provisional)
    assert (explanation.start, explanation.due_text) == (start, show(instant, rules))
    days = [day.date for day in explanation.days]
    assert days == [days[0] + timedelta(n) for n in range(len(days))]
    assert days[0] == start.astimezone(ZoneInfo(rules.zone)).date()
    assert days[-1] == last_day(instant, rules)
    if limit.unit in ("wd", "d"):
        assert sum(day.counted for day in explanation.days) == limit.amount
        assert explanation.days[-1].counted
    if limit.unit == "wd":
        assert provisional == any(CALENDAR.day(d).provisional for d in days[1:])
        assert all(day.counted == CALENDAR.is_working(day.date) for day in explanation.days[1:])


@given(INSTANTS, INSTANTS, LIMITS, RULES)
def test_due_never_falls_as_the_start_rises(one: datetime, two: datetime, limit: Limit, rules: DayRules) -> None:
    early, late = sorted((one, two))
    assert due_at(early, limit, rules, CALENDAR)[0] <= due_at(late, limit, rules, CALENDAR)[0]


@given(INSTANTS, AMOUNTS, AMOUNTS, UNITS, RULES)
def test_due_rises_with_the_limit(start: datetime, amount: int, more: int, unit: str, rules: DayRules) -> None:
    short, long = Limit.parse(f"{amount}{unit}"), Limit.parse(f"{amount + more}{unit}")
    assert start < due_at(start, short, rules, CALENDAR)[0] < due_at(start, long, rules, CALENDAR)[0]


@given(INSTANTS, LIMITS, RULES)
def test_rungs_climb(start: datetime, limit: Limit, rules: DayRules) -> None:
    instant, _ = due_at(start, limit, rules, CALENDAR)
    rungs = [rung_at(instant, offset, rules, CALENDAR) for offset in range(-3, 4)]
    assert rungs[3] == instant
    assert rungs == sorted(set(rungs))


@given(INSTANTS, AMOUNTS, RULES)
def test_a_clock_paused_at_once_and_resumed_has_lost_nothing(start: datetime, amount: int, rules: DayRules) -> None:
    instant, _ = due_at(start, Limit(amount=amount, unit="wd"), rules, CALENDAR)
    left = working_days_left(start, instant, rules, CALENDAR)
    assert left == amount
    assert due_at(start, Limit(amount=left, unit="wd"), rules, CALENDAR)[0] == instant

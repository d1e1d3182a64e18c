"""How often, how fast and where not: figures by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.commitment_clocks import CommitmentClock, State
from domain.commitment_report import Found, period_of, tallies
from domain.units import Unit

LOCAL = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 9, 24, 1, tzinfo=UTC)
HEAT = Unit.model_validate(
    {
        "code": "heat",
        "name": "heat",
        "kind": "heat",
        "commitments": [
            {"code": "answer", "name": "5分钟响应", "met_by": "answer", "within": "5min", "source": "x"},
            {"code": "home", "name": "上门", "met_by": "visit", "source": "x"},
        ],
    }
)


def found(number: int, state: State, minutes: int | None, **changes: Any) -> Found:
    usual: dict[str, Any] = {"unit": "heat", "code": "answer", "name": "5分钟响应", "event": 2, "due": None}
    met_at = None if minutes is None else NINE + timedelta(minutes=minutes)
    clock = CommitmentClock(**usual | {"started": NINE, "state": state, "met_at": met_at} | changes)
    return f"ZZ-{number}", clock


def test_rate_times_and_missed_cases_are_of_one_commitment_of_one_unit() -> None:
    answers = [found(n, "met", n) for n in (1, 2, 3, 4)] + [found(5, "missed", 60), found(6, "missed", None)]
    others = [found(7, "running", None), found(8, "dropped", None), found(9, "missed", None, unit="gas")]
    answer, home = tallies([HEAT], [*answers, *others, found(5, "missed", None)])
    assert (answer.orders, answer.met, answer.missed, answer.running, answer.dropped) == (9, 4, 3, 1, 1)
    assert (answer.met, answer.decided, answer.percent) == (4, 7, 57.1)
    # 1, 2, 3, 4 and 60 minutes
    assert (answer.median_seconds, answer.p90_seconds) == (180, 3600)
    assert answer.missed_cases == ["ZZ-5", "ZZ-6"]
    assert (home.orders, home.percent, home.median_seconds, home.p90_seconds, home.missed_cases) == (
        0, None, None, None, [],
    )  # fmt: skip


def test_a_period_is_whole_local_days() -> None:
    since, until = period_of(date(2026, 9, 24), date(2026, 9, 25), LOCAL)
    assert (since, until) == (datetime(2026, 9, 23, 16, tzinfo=UTC), datetime(2026, 9, 25, 16, tzinfo=UTC))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 9, 25), date(2026, 9, 24)),
        (date(2026, 1, 1), date(2027, 1, 2)),
        (date(9999, 12, 31), date(9999, 12, 31)),
        (date(1, 1, 1), date(1, 1, 1)),
    ],
)
def test_what_is_no_period_is_refused(first: date, last: date) -> None:
    with pytest.raises(ValueError, match="day"):
        period_of(first, last, LOCAL)

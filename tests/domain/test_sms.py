"""When a citizen may be texted, and how several pieces of news become one text."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.sms import LONGEST_BRIEF, Night, day_begins, load_sms
from domain.texts import LONGEST_TEXT, Texts

CITY = Path(__file__).parents[2] / "cities" / "zhengzhou" / "sms.toml"
RULES = load_sms(CITY)
ZONE = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


INSTANTS = st.integers(0, 10**6).map(lambda minutes: local("2026-01-01") + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("at", "sent_today", "until"),
    [
        ("2026-11-22T06:59:59", 0, "2026-11-22T07:00"),
        ("2026-11-22T07:00", 0, None),
        ("2026-11-22T21:59:59", 9, None),
        ("2026-11-22T22:00", 0, "2026-11-23T07:00"),
        ("2026-11-22T00:00", 0, "2026-11-22T07:00"),
        ("2026-11-22T12:00", 10, "2026-11-23T07:00"),
        ("2026-11-22T23:00", 10, "2026-11-23T07:00"),
        ("2026-12-31T22:30", 0, "2027-01-01T07:00"),
    ],
)
def test_a_text_waits_for_the_morning_or_for_the_next_day(at: str, sent_today: int, until: str | None) -> None:
    waits = RULES.waits_until(local(at).astimezone(UTC), ZONE, sent_today)
    assert waits == (local(until) if until else None)


def test_without_a_night_the_next_day_begins_at_midnight() -> None:
    rules = RULES.model_copy(update={"night": None})
    assert rules.waits_until(local("2026-11-22T12:00"), ZONE, 10) == local("2026-11-23T00:00")
    assert rules.model_copy(update={"most_a_day": None}).waits_until(local("2026-11-22T03:00"), ZONE, 999) is None


@given(INSTANTS, st.times(), st.times(), st.integers(0, 20))
def test_whatever_the_night_is_nothing_waits_for_an_instant_in_it(
    at: datetime, begins: time, ends: time, sent_today: int
) -> None:
    rules = RULES.model_copy(update={"night": Night(begins=begins, ends=ends)})
    until = rules.waits_until(at, ZONE, sent_today)
    if until is not None:
        assert until > at
        assert rules.waits_until(until, ZONE, 0) is None


def test_a_day_begins_at_local_midnight() -> None:
    assert day_begins(datetime(2026, 11, 22, 15, 59, tzinfo=UTC), ZONE) == local("2026-11-22T00:00")
    assert day_begins(datetime(2026, 11, 22, 16, 0, tzinfo=UTC), ZONE) == local("2026-11-23T00:00")


@given(st.lists(st.text(min_size=1, max_size=LONGEST_BRIEF), min_size=1, max_size=30))
def test_news_are_joined_from_the_front_as_far_as_one_text_holds_them(news: list[str]) -> None:
    joined, count = RULES.join(news)
    assert joined == "；".join(news[:count])
    assert len(RULES.merged.replace("{news}", joined)) <= LONGEST_TEXT
    assert count == len(news) or len(RULES.merged.replace("{news}", "；".join(news[: count + 1]))) > LONGEST_TEXT


@pytest.mark.parametrize("key", sorted(Texts.model_fields))
def test_every_text_has_a_brief_form_that_names_the_case(key: str) -> None:
    values = dict.fromkeys(("code", "guidance", "reason", "to", "there", "call", "unit", "due", "until"), "长" * 300)
    brief = RULES.brief.fill(key, values | {"number": "ZZ-20261122-00001", "city": "郑州"}, LONGEST_BRIEF).text
    assert "ZZ-20261122-00001" in brief
    assert len(brief) <= LONGEST_BRIEF


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("most_a_day = 10", "most_a_day = 0", "most_a_day: .*greater than or equal to 1"),
        ("：{news}", "", "merged: must have {news} once"),
        ("begins = 22:00:00", 'begins = "late"', "night.begins: "),
        ('withdrawn = "', 'gone = "', "brief.withdrawn: is missing"),
        ("[night]", '[aliyun]\nsign = "a"\ntemplates = {received = "SMS_1"}\n[night]', "missing or unknown: answered"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "sms.toml"
    path.write_text(CITY.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        load_sms(path)

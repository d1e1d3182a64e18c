"""Which version of a matter is in force on which day, and the limit that a case takes from it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case import Case, Opening
from domain.catalog import Item, VersionedCatalog
from domain.catalog_file import load_catalog
from domain.city import City, load_city
from domain.errors import ConfigError
from domain.limits import Limit
from domain.roles import Actor, Role

if TYPE_CHECKING:
    from tests.domain.conftest import Desk

CITY = load_city(Path(__file__).parents[2] / "cities" / "zhengzhou")
YEAR = date(2027, 1, 1)
DAYS = st.dates(date(2026, 12, 25), date(2027, 1, 10))


def version(since: date | None, until: date | None = None, limit: str | None = None, code: str = "leak") -> Item:
    return Item(
        code=code, name=f"{code} {since}", category="help", keywords=("漏水",), lead="water",
        limit=Limit.parse(limit) if limit else None, limit_source="通知" if limit else None,
        valid_from=since, valid_until=until,
    )  # fmt: skip


def catalog(*versions: Item) -> VersionedCatalog:
    return VersionedCatalog(versions=versions)


def in_force(items: VersionedCatalog, day: date) -> str | None:
    item = items.on(day).items.get("leak")
    return item.name if item else None


def test_a_version_is_in_force_from_its_first_day_until_the_next_begins() -> None:
    items = catalog(version(YEAR), version(None))
    assert [in_force(items, YEAR + timedelta(days=n)) for n in (-1, 0, 1)] == [
        "leak None", "leak 2027-01-01", "leak 2027-01-01",
    ]  # fmt: skip


def test_a_matter_ends_after_its_last_day_and_may_begin_again() -> None:
    items = catalog(version(None, until=date(2026, 12, 31)), version(date(2027, 3, 1)))
    days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 2, 28), date(2027, 3, 1)]
    assert [in_force(items, day) for day in days] == ["leak None", None, None, "leak 2027-03-01"]


def test_a_day_before_everything_has_an_empty_catalog_and_the_last_day_of_all_is_no_trouble() -> None:
    items = catalog(version(YEAR, until=date.max))
    assert items.on(date.min).items == {}
    assert items.on(date.min).suggest("漏水") == []
    assert in_force(items, date.max) == "leak 2027-01-01"


@given(st.dictionaries(st.sampled_from("ab"), st.sets(DAYS | st.none(), min_size=1, max_size=4)), DAYS)
def test_at_most_one_version_is_in_force_and_none_begun_later_goes_before_it(
    begun: dict[str, set[date | None]], day: date
) -> None:
    items = catalog(*(version(since, code=code) for code, days in begun.items() for since in days))
    for code, days in begun.items():
        before = [since or date.min for since in days if (since or date.min) <= day]
        found = items.on(day).items.get(code)
        assert (found.begins if found else None) == max(before, default=None)
    assert items.on(day) is items.on(day)


@pytest.fixture
def city() -> City:
    versions = (version(None, limit="2wd"), version(YEAR, limit="8wd"))
    return CITY.model_copy(update={"catalog": catalog(*versions)})


@pytest.mark.parametrize(
    ("received", "limit"),
    [
        # Midnight between the years in Zhengzhou is 16:00 UTC.
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), "2wd"),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "8wd"),
    ],
)
def test_a_case_takes_the_limit_in_force_on_the_local_day_of_its_receipt(
    city: City, received: datetime, limit: str
) -> None:
    opening = Opening(
        number="ZZ-1", received_at=received, by=Actor(role=Role.AGENT, id="a"), channel="phone", category="help",
        item="leak",
    )  # fmt: skip
    assert str(city.complete(opening).item_limit) == limit
    case, (event, *_) = Case.open(city.complete(opening), city.rulebook, city.calendar)
    assert (event.facts["limit"], str(case.item_limit)) == (limit, limit)


@pytest.mark.parametrize(
    ("limit", "province", "due"),
    [
        # Working days after Thursday 24 September: 28, 29, 30, October 8, 9.
        (None, False, "2026-10-09 24:00"),
        ("2wd", False, "2026-09-29 24:00"),
        ("2wd", True, "2026-09-28 24:00"),
    ],
)
def test_an_items_own_limit_replaces_the_categorys(
    handling: Callable[..., "Desk"], limit: str | None, province: bool, due: str
) -> None:
    own = Limit.parse(limit) if limit else None
    desk = handling("2026-09-24 10:00", item="leak", item_limit=own, province=province)
    assert desk.due("handling") == due
    assert ("limit" in desk.events[0].facts) == (limit is not None)


def test_an_extension_is_at_most_the_items_own_limit_again(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", item="leak", item_limit=Limit.parse("2wd"))
    assert desk.refused("request-extension", "2026-09-28 10:00", limit="3wd")[0] == "extension_too_long"
    desk.take("request-extension", "2026-09-28 10:00")
    desk.take("decide-extension", "2026-09-28 11:00", granted=True)
    assert desk.due("handling") == "2026-10-08 24:00"
    assert desk.refused("reclassify", "2026-09-28 12:00", item="pressure")[0] == "category_fixed"


def test_another_item_brings_its_limit_and_the_same_item_keeps_the_one_it_has(
    handling: Callable[..., "Desk"],
) -> None:
    desk = handling("2026-09-24 10:00", item="leak", item_limit=Limit.parse("2wd"))
    desk.take("reclassify", "2026-09-24 11:00", item="leak", item_limit="9wd", category="complaint")
    assert desk.due("handling") == "2026-09-29 24:00"
    reclassified, moved = desk.take("reclassify", "2026-09-24 12:00", item="pressure", item_limit="3wd")
    assert (reclassified.facts["limit"], moved.clock, desk.due("handling")) == ("3wd", "handling", "2026-09-30 24:00")
    desk.take("reclassify", "2026-09-24 13:00", item="quality")
    assert desk.due("handling") == "2026-10-15 24:00"


def test_without_a_limit_a_case_is_as_it_was_before_items_could_have_one(handling: Callable[..., "Desk"]) -> None:
    desk = handling("2026-09-24 10:00", item="leak")
    older = desk.case.model_dump(mode="json", exclude={"item_limit"})
    assert Case.model_validate(older) == desk.case


ITEM = '[[item]]\ncode = "leak"\nname = "漏水"\ncategory = "help"\nkeywords = ["漏水"]\nlead = "water"\n'
LATER = ITEM + "valid_from = 2027-01-01\n"
LIMIT = 'limit = "2wd"\nlimit_source = "通知"\n'


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (ITEM + LATER + LATER, "item.2.code", "'leak' is given twice from 2027-01-01"),
        (LATER + "valid_until = 2026-12-31", "item.0.valid_until", "2026-12-31 is before valid_from"),
        (LATER + ITEM + "valid_until = 2027-01-01", "item.1.valid_until", "in the next version, from 2027-01-01"),
        (ITEM + 'valid_from = "soon"', "item.0.valid_from", "valid date"),
        (ITEM + LIMIT.replace("2wd", "8h"), "item.0.limit", "8h is not working days"),
        (ITEM + LIMIT.replace("2wd", "1wd"), "item.0.limit", r"more than province.deduction \(1\)"),
        (ITEM + 'limit = "2wd"', "item.0.limit_source", "is missing"),
        (ITEM + 'limit_source = "通知"', "item.0.limit", "is missing"),
        (ITEM.replace("漏水", "漏水、渗水"), "item.0.keywords.0", "match pattern"),
        ("[areas.empty]\n" + ITEM, "areas.empty", "at least 1 item"),
    ],
)
def test_versions_and_limits_that_leave_anything_open_are_refused(
    tmp_path: Path, text: str, key: str, problem: str
) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem) as caught:
        load_catalog(path, {"water"}, CITY.rulebook)
    assert caught.value.key == key

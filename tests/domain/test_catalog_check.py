"""`check_city` finds what stands in the way of dispatch, all of it, each by its code."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from domain.catalog_check import check_city

ZHENGZHOU = Path(__file__).parents[2] / "cities" / "zhengzhou"
DAY = date(2026, 11, 22)
Change = Callable[..., list[str]]

UNIT = '\n[[unit]]\ncode = "{}"\nname = "新单位"\nkind = "{}"\n'
ITEM = '\n[[item]]\ncode = "{}"\nname = "新事项"\ncategory = "help"\nkeywords = ["{}"]\nlead = "zz-water"\n'


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """Change a file of a copy of the city, by replacing a text or adding one, and check the copy."""
    folder = tmp_path / "city"
    shutil.copytree(ZHENGZHOU, folder)

    def change(file: str, old: str = "", new: str = "") -> list[str]:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
        return list(check_city(folder, DAY))

    return change


def test_nothing_stands_in_the_way_of_the_citys_own() -> None:
    assert list(check_city(ZHENGZHOU, DAY)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "findings"),
    [
        ("catalog.toml", 'lead = "zz-gas"\n', "", ["item outage-gas: lead: is missing"]),
        ("catalog.toml", 'lead = "zz-gas"\n', 'lead = "zz-g"\n', ["item outage-gas: lead: 'zz-g' is not a unit"]),
        ("catalog.toml", 'code = "gas"\n', "", ["item no. ", "code: is missing"]),
        (
            "catalog.toml",
            '"惠济区" = "zz-huiji"',
            '"惠济区" = "zz-h"',
            ["area 惠济区 of table districts: 'zz-h'"],
        ),
        (
            "catalog.toml",
            "",
            ITEM.format("new", "水压"),
            ["item new 新事项: cannot be reached", "water-pressure"],
        ),
        ("units.toml", "", UNIT.format("zz-new", "bureau"), ["unit zz-new 新单位: no contact"]),
        ("units.toml", "", UNIT.format("zz-new", "street") + 'phone = "037112345"', ["area zz-new 新单位: no grid"]),
        (
            "grids.toml",
            'parent = "zz-g-fengqinglu"',
            'unit = "zz-jinshui"',
            ["grid zz-g-fengqingjiayuan 丰庆佳苑: no grid above"],
        ),
        ("grids.toml", 'unit = "zz-weilailu"\n', "", ["area zz-weilailu 未来路办事处: no grid", "grid zz-g-weilailu"]),
        ("grids.toml", 'unit = "zz-weilailu"\n', 'unit = "zz-w"\n', ["grid zz-g-weilailu 未来路街道: 'zz-w' is not"]),
        ("grids.toml", 'code = "zz-g-cbd"', 'code = "CBD!"', ["grid.14.code: String should match pattern"]),
        ("texts.toml", "", "colour = 1", ["texts.toml: colour: unknown key"]),
    ],
)
def test_a_finding_names_what_and_where(change: Change, file: str, old: str, new: str, findings: list[str]) -> None:
    found = " | ".join(change(file, old, new))
    for finding in findings:
        assert finding in found


def test_an_open311_server_has_a_service_for_what_it_is_sent(change: Change) -> None:
    system = 'reach = "open311"\nendpoint = "JIESU_ENDPOINT_GAS"\nsecret = "JIESU_SECRET_GAS"\nservices = {}\n'
    usual = 'reach = "webhook"\nendpoint = "JIESU_ENDPOINT_GAS"\nsecret = "JIESU_SECRET_GAS"\n'
    found = change("units.toml", usual, system.format('{gas = "G1", tram = "T1"}'))
    assert "unit zz-gas 市燃气公司: services: 'tram' is not an item of the catalog" in found
    assert "item outage-gas: unit zz-gas has no service for it; name one in units.toml, or `other`" in found
    assert not [finding for finding in found if finding.startswith("item gas:")]
    assert change("units.toml", 'tram = "T1"', 'other = "O1"') == []


def test_all_is_found_at_once(change: Change) -> None:
    change("units.toml", "", UNIT.format("zz-new", "district"))
    change("catalog.toml", 'lead = "zz-gas"\n', "")
    found = change("catalog.toml", 'lead = "zz-heat"\n', "")
    assert [finding.split(":")[0] for finding in found] == [
        "item outage-heat", "item outage-gas", "unit zz-new 新单位", "area zz-new 新单位",
    ]  # fmt: skip


def test_an_item_out_of_reach_from_a_later_day_on_is_found_and_one_that_is_over_is_not(change: Change) -> None:
    later = ITEM.format("later", "水压") + "valid_from = 2027-01-01\n"
    over = ITEM.format("over", "水压") + "valid_until = 2026-11-21\n"
    assert [finding.split(" ")[1] for finding in change("catalog.toml", "", later + over)] == ["later"]

import csv
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import Catalog, Item, Suggestion
from domain.catalog_file import load_catalog
from domain.city import load_city
from domain.errors import ConfigError

CITY = load_city(Path(__file__).parents[2] / "cities" / "zhengzhou")
MESSAGES = Path(__file__).parents[2].parent / "shared/data" / "replied-messages.csv"
UNITS = {"water", "street", "roads"}
DAY = date(2026, 11, 22)
CATALOG = CITY.catalog.on(DAY)
Write = Callable[[str], Path]

ITEM = """
[[item]]
code = "leak"
name = "漏水"
category = "help"
keywords = ["漏水"]
lead = "water"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "catalog.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def item(code: str, *keywords: str, lead: str = "water", assisting: tuple[str, ...] = ()) -> Item:
    areas = {"东区": "east", "东区大街": "street", "西路": "west"}
    return Item(
        code=code, name=code, category="help", keywords=keywords, lead=lead, assisting=assisting, areas=areas
    )  # fmt: skip


def catalog(*items: Item) -> Catalog:
    return Catalog(items={item.code: item for item in items})


def best(text: str, address: str | None = None) -> Suggestion:
    return CATALOG.suggest(text, address)[0]


@pytest.mark.parametrize(
    ("text", "address", "code", "lead", "assisting", "outage"),
    [
        ("家中水压变小，热水器无法正常使用", "丰庆路与国基路交叉口丰庆佳苑", "water-pressure", "zz-water", (), False),
        ("漏损系统预警，小区附近疑似漏水", "未来路街道燕乐里新田小区", "water-leak", "zz-water", (), False),
        ("慢性病门特药申请一直没有通过审批", None, "chronic-drugs", "zz-yibao", (), False),
        (
            "隔离护栏底座缺失，有安全隐患",
            "郑东新区西周路与安平路",
            "guard-rail",
            "zz-shangdulu",
            ("zz-shizheng",),
            False,
        ),
        ("小区消防通道被占用", "二七区云立方小区", "fire-lane", "zz-xiaofang", (), False),
        ("主管道爆管，周围几个小区都停水了", None, "outage-water", "zz-water", (), True),
        ("百岁老人家里自来水发黄，水质不好", None, "water-quality", "zz-water", (), False),
        ("老旧串联小区气堵，多户暖气不热", "八栋楼社区", "heat-cold", "zz-heat", (), False),
        ("供热管网爆裂，大面积停暖", None, "outage-heat", "zz-heat", (), True),
        ("垃圾清运车一路污水滴漏", "金水区", "refuse-truck", "zz-jinshui-chengguan", (), False),
        ("院里的树枝交叉压到楼上，怕是危树", None, "trees", "zz-yuanlin", (), False),
        ("道路破损影响交通", None, "road-damage", "zz-chengguan", ("zz-shizheng",), False),
        ("想问医保报销流程", None, "medical-insurance", "zz-yibao", (), False),
        ("企业怎样办理经营许可", None, "business-licence", "zz-shichang", (), False),
        ("大面积停电", None, "outage-power", "zz-power", (), True),
        ("大面积停气", None, "outage-gas", "zz-gas", (), True),
        ("半夜工地施工噪音太大", "二七区", "construction-noise", "zz-erqi", ("zz-huanbao",), False),
        ("电梯故障把人困在里面", None, "elevator", "zz-shichang", ("zz-zhufang",), False),
        ("老板拖欠工资", None, "wages", "zz-renshe", (), False),
    ],
)
def test_what_the_city_tells_of_finds_its_unit(
    text: str, address: str | None, code: str, lead: str, assisting: tuple[str, ...], outage: bool
) -> None:
    found = best(text, address)
    assert (found.item, found.lead, found.assisting, found.outage) == (code, lead, assisting, outage)


def test_one_home_without_water_is_no_large_outage() -> None:
    assert (best("我家停水了").item, best("我家停水了").outage) == ("water-stop", False)


@pytest.mark.parametrize("text", ["", "   ", "你好", "🙂", "谢谢您的帮助，祝工作顺利"])
def test_nothing_matched_nothing_suggested(text: str) -> None:
    assert CATALOG.suggest(text) == []


def test_a_suggestion_shows_what_it_rests_on() -> None:
    [found] = catalog(item("rail", "护栏", "护栏 缺失", "护栏 变形")).suggest("路边护栏底座缺失")
    assert found.because == ["护栏", "护栏 缺失"]
    assert found.score == 0.5


def test_a_word_within_a_longer_one_counts_once() -> None:
    [one], [other] = (catalog(item("a", *words)).suggest("水压低") for words in (["水压低"], ["水压低", "水压"]))
    assert one.score == other.score


def test_more_matched_is_better_and_the_file_decides_between_equals() -> None:
    items = catalog(item("a", "漏水"), item("b", "漏水"), item("c", "漏水", "管道"))
    assert [found.item for found in items.suggest("管道漏水")] == ["c", "a", "b"]
    assert [found.item for found in items.suggest("管道漏水", limit=1)] == ["c"]
    assert items.suggest("管道漏水", limit=0) == []


def test_width_case_and_spaces_do_not_matter() -> None:
    assert catalog(item("a", "KTV")).suggest("楼下 ｋｔ\nｖ 太吵")


@pytest.mark.parametrize(
    ("text", "address", "lead"),
    [
        ("漏水", None, "water"),
        ("漏水", "中区", "water"),
        ("漏水", "东区某路", "east"),
        ("漏水", "东区西路", "west"),
        ("漏水", "西路东区大街", "street"),
        ("东区漏水", "", "east"),
        ("东区漏水", "西路", "west"),
    ],
)
def test_the_smallest_area_named_leads(text: str, address: str | None, lead: str) -> None:
    assert catalog(item("a", "漏水")).suggest(text, address)[0].lead == lead


def test_a_unit_that_leads_does_not_also_assist() -> None:
    items = catalog(item("a", "漏水", assisting=("east", "roads")))
    assert items.suggest("漏水", "东区")[0].assisting == ("roads",)


@given(st.text(max_size=200), st.none() | st.text(max_size=50))
def test_every_suggestion_can_be_dispatched(text: str, address: str | None) -> None:
    for found in CATALOG.suggest(text + "停水 护栏 噪音", address):
        assert {found.lead, *found.assisting} <= CITY.units.keys()
        assert found.lead not in found.assisting
        assert found.category in CITY.rulebook.categories
        assert 0 < found.score < 1
        assert found.because


def test_no_item_hides_another_with_the_same_keywords() -> None:
    keywords = [frozenset(item.keywords) for item in CATALOG.items.values()]
    assert len(keywords) == len(set(keywords))


def test_real_messages_never_raise_and_are_fast() -> None:
    if not MESSAGES.exists():
        pytest.skip("the real messages, shared/data/replied-messages.csv beside the project, are absent")
    with MESSAGES.open(encoding="utf-8-sig", newline="") as file:
        subjects = [row["subject"] for row in csv.DictReader(file)]
    # Processor time: what else the machine is doing is no fault of the catalog.
    started = time.process_time()
    found = [CATALOG.suggest(subject) for subject in subjects]
    assert len(subjects) / (time.process_time() - started) > 500
    assert sum(map(bool, found)) > len(subjects) / 2


def test_areas_are_shared_by_name(write: Write) -> None:
    text = '[areas.streets]\n"东 大街" = "street"\n' + ITEM + 'areas = "streets"\nassisting = ["roads"]\n'
    loaded = load_catalog(write(text), UNITS, CITY.rulebook)
    assert loaded.on(DAY).items["leak"].areas == {"东大街": "street"}
    assert loaded.on(DAY).suggest("漏水", "东大街1号")[0].lead == "street"


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("", "item", "is missing"),
        ("item = []", "item", "at least 1 item"),
        ("colour = 1\n" + ITEM, "colour", "unknown key"),
        (ITEM + "colour = 1", "item.0.colour", "unknown key"),
        (ITEM + ITEM, "item.1.code", "'leak' is given twice"),
        (ITEM.replace('"leak"', '"Leak!"'), "item.0.code", "match pattern"),
        (ITEM.replace('name = "漏水"', 'name = " "'), "item.0.name", "at least 1 char"),
        (ITEM.replace('"help"', '"helf"'), "item.0.category", "'helf' is not a category of this city"),
        (ITEM.replace('"water"', '"wter"'), "item.0.lead", "'wter' is not a unit of this city"),
        (ITEM + 'assisting = ["wter"]', "item.0.assisting", "'wter' is not a unit"),
        (ITEM + 'assisting = ["water"]', "item.0.assisting", "'water' is named twice"),
        (ITEM + 'assisting = ["street", "street"]', "item.0.assisting", "'street' is named twice"),
        (ITEM + 'areas = "streets"', "item.0.areas", r"'streets' is not one of the \[areas\] tables"),
        ('[areas.streets]\n"大街" = "wter"\n' + ITEM, "areas.streets.大街", "'wter' is not a unit"),
        (ITEM + 'outage = "yes"', "item.0.outage", "valid boolean"),
        (ITEM.replace('["漏水"]', "[]"), "item.0.keywords", "at least 1 item"),
        (ITEM.replace('["漏水"]', '["漏水", "水"]'), "item.0.keywords.1", "at least 2"),
        (ITEM.replace('lead = "water"', ""), "item.0.lead", "is missing"),
        ("[[item]", "", "not valid TOML"),
    ],
)
def test_a_malformed_catalog_names_file_key_and_problem(write: Write, text: str, key: str, problem: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_catalog(path, UNITS, CITY.rulebook)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{path}: {key}: " if key else f"{path}: ")

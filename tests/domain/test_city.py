import copy
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.city import City, load_city
from domain.errors import ConfigError
from domain.grids import Grid, grid_of, load_grids
from domain.units import load_units

ZHENGZHOU = Path(__file__).parents[2] / "cities" / "zhengzhou"
FILES = [
    "rulebook.toml", "calendar.toml", "units.toml", "grids.toml", "grids.geojson", "crews.toml", "catalog.toml",
    "texts.toml", "sms.toml",
]  # fmt: skip
Write = Callable[[str], Path]

UNIT = '[[unit]]\ncode = "water"\nname = "水务"\nkind = "water"\n'
GRID = '[[grid]]\ncode = "east"\nname = "东街"\nlevel = "street"\nwords = ["东街"]\n'


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(ZHENGZHOU)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "file.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return shutil.copytree(ZHENGZHOU, tmp_path / "copied")


def test_the_city_loads_whole(city: City) -> None:
    assert (city.folder, city.rulebook.city) == ("zhengzhou", "郑州市")
    assert len(city.catalog.on(date(2026, 11, 22)).items) >= 70
    assert copy.deepcopy(city) is city
    with pytest.raises(ValidationError, match="frozen"):
        setattr(city, "folder", "other")  # noqa: B010


def test_its_utilities_are_reached_each_on_its_own(city: City) -> None:
    assert all(unit.reach == "webhook" for unit in city.units.values())
    utilities = {"water", "heat", "gas", "power"}
    reached = {(unit.kind if unit.kind in utilities else "office", unit.endpoint) for unit in city.units.values()}
    assert reached == {(kind, f"JIESU_ENDPOINT_{kind.upper()}") for kind in utilities | {"office"}}


@pytest.mark.parametrize(
    ("file", "now", "then", "said"),
    [
        ("units", "SECRET_HEAT", "SECRET_WATER", r"units\.toml: unit\.1\.secret: 'zz-water' has the same"),
        ("units", "SECRET_GAS", "SECRET_OFFICE", r"units\.toml: unit\.4\.secret: 'zz-gas' has the same"),
        ("partners", "SECRET_110", "SECRET_WATER", r"partners\.toml: partner\.0\.secret: 'zz-water' has the same"),
        ("partners", "SECRET_SNAPSHOT", "SECRET_110", r"partners\.toml: partner\.15\.secret: '110' has the same"),
        ("partners", "SECRET_SNAPSHOT", "SECRET_MAYOR_MAILBOX", r"partner\.15\.secret: 'mayor-mailbox' has the same"),
    ],
)
def test_nobody_can_sign_for_another_system(copied: Path, file: str, now: str, then: str, said: str) -> None:
    path = copied / f"{file}.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(f"JIESU_{now}", f"JIESU_{then}"), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"{said}, and only those who share a system share a secret"):
        load_city(copied)


def test_a_unit_and_a_partner_on_one_system_share_its_secret(copied: Path) -> None:
    path = copied / "partners.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("_110", "_OFFICE"), encoding="utf-8")
    assert load_city(copied).partners["110"].secret == "JIESU_SECRET_OFFICE"


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_needed(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ConfigError, match="no such file") as caught:
        load_city(copied)
    assert caught.value.path == copied / name


def test_the_files_are_checked_against_each_other(copied: Path) -> None:
    units = (copied / "units.toml").read_text(encoding="utf-8")
    (copied / "units.toml").write_text(units.replace('"zz-yibao"', '"zz-other"'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"catalog\.toml: item\.\d+\.lead: 'zz-yibao' is not a unit of this city"):
        load_city(copied)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('categories = ["complaint"]', 'categories = ["praise"]', r"commitments\.2\.categories: 'praise' is not a c"),
        ('items = ["heat-cold"]', 'items = ["heat-warm"]', r"commitments\.1\.items: 'heat-warm' is not an item"),
        ('within = "20min"', 'within = "20wd"', r"commitments\.1\.within: .*write it as 20min, 8h or same-day"),
        ('code = "home-visit"', 'code = "same-day"', "unit.0: commitments: a code is given twice"),
    ],
)
def test_commitments_are_made_for_what_there_is(copied: Path, old: str, new: str, said: str) -> None:
    units = (copied / "units.toml").read_text(encoding="utf-8")
    (copied / "units.toml").write_text(units.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_city(copied)


def test_an_unknown_city_names_those_there_are(tmp_path: Path, copied: Path) -> None:
    with pytest.raises(ConfigError, match=r"atlantis: there is no such city; the cities here are: copied$"):
        load_city(tmp_path / "atlantis")
    with pytest.raises(ConfigError, match="the cities here are: none"):
        load_city(tmp_path / "nowhere" / "atlantis")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("金水区杜岭街八栋楼社区3号楼", "zz-g-badonglou"),
        ("金水区杜岭街12号", "zz-g-dulingjie"),
        ("未来路街道燕乐里新田小区", "zz-g-yanlelixintian"),
        ("丰庆路与国基路交叉口丰庆佳苑", "zz-g-fengqingjiayuan"),
        ("郑东新区西周路与安平路", "zz-g-shangdulu"),
        ("二七区 云立方 小区", "zz-g-yunlifang"),
        ("郑州火车站西广场", "zz-g-huochezhan"),
        ("郑东新区ＣＢＤ内环", "zz-g-cbd"),
        ("二七广场地铁口", "zz-g-erqita"),
        ("二七区八栋楼社区", None),
        ("惠济区花园路100号", None),
        ("金水区与惠济区交界花园路", "zz-g-huayuanlu"),
        ("金水区CBD", "zz-g-cbd"),
        ("某县某村", None),
        ("", None),
        (None, None),
    ],
)
def test_grid_of_an_address(city: City, address: str | None, code: str | None) -> None:
    grid = city.grid_at(None, address)
    assert (grid and grid.code) == code


def test_the_finest_grid_then_the_longest_word_then_the_file() -> None:
    rows = [
        Grid(code="street", name="街", level="street", words=("很长的街道名字",)),
        Grid(code="short", name="短", level="micro", words=("花园",)),
        Grid(code="long", name="长", level="exclusive", words=("东花园",)),
        Grid(code="same", name="同", level="micro", words=("东花园",)),
    ]
    grid = grid_of("很长的街道名字东花园", {row.code: row for row in rows}, {})
    assert grid is rows[2]


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("", "unit", "is missing"),
        (UNIT + "colour = 1", "unit.0.colour", "unknown key"),
        (UNIT + UNIT, "unit.1.code", "'water' is given twice"),
        (UNIT.replace('"water"', '"Water"', 1), "unit.0.code", "match pattern"),
        (UNIT.replace('kind = "water"', 'kind = "fire"'), "unit.0.kind", "'bureau'"),
        (UNIT + 'reach = "pigeon"', "unit.0.reach", "'people', 'webhook' or 'open311'"),
        (UNIT + 'reach = "webhook"', "unit.0", "endpoint: "),
        (UNIT + 'reach = "webhook"\nendpoint = "JIESU_ENDPOINT_WATER"', "unit.0", "secret: "),
        (UNIT + 'reach = "webhook"\nendpoint = "E"\nsecret = "S"\nservices = { a = "1" }', "unit.0", "services: "),
        (UNIT + 'reach = "open311"\nendpoint = "E"\nsecret = "S"', "unit.0", "services: "),
        (UNIT + 'endpoint = "JIESU_ENDPOINT_WATER"', "unit.0", "endpoint: "),
        (UNIT + 'reach = "webhook"\nendpoint = "http://10.0.0.1"', "unit.0.endpoint", "match pattern"),
        (UNIT + 'phone = "ask at the door"', "unit.0.phone", "match pattern"),
        (UNIT + 'parent = "city"', "unit.0.parent", "'city' is not a unit of this city"),
        (UNIT + 'parent = "water"', "unit.0.parent", "'water' belongs to itself"),
        (
            UNIT + 'parent = "heat"\n' + UNIT.replace('"water"', '"heat"', 1) + 'parent = "water"',
            "unit.0.parent",
            "belongs to itself",
        ),
        ("[[unit]", "", "not valid TOML"),
    ],
)
def test_malformed_units_name_file_key_and_problem(write: Write, text: str, key: str, problem: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_units(path)
    assert (caught.value.path, caught.value.key) == (path, key)


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("", "grid", "is missing"),
        (GRID + "colour = 1", "grid.0.colour", "unknown key"),
        (GRID + GRID, "grid.1.code", "'east' is given twice"),
        (GRID.replace('"street"', '"planet"'), "grid.0.level", "'street'"),
        (GRID.replace('["东街"]', "[]"), "grid.0.words", "at least 1 item"),
        (GRID.replace('["东街"]', '["东"]'), "grid.0.words.0", "at least 2"),
        (GRID + 'parent = "west"', "grid.0.parent", "'west' is not a grid of this city"),
        (GRID + 'members = [{ name = "甲", role = "king" }]', "grid.0.members.0.role", "'head'"),
        (GRID + 'members = [{ phone = "0371-1" }]', "grid.0.members.0.name", "is missing"),
        (GRID + 'parent = "east"', "grid.0.parent", "'east' is no coarser grid than 'east'"),
    ],
)
def test_malformed_grids_name_file_key_and_problem(write: Write, text: str, key: str, problem: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_grids(path)
    assert (caught.value.path, caught.value.key) == (path, key)

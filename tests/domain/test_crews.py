"""Who of a grid's, and of a unit's own, people a place belongs to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.city import load_city
from domain.crews import Crew, crews_at, load_crews
from domain.errors import ConfigError
from domain.grids import Grid, Member, grid_of, lineage, who_goes
from domain.units import Unit

CITY = load_city(Path(__file__).parents[2] / "cities" / "zhengzhou")
Write = Callable[[str], Path]

HEAD, WORKER = Member(name="街道长", role="head"), Member(name="网格员", phone="0371-1")
GRIDS = {
    row.code: row
    for row in (
        Grid(code="street", name="街", level="street", words=("大街",), members=(HEAD,)),
        Grid(code="community", name="社区", level="community", parent="street", words=("社区",)),
        Grid(code="micro", name="院", level="micro", parent="community", words=("一号院",), members=(WORKER, HEAD)),
        Grid(code="bare", name="空", level="micro", words=("空院",)),
        Grid(code="station", name="站", level="exclusive", parent="street", words=("站前",)),
    )
}
CREWS = {
    row.code: row
    for row in (
        Crew(code="crew", unit="heat", kind="crew", name="一班", grids=("community",)),
        Crew(code="keeper", unit="heat", kind="keeper", name="专管员", grids=("micro", "bare")),
        Crew(code="steward", unit="water", kind="steward", name="水管家", grids=("street", "micro")),
    )
}


@pytest.mark.parametrize(
    ("code", "above", "member"),
    [
        ("micro", ["micro", "community", "street"], WORKER),
        ("community", ["community", "street"], HEAD),
        ("station", ["station", "street"], HEAD),
        ("bare", ["bare"], None),
        ("nowhere", [], None),
        (None, [], None),
    ],
)
def test_the_first_member_of_the_nearest_grid_that_has_one_goes(
    code: str | None, above: list[str], member: Member | None
) -> None:
    assert [grid.code for grid in lineage(code, GRIDS)] == above
    assert who_goes(code, GRIDS) == member


@pytest.mark.parametrize(
    ("grid", "crews"),
    [
        ("micro", ["keeper", "steward", "crew"]),
        ("community", ["crew", "steward"]),
        ("station", ["steward"]),
        ("bare", ["keeper"]),
        ("nowhere", []),
        (None, []),
    ],
)
def test_those_of_the_grid_itself_come_before_those_of_the_grids_above(grid: str | None, crews: list[str]) -> None:
    assert [crew.code for crew in crews_at(grid, CREWS, GRIDS)] == crews


def test_an_exclusive_grid_named_in_an_address_wins_over_a_longer_word() -> None:
    found = grid_of("大街社区一号院站前", GRIDS, {})
    assert found is not None
    assert found.code == "station"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("西街幸福社区", "west-1"),
        ("东街幸福社区", "east-1"),
        ("西城区幸福社区", "west-1"),
        ("东城区幸福社区3号楼", "east-1"),
        ("幸福社区", None),
        ("南城区幸福社区", None),
        ("东街与西街交叉口", "east"),
    ],
)
def test_of_grids_of_one_name_the_one_whose_street_or_district_is_named_too_is_meant(
    address: str, found: str | None
) -> None:
    units = [
        Unit(code="east-city", name="东城区", kind="district"),
        Unit(code="west-city", name="西城区", kind="district"),
        Unit(code="west-office", name="西街办事处", kind="street", parent="west-city"),
    ]
    rows = [
        Grid(code="east", name="东街", level="street", words=("东街",), unit="east-city"),
        Grid(code="west", name="西街", level="street", words=("西街",), unit="west-office"),
        Grid(code="east-1", name="幸福社区", level="community", parent="east", words=("幸福社区",)),
        Grid(code="west-1", name="幸福社区", level="community", parent="west", words=("幸福社区",)),
    ]
    grid = grid_of(address, {row.code: row for row in rows}, {unit.code: unit for unit in units})
    assert (grid and grid.code) == found


def test_contacts_are_in_no_repr_and_so_in_no_log() -> None:
    said = repr(CITY.grids) + repr(CITY.crews)
    phones = [member.phone for grid in CITY.grids.values() for member in grid.members]
    phones += [crew.phone for crew in CITY.crews.values()]
    assert len(phones) > 10
    assert not any(phone and phone in said for phone in phones)
    assert "街道长" not in repr(HEAD)


CREW = '[[crew]]\ncode = "c"\nunit = "water"\nkind = "steward"\nname = "水管家"\ngrids = ["micro"]\n'


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("crew = 1", "crew", "array"),
        (CREW + "colour = 1", "crew.0.colour", "unknown key"),
        (CREW + CREW, "crew.1.code", "'c' is given twice"),
        (CREW.replace('"water"', '"wter"'), "crew.0.unit", "'wter' is not a unit of this city"),
        (CREW.replace('["micro"]', '["micro", "mcro"]'), "crew.0.grids", "'mcro' is not a grid of this city"),
        (CREW.replace('["micro"]', "[]"), "crew.0.grids", "at least 1 item"),
        (CREW.replace('"steward"', '"butler"'), "crew.0.kind", "'steward'"),
        (CREW + 'phone = "ask"', "crew.0.phone", "match pattern"),
    ],
)
def test_malformed_crews_name_file_key_and_problem(tmp_path: Path, text: str, key: str, problem: str) -> None:
    path = tmp_path / "crews.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem) as caught:
        load_crews(path, {"water"}, GRIDS)
    assert (caught.value.path, caught.value.key) == (path, key)


def test_a_city_may_have_no_crews(tmp_path: Path) -> None:
    path = tmp_path / "crews.toml"
    path.write_text("", encoding="utf-8")
    assert load_crews(path, {"water"}, GRIDS) == {}

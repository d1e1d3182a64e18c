"""From a position to its grid: borders, holes, overlaps, and what no map may hold."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box
from shapely.geometry.base import BaseGeometry

from domain.areas import Areas, load_areas
from domain.city import load_city
from domain.errors import ConfigError
from domain.grids import Grid

ZHENGZHOU = Path(__file__).parents[2] / "cities" / "zhengzhou"
CITY = load_city(ZHENGZHOU)
SQUARE = [[113.0, 34.0], [113.1, 34.0], [113.1, 34.1], [113.0, 34.1], [113.0, 34.0]]

Write = Callable[[Any], Path]


def grid(code: str, level: Any = "micro") -> Grid:
    return Grid(code=code, name=code, level=level, words=("某某",))


STREET, COMMUNITY, MICRO, SMALL, STATION = (
    grid("street", "street"), grid("community", "community"), grid("micro"), grid("small"),
    grid("station", "exclusive"),
)  # fmt: skip
RING = box(0, 0, 10, 10).difference(box(4, 4, 6, 6))
NESTED = Areas(
    [
        (STREET, RING),
        (COMMUNITY, box(0, 0, 3, 3)),
        (MICRO, box(1, 1, 3, 3)),
        (SMALL, box(2, 2, 3, 3)),
        (STATION, box(2.5, 2.5, 8, 3.5)),
    ]
)


@pytest.mark.parametrize(
    ("position", "found"),
    [
        ((9, 9), "street"),
        ((0.5, 0.5), "community"),
        ((1.5, 1.5), "micro"),
        ((2.2, 2.2), "small"),
        ((2.7, 2.7), "station"),
        ((7, 3), "station"),
        ((5, 5), None),
        ((4, 5), "street"),
        ((11, 5), None),
        ((10, 5), "street"),
        ((0, 0), "community"),
        ((1, 1), "micro"),
        ((3, 2), "small"),
        ((8, 3.5), "station"),
    ],
)
def test_exclusive_then_finest_then_smallest_and_a_border_belongs_but_a_hole_does_not(
    position: tuple[float, float], found: str | None
) -> None:
    owner = NESTED.at(*position)
    assert (owner and owner.code) == found


def test_of_areas_of_one_size_the_first_in_the_file_is_found() -> None:
    assert Areas([(SMALL, box(0, 0, 1, 1)), (MICRO, box(0.5, 0, 1.5, 1))]).at(0.7, 0.5) is SMALL


def test_without_areas_no_position_has_a_grid() -> None:
    assert Areas([]).at(113.6, 34.7) is None


SIDE = st.floats(0.01, 5)
BOXES = st.tuples(st.floats(-10, 10), st.floats(-10, 10), SIDE, SIDE).map(
    lambda drawn: box(drawn[0], drawn[1], drawn[0] + drawn[2], drawn[1] + drawn[3])
)
LEVELS = st.sampled_from(["street", "community", "micro", "exclusive"])
MAPS = st.lists(st.tuples(LEVELS, BOXES), max_size=12).map(
    lambda rows: [(grid(f"g-{n}", level), area) for n, (level, area) in enumerate(rows)]
)
COORDINATE = st.floats(-12, 16)


@given(MAPS, COORDINATE, COORDINATE)
def test_what_is_found_is_what_looking_at_every_area_finds(
    rows: list[tuple[Grid, BaseGeometry]], longitude: float, latitude: float
) -> None:
    here = [(owner, area) for owner, area in rows if area.intersects(Point(longitude, latitude))]
    found = Areas(rows).at(longitude, latitude)
    assert (found is None) == (not here)
    if found is not None:
        area = next(area for owner, area in here if owner is found)
        exclusive = [owner for owner, _ in here if owner.level == "exclusive"]
        assert not exclusive or found in exclusive
        assert all(area.area <= other.area for owner, other in here if owner.level == found.level)


@given(MAPS, st.data())
def test_a_point_within_or_on_the_border_of_an_area_has_a_grid(
    rows: list[tuple[Grid, BaseGeometry]], data: st.DataObject
) -> None:
    for _, area in rows:
        corner = data.draw(st.sampled_from(list(area.exterior.coords)))  # type: ignore[attr-defined]
        assert Areas(rows).at(*corner) is not None
        assert Areas(rows).at(area.centroid.x, area.centroid.y) is not None


@given(st.sampled_from(sorted(CITY.areas.of)), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_in_zhengzhou_a_point_is_in_its_grid_one_below_it_or_an_exclusive_one(
    code: str, across: float, up: float
) -> None:
    west, south, east, north = CITY.areas.of[code].bounds
    found = CITY.areas.at(west + (east - west) * across, south + (north - south) * up)
    assert found is not None
    assert found.code == code or found.parent == code or found.level == "exclusive"


def test_every_grid_of_zhengzhou_is_drawn_and_those_of_one_level_do_not_overlap() -> None:
    areas = CITY.areas.of
    assert areas.keys() == CITY.grids.keys()
    ordinary = [owner for owner in CITY.grids.values() if owner.level != "exclusive"]
    for owner in ordinary:
        assert owner.parent is None or areas[owner.parent].covers(areas[owner.code])
        for other in ordinary:
            related = owner is other or owner.code == other.parent or other.code == owner.parent
            assert related or areas[owner.code].disjoint(areas[other.code]), (owner.code, other.code)


@pytest.mark.parametrize(
    ("position", "address", "found"),
    [
        ((113.661, 34.760), "未来路", "zz-g-badonglou"),
        ((113.665, 34.753), "杜岭街", "zz-g-erqita"),
        ((113.0, 34.0), "金水区杜岭街12号", "zz-g-dulingjie"),
        (None, "郑州火车站旁八栋楼", "zz-g-huochezhan"),
        ((113.0, 34.0), "某县某村", None),
        (None, None, None),
    ],
)
def test_a_place_is_found_by_position_first_then_by_the_words_of_its_address(
    position: tuple[float, float] | None, address: str | None, found: str | None
) -> None:
    owner = CITY.grid_at(position, address)
    assert (owner and owner.code) == found


@pytest.mark.parametrize(
    ("position", "address", "found"),
    [
        ((9, 9), "龙湖院", "court"),  # nobody has drawn it, and the street it belongs to is there
        ((2.2, 1.5), "龙湖院", "micro"),  # there is a finer grid at the position than the one it belongs to
        ((9, 9), "小小院", "street"),  # that one is drawn, and elsewhere
        ((5, 3), "龙湖院", "station"),
        ((20, 20), "龙湖院", "court"),
    ],
)
def test_a_grid_that_nobody_has_drawn_is_found_by_its_words_within_the_one_it_belongs_to(
    position: tuple[float, float], address: str, found: str
) -> None:
    court = Grid(code="court", name="院", level="micro", parent="street", words=("龙湖院",))
    small = Grid(code="small", name="小", level="micro", parent="street", words=("小小院",))
    grids = {one.code: one for one in (STREET, COMMUNITY, MICRO, small, STATION, court)}
    owner = CITY.model_copy(update={"grids": grids, "areas": NESTED}).grid_at(position, address)
    assert owner is not None
    assert owner.code == found


def test_a_city_of_ten_thousand_micro_grids_is_read_in_seconds_and_asked_in_microseconds(write: Write) -> None:
    grids = {f"g-{n}": grid(f"g-{n}") for n in range(10_000)}
    features = [
        feature({"grid": code}, [[113 + x, 34 + y] for x, y in square(n % 100 / 100, n // 100 / 100, 1 / 100)])
        for n, code in enumerate(grids)
    ]
    path = write(collection(*features))
    started = time.process_time()
    areas = load_areas(path, grids)
    assert time.process_time() - started < 15
    started = time.process_time()
    assert all(areas.at(113.0001 + n / 1001, 34.3) for n in range(1000))
    assert time.process_time() - started < 1


def square(west: float, south: float, side: float) -> list[tuple[float, float]]:
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    return [(west + x * side, south + y * side) for x, y in corners]


def feature(properties: Any = {"grid": "east"}, *rings: Any, type: str = "Polygon") -> dict[str, Any]:  # noqa: B006
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": type, "coordinates": list(rings or [SQUARE])},
    }


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: Any) -> Path:
        path = tmp_path / "grids.geojson"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def test_a_multipolygon_with_a_hole_and_foreign_members_is_read(write: Write) -> None:
    hole = [[113.04, 34.04], [113.06, 34.04], [113.06, 34.06], [113.04, 34.06], [113.04, 34.04]]
    island = [[[x + 1, y] for x, y in SQUARE]]
    drawn = {
        **feature({"grid": "east", "fill": "#f00"}),
        "geometry": {"type": "MultiPolygon", "coordinates": [[SQUARE, hole], island]},
    }
    areas = load_areas(write({**collection(drawn), "about": "画图"}), {"east": grid("east")})
    assert [bool(areas.at(x, y)) for x, y in [(113.01, 34.01), (113.05, 34.05), (114.05, 34.05)]] == [True, False, True]


BOWTIE = [[113.0, 34.0], [113.1, 34.1], [113.1, 34.0], [113.0, 34.1], [113.0, 34.0]]
SWAPPED = [[y, x] for x, y in SQUARE]


@pytest.mark.parametrize(
    ("content", "key", "problem"),
    [
        ("{", "", "is not valid JSON"),
        ("\x00", "", "is not valid JSON"),
        ("[]", "", "valid dictionary"),
        (feature(), "type", "FeatureCollection"),
        ({"type": "FeatureCollection"}, "features", "is missing"),
        (collection(feature({"grid": "west"})), "features.0.properties.grid", "'west' is not a grid of this city"),
        (collection(feature(), feature()), "features.1.properties.grid", "'east' is given twice"),
        (collection(feature({})), "features.0.properties.grid", "is missing"),
        (collection(feature({"grid": "East!"})), "features.0.properties.grid", "match pattern"),
        (collection(feature(None)), "features.0.properties", "dictionary"),
        (collection(feature({"grid": "east"}, BOWTIE)), "features.0.geometry", "is no area: Self-intersection"),
        (collection(feature({"grid": "east"}, SWAPPED)), "features.0.geometry", "longitude, latitude"),
        (collection(feature({"grid": "east"}, SQUARE[:-1])), "features.0.geometry", "linear ring"),
        (collection(feature({"grid": "east"}, [SQUARE[0]] * 4)), "features.0.geometry", "is no area"),
        (collection({**feature(), "geometry": None}), "features.0.geometry", "dictionary"),
        (
            collection({**feature(), "geometry": {"type": "Point", "coordinates": [113, 34]}}),
            "features.0.geometry",
            "tag",
        ),
    ],
)
def test_a_malformed_map_names_file_key_and_problem(write: Write, content: Any, key: str, problem: str) -> None:
    path = write(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_areas(path, {"east": grid("east")})
    assert caught.value.path == path
    assert caught.value.key.startswith(key)
    assert str(caught.value).startswith(f"{path}: ")

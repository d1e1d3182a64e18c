"""The register of assets as a sheet: it comes back as it went, and every mistake is named by line and column."""

from pathlib import Path

import pytest

from domain.assets import Asset, read_assets, write_assets
from domain.city import load_city
from domain.sheet import BadSheet

CITY = load_city(Path(__file__).parents[2] / "cities" / "zhengzhou")

SHEET = """\
编号,类别,承办单位,网格,地址,经度,纬度,需关照
ZS-0017,设备,zz-water,zz-g-badonglou,八栋楼3号院,,,
SB-1,水表,zz-water,,八栋楼5号院2楼,,,独居；老年人
豫A,车辆,zz-chengguan,,,,,
"""


def test_a_sheet_is_read_and_comes_back_the_same() -> None:
    read = read_assets(SHEET.replace("豫A", "truck-1").encode("gb18030"), CITY)
    assert [(asset.code, asset.kind, asset.grid, asset.vulnerable) for asset in read] == [
        ("ZS-0017", "device", "zz-g-badonglou", ()),
        ("SB-1", "meter", "zz-g-badonglou", ("alone", "elderly")),
        ("truck-1", "truck", None, ()),
    ]
    assert read_assets(write_assets(read), CITY) == read


def test_a_position_finds_the_grid() -> None:
    longitude, latitude = 113.6575, 34.7575
    grid = CITY.areas.at(longitude, latitude)
    [asset] = read_assets(f"编号,类别,承办单位,经度,纬度\nP-1,设备,zz-water,{longitude},{latitude}\n".encode(), CITY)
    assert asset.grid == (grid.code if grid else None)
    assert (asset.longitude, asset.latitude) == (longitude, latitude)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("豫A,车辆,zz-water,,,,,", "line 2, 编号 (code): cannot be taken"),
        ("A,飞机,zz-water,,,,,", "line 2, 类别 (kind): cannot be taken; write one of 设备、水表、车辆、用户"),
        ("A,设备,nobody,,,,,", "line 2, 承办单位 (unit): 'nobody' is not a unit of this city"),
        ("A,设备,zz-water,nowhere,,,,", "line 2, 网格 (grid): 'nowhere' is not a grid of this city"),
        ("A,设备,zz-water,,,113,,", "line 2, 经度 (longitude): cannot be taken"),
        ("A,设备,zz-water,,,113,91,", "line 2, 纬度 (latitude): cannot be taken"),
        ("A,设备,zz-water,,,,,富裕", "line 2, 需关照 (vulnerable): cannot be taken"),
        ("A,设备,zz-water,,,,,\nA,设备,zz-water,,,,,", "line 3, 编号 (code): 'A' stands there twice"),
    ],
)
def test_a_mistake_is_named_by_line_and_column(row: str, fault: str) -> None:
    with pytest.raises(BadSheet) as bad:
        read_assets(f"{SHEET.splitlines()[0]}\n{row}\n".encode(), CITY)
    assert fault in str(bad.value)


def test_who_lives_there_is_logged_nowhere() -> None:
    asset = Asset(code="A", kind="meter", unit="zz-water", address="八栋楼3号院", vulnerable=("alone",))
    assert "八栋楼" not in repr(asset)
    assert "alone" not in repr(asset)

"""设备台账: what sensors watch, as a sheet for Excel that comes back as it went."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from domain import words
from domain.city import City
from domain.rulebook import Frozen
from domain.sheet import BadSheet, Fault, Sheet, read_sheet, write_sheet
from domain.tables import Code

COLUMNS = {
    "code": "编号",
    "kind": "类别",
    "unit": "承办单位",
    "grid": "网格",
    "address": "地址",
    "longitude": "经度",
    "latitude": "纬度",
    "vulnerable": "需关照",
}
"""Columns of the sheet: field → title."""

NEEDED = ("code", "kind", "unit")

KINDS = {"device": "设备", "meter": "水表", "truck": "车辆", "account": "用户"}

ADVICE = {
    "code": "write letters, digits and . _ : / -, at most 60, once in the sheet",
    "kind": f"write one of {'、'.join(KINDS.values())}",
    "unit": "write the code of a unit of units.toml",
    "grid": "write the code of a grid of grids.toml, or nothing to have it found by position or address",
    "address": "write at most 200 characters, or nothing",
    "longitude": "write degrees such as 113.66 (WGS 84) beside a latitude, or nothing",
    "latitude": "write degrees such as 34.77 (WGS 84) beside a longitude, or nothing",
    "vulnerable": f"write some of {'、'.join(words.VULNERABLE.values())} with ； between them, or nothing",
}
"""What to do about a cell that is wrong."""

BETWEEN = re.compile(r"[,，;；、\s]+")


class Asset(Frozen):
    """A device, meter, truck or customer account."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$", max_length=60)]
    kind: Literal["device", "meter", "truck", "account"]
    unit: Code
    grid: Code | None = None
    address: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] | None = Field(
        default=None, repr=False
    )
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = Field(default=None, repr=False)
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = Field(default=None, repr=False)
    vulnerable: tuple[Literal["alone", "elderly", "disabled"], ...] = Field(default=(), repr=False)

    @model_validator(mode="after")
    def _a_whole_position(self) -> Self:
        if (self.longitude is None) != (self.latitude is None):
            raise ValueError("longitude and latitude go together")
        return self


def write_assets(assets: Iterable[Asset]) -> bytes:
    """The sheet of assets."""
    return write_sheet(COLUMNS, (_cells(asset) for asset in assets))


def read_assets(data: bytes, city: City) -> list[Asset]:
    """Read a sheet of assets; the grid of one that names none is found by its position or address.

    Raises BadSheet with everything that is wrong: line, column, what to do.
    """
    sheet = read_sheet(data, COLUMNS, NEEDED)
    faults, assets = list(sheet.faults), dict[str, Asset]()
    for number, cells in sheet.lines:
        asset, problems = _read(cells, city)
        if asset is not None and asset.code in assets:
            problems["code"] = f"'{asset.code}' stands there twice"
        faults += [_fault(sheet, number, field, problem) for field, problem in problems.items()]
        if asset is not None:
            assets[asset.code] = asset
    if faults:
        raise BadSheet(faults)
    return list(assets.values())


def _read(cells: Mapping[str, str], city: City) -> tuple[Asset | None, dict[str, str]]:
    try:
        asset = Asset.model_validate(_values(cells))
    except ValidationError as error:
        return None, {
            str(fault["loc"][0]) if fault["loc"] else "longitude": "cannot be taken" for fault in error.errors()
        }
    problems = {}
    if asset.unit not in city.units:
        problems["unit"] = f"'{asset.unit}' is not a unit of this city"
    if asset.grid is not None and asset.grid not in city.grids:
        problems["grid"] = f"'{asset.grid}' is not a grid of this city"
    if asset.grid is None:
        position = (asset.longitude, asset.latitude) if asset.longitude and asset.latitude else None
        found = city.grid_at(position, asset.address)
        asset = asset.model_copy(update={"grid": found.code if found else None})
    return asset, problems


def _values(cells: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {field: cell for field, cell in cells.items() if cell}
    values["kind"] = _code(cells.get("kind", ""), KINDS)
    values["vulnerable"] = [
        _code(word, words.VULNERABLE) for word in BETWEEN.split(cells.get("vulnerable", "")) if word
    ]
    return values


def _code(cell: str, names: Mapping[str, str]) -> str:
    return next((code for code, name in names.items() if name == cell), cell)


def _cells(asset: Asset) -> dict[str, str]:
    plain = {field: str(value) for field, value in asset.model_dump(exclude_none=True).items()}
    who = "；".join(words.VULNERABLE[one] for one in asset.vulnerable)
    return plain | {"kind": KINDS[asset.kind], "vulnerable": who}


def _fault(sheet: Sheet, line: int, field: str, problem: str) -> Fault:
    return Fault(line, sheet.title(field, COLUMNS), f"{problem}; {ADVICE[field]}")

"""网格边界: where the grids are, read from `grids.geojson`, and from a position to its grid."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import shapely
from geojson_pydantic import Feature, FeatureCollection, MultiPolygon, Polygon
from pydantic import BaseModel, Field, ValidationError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from domain.errors import ConfigError, config_error_from
from domain.grids import Grid, precedence
from domain.tables import Code, check_known

EARTH = shapely.box(-180, -90, 180, 90)


class _Properties(BaseModel):
    """A drawing tool's own properties may stand beside ours."""

    grid: Code


_Geometry = Annotated[Polygon | MultiPolygon, Field(discriminator="type")]


class _Drawn(Feature[_Geometry, _Properties]):
    """GeoJSON lets either be null; an area has both."""

    geometry: _Geometry
    properties: _Properties


_File = FeatureCollection[_Drawn]


class Areas:
    """The areas of grids, in degrees of WGS 84, longitude first (RFC 7946); a grid may have none."""

    def __init__(self, areas: Iterable[tuple[Grid, BaseGeometry]]) -> None:
        self._areas = tuple(areas)
        self._tree = shapely.STRtree([area for _, area in self._areas])
        self.of = {grid.code: area for grid, area in self._areas}
        """The area of each grid that has one, by its code."""

    def at(self, longitude: float, latitude: float) -> Grid | None:
        """The grid of a position; its border belongs to an area, a hole does not. None outside all of them.

        Of several areas that overlap there, an exclusive grid's comes first, then the finest level's, then the
        smallest, then the first in the file.
        """
        found = sorted(self._tree.query(shapely.Point(longitude, latitude), predicate="intersects"))
        # Degrees are not square, but within a city they are all of one shape.
        here = [self._areas[n] for n in found]
        return max(here, key=lambda place: (precedence(place[0]), -place[1].area))[0] if here else None


def load_areas(path: Path, grids: Mapping[str, Grid]) -> Areas:
    """Read the areas of a city's grids: a GeoJSON feature collection of polygons with the property `grid`.

    Raises ConfigError naming the file, the key and what is wrong: no GeoJSON, another geometry, no position on earth, a
    polygon that crosses itself, a grid that is unknown or drawn twice.
    """
    drawn: dict[str, BaseGeometry] = {}
    for n, feature in enumerate(_read(path).features):
        code = feature.properties.grid
        check_known(path, f"features.{n}.properties.grid", code, grids, "a grid")
        if code in drawn:
            raise ConfigError(path, f"features.{n}.properties.grid", f"'{code}' is given twice")
        drawn[code] = _checked(path, f"features.{n}.geometry", feature.geometry)
    return Areas((grids[code], area) for code, area in drawn.items())


def _read(path: Path) -> Any:
    try:
        return _File.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise ConfigError(path, "", "there is no such file") from None
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise config_error_from(path, error) from None
    except ValueError as error:
        raise ConfigError(path, "", f"is not valid JSON: {error}") from error


def _checked(path: Path, key: str, geometry: Polygon | MultiPolygon) -> BaseGeometry:
    area = shape(geometry)
    if not area.is_valid:
        raise ConfigError(path, key, f"is no area: {shapely.is_valid_reason(area)}")
    if area.is_empty or not EARTH.covers(area):
        raise ConfigError(path, key, "is no area on earth; positions are longitude, latitude")
    return area

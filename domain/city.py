"""A city is a folder of data: everything that makes this engine a certain city's."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict

from domain.areas import Areas, load_areas
from domain.calendar import WorkCalendar, load_calendar
from domain.case import Opening
from domain.catalog import Catalog, VersionedCatalog
from domain.catalog_file import load_catalog
from domain.crews import Crew, load_crews
from domain.errors import ConfigError
from domain.grids import Grid, grid_of, lineage, load_grids
from domain.rulebook import Frozen, Rulebook, load_rulebook
from domain.sms import SmsRules, load_sms
from domain.tables import check_known
from domain.texts import Texts, load_texts
from domain.units import Unit, load_units


class City(Frozen):
    """The data of one city, checked as a whole."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    folder: str
    """Name of its folder; what people call the city is `rulebook.city`."""

    rulebook: Rulebook
    calendar: WorkCalendar
    units: dict[str, Unit]
    grids: dict[str, Grid]
    areas: Areas
    crews: dict[str, Crew]
    catalog: VersionedCatalog
    texts: Texts
    sms: SmsRules

    def at_any_hour(self) -> Self:
        """The city texting at any hour and as often as there is something to say: for trials."""
        return self.model_copy(update={"sms": self.sms.model_copy(update={"night": None, "most_a_day": None})})

    def catalog_at(self, at: datetime) -> Catalog:
        """The catalog in force on the city's local day at an instant."""
        return self.catalog.on(at.astimezone(ZoneInfo(self.rulebook.days.zone)).date())

    def grid_at(self, position: tuple[float, float] | None, address: str | None) -> Grid | None:
        """The grid of a place: by its position (longitude and latitude, WGS 84), else by the words of its address."""
        return (self.areas.at(*position) if position else None) or grid_of(address, self.grids)

    def called(self, code: str | None) -> str | None:
        """What people call the unit or grid that does something; None for a code that is neither's."""
        if unit := self.units.get(code or ""):
            return unit.name
        grid = self.grids.get(code or "")
        return f"{grid.name}网格" if grid else None

    def complete(self, opening: Opening) -> Opening:
        """`opening` with what the files say on the day of its receipt: names of grids, its item's own limit."""
        grids = {grid.code: grid.name for grid in lineage(opening.grid, self.grids)}
        item = self.catalog_at(opening.received_at).items.get(opening.item or "")
        return opening.model_copy(
            update={
                "grid_name": grids.pop(opening.grid or "", None),
                "grids_above": grids,
                "item_limit": item.limit if item else None,
            }
        )


def load_city(folder: Path) -> City:
    """Read and check all files of a city.

    They are rulebook, calendar, units, grids, crews, catalog, texts and sms (`<name>.toml`), and `grids.geojson`.

    Raises ConfigError naming the file, the key and what is wrong; for a folder that does not exist, the cities that do.
    """
    if not folder.is_dir():
        raise ConfigError(folder, "", _no_such_city(folder))
    rulebook = load_rulebook(folder / "rulebook.toml")
    units = load_units(folder / "units.toml")
    grids = load_grids(folder / "grids.toml")
    _check_grids(folder / "grids.toml", grids, units)
    return City(
        folder=folder.resolve().name,
        rulebook=rulebook,
        calendar=load_calendar(folder / "calendar.toml"),
        units=units,
        grids=grids,
        areas=load_areas(folder / "grids.geojson", grids),
        crews=load_crews(folder / "crews.toml", units, grids),
        catalog=load_catalog(folder / "catalog.toml", units, rulebook),
        texts=load_texts(folder / "texts.toml"),
        sms=load_sms(folder / "sms.toml"),
    )


def _check_grids(path: Path, grids: Mapping[str, Grid], units: Collection[str]) -> None:
    for n, grid in enumerate(grids.values()):
        if grid.unit is not None:
            check_known(path, f"grid.{n}.unit", grid.unit, units, "a unit")


def _no_such_city(folder: Path) -> str:
    cities = sorted(rulebook.parent.name for rulebook in folder.parent.glob("*/rulebook.toml"))
    return f"there is no such city; the cities here are: {', '.join(cities) or 'none'}"

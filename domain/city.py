"""A city is a folder of data: everything that makes this engine a certain city's."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.calendar import WorkCalendar, load_calendar
from domain.case import Opening
from domain.catalog import Catalog, VersionedCatalog
from domain.catalog_file import load_catalog
from domain.errors import ConfigError
from domain.grids import Grid, load_grids
from domain.rulebook import Frozen, Rulebook, load_rulebook
from domain.tables import check_known
from domain.texts import Texts, load_texts
from domain.units import Unit, load_units


class City(Frozen):
    """The data of one city, checked as a whole."""

    folder: str
    """Name of its folder; what people call the city is `rulebook.city`."""

    rulebook: Rulebook
    calendar: WorkCalendar
    units: dict[str, Unit]
    grids: dict[str, Grid]
    catalog: VersionedCatalog
    texts: Texts

    def catalog_at(self, at: datetime) -> Catalog:
        """The catalog in force on the city's local day at an instant."""
        return self.catalog.on(at.astimezone(ZoneInfo(self.rulebook.days.zone)).date())

    def complete(self, opening: Opening) -> Opening:
        """`opening` with what the files say on the day of its receipt: its grid's name, its item's own limit."""
        grid = self.grids.get(opening.grid or "")
        item = self.catalog_at(opening.received_at).items.get(opening.item or "")
        return opening.model_copy(
            update={"grid_name": grid.name if grid else None, "item_limit": item.limit if item else None}
        )


def load_city(folder: Path) -> City:
    """Read and check all files of a city: rulebook, calendar, units, grids, catalog and texts (`<name>.toml`).

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
        catalog=load_catalog(folder / "catalog.toml", units, rulebook),
        texts=load_texts(folder / "texts.toml"),
    )


def _check_grids(path: Path, grids: Mapping[str, Grid], units: Collection[str]) -> None:
    for n, grid in enumerate(grids.values()):
        if grid.unit is not None:
            check_known(path, f"grid.{n}.unit", grid.unit, units, "a unit")


def _no_such_city(folder: Path) -> str:
    cities = sorted(rulebook.parent.name for rulebook in folder.parent.glob("*/rulebook.toml"))
    return f"there is no such city; the cities here are: {', '.join(cities) or 'none'}"

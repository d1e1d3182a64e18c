"""A city is a folder of data: everything that makes this engine a certain city's."""

from pathlib import Path
from typing import Self

from domain.calendar import WorkCalendar, load_calendar
from domain.catalog import Catalog, load_catalog
from domain.errors import ConfigError
from domain.grids import Grid, load_grids
from domain.rulebook import Frozen, Rulebook, load_rulebook
from domain.sms import SmsRules, load_sms
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
    catalog: Catalog
    texts: Texts
    sms: SmsRules

    def at_any_hour(self) -> Self:
        """The city texting at any hour and as often as there is something to say: for trials."""
        return self.model_copy(update={"sms": self.sms.model_copy(update={"night": None, "most_a_day": None})})


def load_city(folder: Path) -> City:
    """Read and check all files of a city: rulebook, calendar, units, grids, catalog, texts and sms (`<name>.toml`).

    Raises ConfigError naming the file, the key and what is wrong; for a folder that does not exist, the cities that do.
    """
    if not folder.is_dir():
        raise ConfigError(folder, "", _no_such_city(folder))
    rulebook = load_rulebook(folder / "rulebook.toml")
    units = load_units(folder / "units.toml")
    return City(
        folder=folder.resolve().name,
        rulebook=rulebook,
        calendar=load_calendar(folder / "calendar.toml"),
        units=units,
        grids=load_grids(folder / "grids.toml"),
        catalog=load_catalog(folder / "catalog.toml", units, rulebook.categories),
        texts=load_texts(folder / "texts.toml"),
        sms=load_sms(folder / "sms.toml"),
    )


def _no_such_city(folder: Path) -> str:
    cities = sorted(rulebook.parent.name for rulebook in folder.parent.glob("*/rulebook.toml"))
    return f"there is no such city; the cities here are: {', '.join(cities) or 'none'}"

"""A city is a folder of data: everything that makes this engine a certain city's."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict

from domain.areas import Areas, load_areas
from domain.calendar import WorkCalendar, load_calendar
from domain.case import Opening
from domain.catalog import Catalog, VersionedCatalog
from domain.catalog_file import load_catalog
from domain.commitment_clocks import CommitmentClock, Happening, clocks_of
from domain.commitments import Promise, promised
from domain.crews import Crew, load_crews
from domain.errors import ConfigError
from domain.grids import Grid, grid_of, lineage, load_grids
from domain.open311 import OTHER, Open311, load_open311
from domain.partners import Partner, load_partners
from domain.rulebook import Frozen, Rulebook, load_rulebook
from domain.sensors import Sensors, load_sensors
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
    partners: dict[str, Partner]
    catalog: VersionedCatalog
    texts: Texts
    sms: SmsRules
    open311: Open311
    sensors: Sensors

    def at_any_hour(self) -> Self:
        """The city texting at any hour and as often as there is something to say: for trials."""
        return self.model_copy(update={"sms": self.sms.model_copy(update={"night": None, "most_a_day": None})})

    @property
    def zone(self) -> ZoneInfo:
        """Where its clocks stand."""
        return ZoneInfo(self.rulebook.days.zone)

    def local_day(self, at: datetime) -> date:
        """The day it is in the city at an instant."""
        return at.astimezone(self.zone).date()

    def catalog_at(self, at: datetime) -> Catalog:
        """The catalog in force on the city's local day at an instant."""
        return self.catalog.on(self.local_day(at))

    def grid_at(self, position: tuple[float, float] | None, address: str | None) -> Grid | None:
        """The grid of a place: by its position (longitude and latitude, WGS 84), else by the words of its address.

        Words decide too where they name a grid that nobody has drawn, below the one in which the position is.
        """
        there = self.areas.at(*position) if position else None
        named = grid_of(address, self.grids, self.units)
        if named is None or there is None:
            return there or named
        drawn = next((grid for grid in lineage(named.code, self.grids) if grid.code in self.areas.of), None)
        return named if drawn is there else there

    def called(self, code: str | None) -> str | None:
        """What people call the unit, partner or grid that does something; None for a code that is none of theirs."""
        if party := self.units.get(code or "") or self.partners.get(code or ""):
            return party.name
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

    def commitments_of(self, events: Iterable[Happening], now: datetime) -> list[CommitmentClock]:
        """The units' own commitments in a case, by all its events in order, as they stand at `now`."""
        return clocks_of(events, self.units, self.zone, now)

    def promised(self, unit: str, began: datetime, category: str, item: str | None, *, lead: bool) -> list[Promise]:
        """What a unit has promised of an order that goes out to it at an instant."""
        return promised(self.units[unit].commitments, began, self.zone, category, item, lead=lead)


def load_city(folder: Path) -> City:
    """Read and check all files of a city.

    They are rulebook, calendar, units, grids, crews, catalog, texts, sms and sensors (`<name>.toml`), `grids.geojson`,
    and, if there is something to say, `partners.toml` and `open311.toml`.

    Raises ConfigError naming the file, the key and what is wrong; for a folder that does not exist, the cities that do.
    """
    if not folder.is_dir():
        raise ConfigError(folder, "", _no_such_city(folder))
    rulebook = load_rulebook(folder / "rulebook.toml")
    units = load_units(folder / "units.toml")
    grids = load_grids(folder / "grids.toml")
    _check_grids(folder / "grids.toml", grids, units)
    catalog = load_catalog(folder / "catalog.toml", units, rulebook)
    items = {item.code for item in catalog.versions}
    _check_commitments(folder / "units.toml", units, rulebook.categories, items)
    partners = load_partners(folder / "partners.toml")
    _check_secrets(folder, units, partners)
    return City(
        folder=folder.resolve().name,
        rulebook=rulebook,
        calendar=load_calendar(folder / "calendar.toml"),
        units=units,
        grids=grids,
        areas=load_areas(folder / "grids.geojson", grids),
        crews=load_crews(folder / "crews.toml", units, grids),
        partners=partners,
        catalog=catalog,
        texts=load_texts(folder / "texts.toml"),
        sms=load_sms(folder / "sms.toml"),
        open311=load_open311(folder / "open311.toml", items | {OTHER}),
        sensors=load_sensors(folder / "sensors.toml", items, rulebook.categories),
    )


def _check_grids(path: Path, grids: Mapping[str, Grid], units: Collection[str]) -> None:
    for n, grid in enumerate(grids.values()):
        if grid.unit is not None:
            check_known(path, f"grid.{n}.unit", grid.unit, units, "a unit")


def _check_secrets(folder: Path, units: Mapping[str, Unit], partners: Mapping[str, Partner]) -> None:
    """Who has the secret of another can sign in its name: one platform may, for those it serves, and nobody else."""
    first: dict[str, Unit | Partner] = {}
    tables: dict[str, Mapping[str, Unit | Partner]] = {"unit": units, "partner": partners}
    for table, parties in tables.items():
        for n, party in enumerate(parties.values()):
            if party.secret is None:
                continue
            other = first.setdefault(party.secret, party)
            if other is not party and (party.system is None or party.system != other.system):
                said = f"'{other.code}' has the same, and only those who share a system share a secret"
                raise ConfigError(folder / f"{table}s.toml", f"{table}.{n}.secret", said)


def _check_commitments(
    path: Path, units: Mapping[str, Unit], categories: Collection[str], items: Collection[str]
) -> None:
    for n, unit in enumerate(units.values()):
        for m, commitment in enumerate(unit.commitments):
            for code in commitment.categories:
                check_known(path, f"unit.{n}.commitments.{m}.categories", code, categories, "a category")
            for code in commitment.items:
                check_known(path, f"unit.{n}.commitments.{m}.items", code, items, "an item")


def _no_such_city(folder: Path) -> str:
    cities = sorted(rulebook.parent.name for rulebook in folder.parent.glob("*/rulebook.toml"))
    return f"there is no such city; the cities here are: {', '.join(cities) or 'none'}"

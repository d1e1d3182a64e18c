"""未诉先办: the kinds of alert that sensors raise, when one is confirmed, joined and over, read from `sensors.toml`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.errors import ConfigError
from domain.grids import FINENESS, Grid, lineage
from domain.readings import Reading
from domain.rulebook import Code as Category
from domain.rulebook import Frozen, Pause, Sourced, pause
from domain.tables import Code, Name, by_code, check_known, read_as

MOST_READINGS = 20
"""So many instants of an alert are kept until it is confirmed."""

MAY_USE = ("address", "asset", "value", "readings")
"""The placeholders of a kind's text."""


def _with_known_placeholders(template: str) -> str:
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None and (name not in MAY_USE or form or conversion):
            raise ValueError(f"a placeholder is one of {', '.join(MAY_USE)}")
    return template


Template = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_with_known_placeholders)]


AssetKind = Literal["device", "meter", "truck", "account"]


class Confirmation(Frozen):
    """What makes an alert certain enough to send somebody: so many readings within a time, or one value bad enough."""

    readings: Annotated[int, Field(ge=1, le=MOST_READINGS)] = 1
    within: Pause = "1h"
    below: float | None = None
    """A value below it confirms by itself, as one above `above` does."""
    above: float | None = None

    def by(self, recent: Sequence[datetime], value: float | None) -> bool:
        """Whether readings at these instants, in order, one of them with this value, confirm."""
        if value is not None and (
            (self.below is not None and value < self.below) or (self.above is not None and value > self.above)
        ):
            return True
        spans = zip(recent, recent[self.readings - 1 :], strict=False)
        return any(last - first <= pause(self.within) for first, last in spans)


class Bounds(Frozen):
    """From one value to another, both included."""

    least: float | None = None
    most: float | None = None

    def hold(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class Joining(Frozen):
    """How far alerts of one kind and unit are one matter: in the same grid of a level, within a time."""

    level: Literal["street", "community", "micro"]
    within: Pause


class Kind(Sourced):
    """A kind of alert."""

    code: Code
    name: Name
    item: Code
    """The matter of the catalog that its cases are about."""
    assets: Annotated[tuple[AssetKind, ...], Field(min_length=1)]
    """What it is heard of."""
    measure: Annotated[str, StringConstraints(max_length=12)] = ""
    """Unit of its values."""
    plausible: Bounds | None = None
    """Values that can be; an alarm with another is refused."""
    needs_value: bool = False
    """Whether an alarm without a value is refused."""
    urgent: bool = False
    """Whether its cases have the short clocks of a large outage."""
    confirm: Confirmation = Confirmation()
    normal: Bounds | None = None
    """Values at which all is well: a reading with one counts as recovered. Without it only a recovered event does."""
    steady: Pause = "10min"
    """So long all must stay well before that closes a case. Ours."""
    expires: Pause
    """An alert that nothing confirmed is forgotten so long after its last reading."""
    join: Joining | None = None
    """Without it each asset's alert is a matter of its own."""
    vulnerable: tuple[Literal["alone", "elderly", "disabled"], ...] = ()
    """Whose home it is wherever this kind is heard of; what concerns them is always a case of its own."""
    text: Template
    """What its case says."""

    def says_well(self, reading: Reading) -> bool:
        """Whether a reading says that all is well."""
        in_bounds = self.normal is not None and reading.value is not None and self.normal.hold(reading.value)
        return reading.recovered or in_bounds

    def unfit(self, asset: str, reading: Reading) -> str | None:
        """The code of the refusal of a reading that an asset of this kind cannot have sent, if it is one."""
        if asset not in self.assets:
            return "unfit_asset"
        if reading.recovered:
            return None
        if reading.value is None:
            return "no_value" if self.needs_value else None
        return None if self.plausible is None or self.plausible.hold(reading.value) else "implausible_value"

    def area(self, grid: str | None, grids: Mapping[str, Grid]) -> str | None:
        """Code of the area within which alerts of this kind are one matter; None where each stands alone.

        Where no grid of the level is known, it is the coarsest that is.
        """
        if self.join is None:
            return None
        above = lineage(grid, grids)
        coarse = [other for other in above if FINENESS[other.level] <= FINENESS[self.join.level]]
        return next((other.code for other in (*coarse, *above[-1:])), None)

    def concerns_somebody(self, vulnerable: Collection[str]) -> bool:
        """Whether it is about somebody who needs help, as the register or the kind itself says."""
        return bool(self.vulnerable or vulnerable)

    def words(self, asset: str, address: str | None, value: float | None, readings: int) -> str:
        """What the case says of the asset at which it began."""
        shown = f"{value:g}{self.measure}" if value is not None else "（未报数值）"
        return self.text.format(asset=asset, address=address or "（未登记地址）", value=shown, readings=readings)


class Collective(Frozen):
    """What a collective case of a unit and kind is called, and what it says before its first alert's words."""

    title: Name
    text: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Sensors(Sourced):
    """How alerts become proactive cases."""

    category: Category
    """Category of the rulebook under which proactive cases are handled."""
    cases_an_hour: Annotated[int, Field(ge=1, le=10_000)]
    """So many cases of one unit and kind within any hour; what is confirmed beyond them joins one collective case."""
    collective: Collective
    kind: Annotated[tuple[Kind, ...], Field(min_length=1)]

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        return {kind.code: kind for kind in self.kind}

    @model_validator(mode="after")
    def _no_silent_threshold(self) -> Self:
        for kind in self.kind:
            limits = kind.confirm.below, kind.confirm.above
            if kind.normal and any(limit is not None and kind.normal.hold(limit) for limit in limits):
                raise ValueError(f"{kind.code}: a value that confirms must lie outside its normal ones")
        return self


def load_sensors(path: Path, items: Collection[str], categories: Collection[str]) -> Sensors:
    """Read a city's kinds of alert.

    Raises ConfigError naming the file, the key and what is wrong, also for a code given twice, an unknown category and
    an unknown item.
    """
    sensors = read_as(path, Sensors)
    by_code(path, "kind", sensors.kind)
    if sensors.category not in categories:
        raise ConfigError(path, "category", f"'{sensors.category}' is not a category of the rulebook")
    for n, kind in enumerate(sensors.kind):
        check_known(path, f"kind.{n}.item", kind.item, items, "an item of the catalog")
    return sensors

"""承办单位: who handles requests, and how the engine reaches them, read from `units.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.commitments import Commitment
from domain.errors import ConfigError
from domain.rulebook import Frozen
from domain.tables import Code, Name, Phone, by_code, check_known, read_as

Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=60)]
Value = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AttributeCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
Rate = Annotated[float, Field(gt=0, le=1000)]


def system_at(endpoint: str | None) -> str | None:
    """Name of the system whose address is in an environment variable; None without one."""
    return endpoint.removeprefix("JIESU_ENDPOINT_").lower() if endpoint else None


class Unit(Frozen):
    """A bureau, district, street or utility that handles requests."""

    code: Code
    name: Name
    kind: Literal["bureau", "district", "street", "water", "heat", "gas", "power", "company"]

    reach: Literal["people", "webhook", "open311"] = "people"
    """By people on the hotline's screens, by signed webhooks to its own order system, or as an Open311 server."""

    endpoint: Variable | None = None
    """Name of the environment variable that holds the URL of its system: where it is differs per installation."""

    secret: Variable | None = None
    """Name of the environment variable with the secret that signs webhooks both ways, or with its Open311 api_key."""

    rate: Rate = 20
    """Messages a second that its system takes from one worker; units that share a system share its rate."""

    services: dict[Code, Annotated[str, StringConstraints(min_length=1, max_length=60)]] = Field(default_factory=dict)
    """Of an Open311 server: our catalog items and its service codes for them; `other` stands for all not named."""

    attributes: dict[Code, dict[AttributeCode, Value]] = Field(default_factory=dict)
    """What its services want besides: item or `other` → code of an attribute → the answer given for all orders."""

    jurisdiction: Value | None = None
    """The jurisdiction_id of an Open311 server for several places."""

    format: Literal["json", "xml"] = "json"
    """In which an Open311 server answers: XML each must (GeoReport v2), JSON it may."""

    poll: Annotated[float, Field(gt=0, le=86_400)] = 300
    """Seconds after which an Open311 server is asked again how one of our orders stands."""

    phone: Phone | None = None
    parent: Code | None = None
    """The unit it belongs to."""

    commitments: tuple[Commitment, ...] = ()
    """服务承诺: what it has promised of its own service."""

    @property
    def system(self) -> str | None:
        """Name of its system, which it shares with all units that name the same endpoint; None without one."""
        return system_at(self.endpoint)

    @model_validator(mode="after")
    def _reached_whole(self) -> Self:
        if (self.reach != "people") != (self.endpoint is not None):
            raise ValueError("endpoint: a unit reached by its own system names one, and no other does")
        if (self.reach != "people") != (self.secret is not None):
            raise ValueError("secret: a unit reached by its own system names one, and no other does")
        if (self.reach == "open311") != bool(self.services):
            raise ValueError("services: an Open311 server has some, if only `other`, and no other unit does")
        if not self.attributes.keys() <= self.services.keys():
            raise ValueError("attributes: of items that `services` names")
        if self.jurisdiction is not None and self.reach != "open311":
            raise ValueError("jurisdiction: only an Open311 server has one")
        return self

    @model_validator(mode="after")
    def _each_commitment_once(self) -> Self:
        if len({commitment.code for commitment in self.commitments}) < len(self.commitments):
            raise ValueError("commitments: a code is given twice")
        return self


class _File(Frozen):
    unit: Annotated[tuple[Unit, ...], Field(min_length=1)]


def load_units(path: Path) -> dict[str, Unit]:
    """Read a city's units, by code, in the order of the file.

    Raises ConfigError naming the file, the key and what is wrong, also for a code given twice, an unknown parent, and a
    unit that belongs to itself.
    """
    rows = read_as(path, _File).unit
    units = by_code(path, "unit", rows)
    for n, unit in enumerate(rows):
        if unit.parent is not None:
            check_known(path, f"unit.{n}.parent", unit.parent, units, "a unit")
    for n, unit in enumerate(rows):
        if _belongs_to_itself(unit, units):
            raise ConfigError(path, f"unit.{n}.parent", f"'{unit.code}' belongs to itself")
    return units


def _belongs_to_itself(unit: Unit, units: Mapping[str, Unit]) -> bool:
    seen: set[str] = set()
    parent = unit.parent
    while parent is not None and parent not in seen:
        seen.add(parent)
        parent = units[parent].parent
    return unit.code in seen

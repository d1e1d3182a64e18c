"""联动平台: the other hotlines and platforms that cases are transferred to and come from, read from `partners.toml`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import field_validator, model_validator

from domain.limits import Limit
from domain.roles import Role
from domain.rulebook import Frozen, Sourced
from domain.steps.transfer import Terms
from domain.tables import Code, Name, Phone, by_code, read_as
from domain.units import Rate, Variable, system_at
from domain.words import CHANNEL


class Partner(Sourced):
    """Another hotline or platform."""

    code: Code
    name: Name
    kind: Literal["emergency", "hotline", "platform"]
    """An emergency line always learns who the citizen is: lives may depend on it."""

    takes: bool = False
    """Whether cases can be transferred to it."""

    sends: str | None = None
    """The channel by which its cases come to us, if it sends any."""

    reach: Literal["people", "webhook"] = "people"
    """By people on the phone, or by signed webhooks both ways."""

    endpoint: Variable | None = None
    """Name of the environment variable that holds the URL of its system, if that takes transfers."""

    secret: Variable | None = None
    """Name of the environment variable with the secret that signs webhooks both ways."""

    rate: Rate = 20
    """Messages a second that its system takes from one worker; whoever shares the system shares its rate."""

    phone: Phone | None = None
    """Its number; citizens are told to ask there how their request fares, but never at an emergency line."""

    within: Limit | None = None
    """How soon it acknowledges a transfer; later, somebody at the hotline sees to it."""

    @property
    def system(self) -> str | None:
        """Name of its system, which it shares with all units and partners that name the same endpoint; None without."""
        return system_at(self.endpoint)

    @property
    def ask_at(self) -> str | None:
        """The number at which citizens ask how a request fares that it has taken over."""
        return "12345" if self.kind == "emergency" else self.phone

    @property
    def terms(self) -> Terms:
        """What a case that is transferred to it carries of it."""
        return Terms(name=self.name, within=self.within)

    def learns_identity(self, *, withheld: bool) -> bool:
        """Whether it learns who the citizen of a case is."""
        return self.kind == "emergency" or not withheld

    def may_see(self, author: str, *, withheld: bool) -> bool:
        """Whether it may see a file that somebody of that role attached: one from a citizen may show who it is."""
        return self.learns_identity(withheld=withheld) or author in (Role.UNIT, Role.GRID)

    @field_validator("sends")
    @classmethod
    def _a_channel(cls, channel: str | None) -> str | None:
        if channel is not None and channel not in CHANNEL:
            raise ValueError(f"there is no such channel; the channels are: {', '.join(CHANNEL)}")
        return channel

    @model_validator(mode="after")
    def _reached_whole(self) -> Self:
        if (self.reach == "webhook") != (self.secret is not None):
            raise ValueError("secret: a partner reached by webhooks names one, and no other does")
        if (self.reach == "webhook" and self.takes) != (self.endpoint is not None):
            raise ValueError("endpoint: a partner that takes transfers by webhook names one, and no other does")
        if self.takes != (self.phone is not None):
            raise ValueError(
                "phone: a partner that takes transfers has one, which citizens are told, and no other does"
            )
        if self.within is not None and not self.takes:
            raise ValueError("within: only a partner that takes transfers acknowledges them")
        return self


class _File(Frozen):
    partner: tuple[Partner, ...] = ()


def load_partners(path: Path) -> dict[str, Partner]:
    """Read a city's partners, by code, in the order of the file; without the file it has none.

    Raises ConfigError naming the file, the key and what is wrong, also for a code given twice.
    """
    return by_code(path, "partner", read_as(path, _File).partner) if path.exists() else {}

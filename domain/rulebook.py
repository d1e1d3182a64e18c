"""A city's rules as data: limits, ladders, grounds and situations, each with its source, read from `rulebook.toml`."""

from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from domain.deadlines import DayRules
from domain.limits import Limit
from domain.tables import read_as, written

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Pause = Annotated[str, written("[1-9][0-9]{0,4}(s|min|m|h|d)", "10s, 10min, 2h or 3d")]
"""A technical pause, not a legal limit: no calendar involved. `m` is an older spelling of `min`."""

_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def pause(text: Pause) -> timedelta:
    """How long a pause such as ``10s``, ``10min``, ``3d`` is."""
    unit = text.lstrip("0123456789")
    return timedelta(seconds=int(text.removesuffix(unit)) * _SECONDS[unit])


class ClockName(StrEnum):
    """The legal clocks of a case."""

    DISPATCH = "dispatch"
    SIGN_IN = "sign_in"
    HANDLING = "handling"
    OPINION = "opinion"
    PROGRESS = "progress"
    CALLBACK = "callback"
    DECISION = "decision"
    SUSPENSION = "suspension"
    ACKNOWLEDGEMENT = "acknowledgement"


class Action(StrEnum):
    """What a rung of a ladder does, mildest first (细则, supervision; 实践, discipline module)."""

    REMIND = "remind"
    YELLOW = "yellow"
    RED = "red"
    SUPERVISION_ORDER = "supervision_order"
    JOINT_MEETING = "joint_meeting"
    CIRCULAR = "circular"
    INTERVIEW = "interview"
    GOVERNMENT_INSPECTION = "government_inspection"
    DISCIPLINE_REFERRAL = "discipline_referral"


class Frozen(BaseModel):
    """A value: never changes, so a copy of what holds it need not copy it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self


class Sourced(Frozen):
    """A rule that says where it comes from."""

    source: Annotated[str, StringConstraints(min_length=1)]


class Rung(Frozen):
    """One step of an escalation ladder: fires once, `at` working days from the due instant (0: at that instant)."""

    at: Annotated[int, Field(ge=-30, le=250)]
    action: Action
    to: Literal["unit", "hotline"] = "unit"
    situation: Code | None = None

    @model_validator(mode="after")
    def _referral_names_its_situation(self) -> Self:
        if (self.action is Action.DISCIPLINE_REFERRAL) != (self.situation is not None):
            raise ValueError("a discipline_referral names its situation, and nothing else does")
        return self


UNACKNOWLEDGED = (Rung(at=0, action=Action.RED, to="hotline"),)
"""What follows when a partner does not acknowledge a transfer in time (ours): somebody at the hotline sees to it."""


class ClockRule(Sourced):
    """The limit of a clock, its shorter limit in an outage, and the ladder that follows when it lapses."""

    limit: Limit
    outage: Limit | None = None
    ladder: tuple[Rung, ...]

    @model_validator(mode="after")
    def _ladder_climbs(self) -> Self:
        _check_climbs(self.ladder)
        return self


class HandlingRule(Sourced):
    """The handling clock: its limit is the category's; it starts where the city's rulebook says."""

    starts: Literal["sign_in", "dispatch", "receipt"] = "sign_in"
    ladder: tuple[Rung, ...]

    @model_validator(mode="after")
    def _ladder_climbs(self) -> Self:
        _check_climbs(self.ladder)
        return self


def _check_climbs(ladder: tuple[Rung, ...]) -> None:
    if [rung.at for rung in ladder] != sorted(rung.at for rung in ladder):
        raise ValueError("ladder: rungs stand in the order in which they fire (`at` never falls)")
    lapse = [rung for rung in ladder if rung.at >= 0]
    if not lapse or lapse[0].at != 0 or lapse[0].action is not Action.RED:
        raise ValueError('ladder: the first rung from the due instant on is { at = 0, action = "red" }')


class Clocks(Frozen):
    """The clocks of a case (细则, 全流程时限)."""

    dispatch: ClockRule
    sign_in: ClockRule
    handling: HandlingRule
    opinion: ClockRule
    progress: ClockRule
    callback: ClockRule
    decision: ClockRule


class Category(Sourced):
    """A kind of request and its handling limit."""

    name: str
    limit: Limit


class Province(Sourced):
    """Orders sent by the province's hotline are due earlier."""

    deduction: Annotated[int, Field(ge=0, le=10)]
    """Working days taken off the handling limit."""


class Returns(Sourced):
    """A unit may return an order that is not its business, within this window from dispatch."""

    window: Limit


class Extension(Sourced):
    """Once, asked before the limit, decided by the hotline; never longer than the original limit."""

    holds: bool = True
    """Whether the handling ladder waits while the hotline decides on an extension or suspension asked in time."""


class Suspension(Sourced):
    """挂账: a matter that cannot be solved now, put off with approval until a date."""

    max_days: Annotated[int, Field(ge=1, le=3650)]
    """Natural days from the approval to the last day it may be put off to."""


class Callback(Sourced):
    """How often the hotline tries to reach the citizen, and what counts as dissatisfied."""

    attempts: Annotated[int, Field(ge=1, le=20)]
    dissatisfied_at_most: Annotated[int, Field(ge=1, le=4)]


class Rework(Sourced):
    """How many times a dissatisfied or unsolved answer goes back to its unit."""

    rounds: Annotated[int, Field(ge=0, le=10)]


class Effects(Sourced):
    """How long outside systems are tried before a person is told. Technical pauses, not legal limits."""

    first_retry: Pause
    longest_pause: Pause
    give_up_after: Pause


class Ground(Sourced):
    """A ground for not accepting a request, with what the citizen is told to do instead."""

    name: str
    guidance: str


class Situation(Sourced):
    """A situation that is referred to discipline inspection."""

    name: str


GROUNDS = frozenset(
    {
        "litigation",
        "arbitration",
        "discipline_inspection",
        "administrative_review",
        "information_disclosure",
        "petition",
        "secrets",
        "privacy",
        "public_order",
    }
)
"""The nine grounds for not accepting a request (细则, 受理范围)."""

SITUATIONS_USED_BY_THE_CORE = frozenset(
    {"formal_closing", "dissatisfied", "repeated_rework", "groundless_return", "extension_overdue"}
)


class Rulebook(Frozen):
    """Everything the rules leave to a city. A case keeps the rulebook it started under."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    city: str
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,6}$")]
    days: DayRules
    categories: dict[Code, Category]
    province: Province
    clocks: Clocks
    returns: Returns
    extension: Extension
    suspension: Suspension
    callback: Callback
    rework: Rework
    effects: Effects
    grounds: dict[Code, Ground]
    situations: dict[Code, Situation]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if missing := GROUNDS - self.grounds.keys():
            raise ValueError(f"grounds: missing {', '.join(sorted(missing))}")
        ladders = (self.clocks.__dict__[name].ladder for name in type(self.clocks).model_fields)
        named = {rung.situation for ladder in ladders for rung in ladder if rung.situation}
        if unnamed := {*named, *SITUATIONS_USED_BY_THE_CORE} - self.situations.keys():
            raise ValueError(f"situations: missing {', '.join(sorted(unnamed))}")
        for name, category in self.categories.items():
            if category.limit.unit != "wd" or category.limit.amount <= self.province.deduction:
                raise ValueError(
                    f"categories.{name}.limit: working days, more than province.deduction ({self.province.deduction})"
                )
        return self

    @property
    def province_deduction(self) -> int:
        """Working days taken off the handling limit of an order sent by the province."""
        return self.province.deduction

    @cached_property
    def travelling(self) -> "Rulebook":
        """The rules a case carries with it: without the words that say where each comes from and guide the citizen.

        Those stay with the city's files; a case names its rulebook's version.
        """
        plain = self.model_dump()
        for ground in plain["grounds"].values():
            ground["guidance"] = "-"
        return Rulebook.model_validate(_without_sources(plain))

    def handling_limit(self, category: str, item: Limit | None = None, *, province: bool) -> Limit:
        """The handling limit in working days: that of the item if it has its own, else the category's.

        One less when the province's hotline sent the order.
        """
        limit = item or self.categories[category].limit
        return limit.less(self.province.deduction) if province and self.province.deduction else limit

    def ladder(self, clock: ClockName) -> tuple[Rung, ...]:
        """The rungs of a clock, in firing order; the suspension clock has none: its lapse resumes the case."""
        if clock is ClockName.SUSPENSION:
            return ()
        if clock is ClockName.ACKNOWLEDGEMENT:
            return UNACKNOWLEDGED
        rule: ClockRule | HandlingRule = getattr(self.clocks, clock.value)
        return rule.ladder


def _without_sources(rules: Any) -> Any:
    if isinstance(rules, dict):
        return {key: "-" if key == "source" else _without_sources(value) for key, value in rules.items()}
    return rules


def load_rulebook(path: Path) -> Rulebook:
    """Read and check a city's rulebook.

    Raises ConfigError naming the file, the key and what is wrong with it.
    """
    return read_as(path, Rulebook)

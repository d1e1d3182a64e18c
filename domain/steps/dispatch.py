"""派单与改派: the dispatcher decides who is responsible; an order starts its unit's sign-in clock (细则 nos. 1, 2)."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.command import Command
from domain.events import Assignment, EventKind, Status
from domain.refusals import Refused
from domain.rulebook import ClockName
from domain.words import REQUEST

if TYPE_CHECKING:
    from domain.case import Case

UnitCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
Names = Annotated[dict[UnitCode, str], Field(max_length=11)]
"""What people call the units; the case itself goes by their codes."""


class Dispatch(Command):
    """Send the case to a lead unit and, where several must work on it, to assisting units."""

    step: ClassVar[str] = "dispatch"

    lead: UnitCode
    assisting: Annotated[tuple[UnitCode, ...], Field(max_length=10)] = ()
    names: Names = Field(default_factory=dict)

    def take(self, case: "Case", at: datetime) -> None:
        if case.status in (Status.DISPATCHED, Status.HANDLING):
            raise Refused(
                "already_dispatched", unit=case.lead, unit_zh=case.name_of(case.lead), on=case.day(case.dispatched_at)
            )
        case.require(Status.RECEIVED, Status.RETURNED)
        clock = case.stop(ClockName.DISPATCH)
        case.names = case.names | self.names
        _check_units(case, self.lead, self.assisting)
        case.record(
            EventKind.DISPATCHED,
            self.by,
            at,
            clock=clock,
            unit=self.lead,
            note=self.note,
            assisting=list(self.assisting),
            ordered=[self.lead, *self.assisting],
        )
        _assign(case, self.lead, self.assisting, at)


class Redispatch(Command):
    """Send a case that is already with a unit elsewhere, with a reason; the units that lose it are told."""

    step: ClassVar[str] = "redispatch"

    note: str
    lead: UnitCode
    assisting: Annotated[tuple[UnitCode, ...], Field(max_length=10)] = ()
    names: Names = Field(default_factory=dict)

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.DISPATCHED, Status.HANDLING)
        case.names = case.names | self.names
        _check_units(case, self.lead, self.assisting)
        if case.request is not None:
            raise pending(case)
        keeping = {self.lead, *self.assisting}
        if (self.lead, set(self.assisting)) == (case.lead, {a.unit for a in case.assignments if not a.lead}):
            raise Refused("nothing_changes")
        case.record(
            EventKind.REDISPATCHED, self.by, at, unit=self.lead, note=self.note, assisting=list(self.assisting),
            ordered=[unit for unit in (self.lead, *self.assisting) if not _has_part(case, unit, self.lead)],
            recalled=[a.unit for a in case.assignments if a.unit not in keeping], was=case.lead,
        )  # fmt: skip
        _assign(case, self.lead, self.assisting, at)


class Resend(Command):
    """Send again the orders of the case that units' systems refused, for when those have been put right. Ours."""

    step: ClassVar[str] = "resend"

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.DISPATCHED, Status.HANDLING, Status.SUSPENDED)
        if not case.refused_orders:
            raise Refused("nothing_to_resend")
        orders, case.refused_orders = case.refused_orders, []
        case.record(
            EventKind.RESENT, self.by, at, note=self.note,
            orders=[
                {"unit": order.unit, "kind": order.kind, "role": order.role, "about": order.about or order.event}
                for order in orders
            ],
        )  # fmt: skip


def pending(case: "Case") -> Refused:
    """The refusal that names the request still waiting for a decision."""
    assert case.request is not None
    kind = case.request.kind
    return Refused("request_pending", request=kind, request_zh=REQUEST[kind], on=case.day(case.request.at))


def _check_units(case: "Case", lead: str, assisting: tuple[str, ...]) -> None:
    units = [lead, *assisting]
    for unit in units:
        if units.count(unit) > 1:
            raise Refused("same_unit_twice", unit=unit, unit_zh=case.name_of(unit))


def _has_part(case: "Case", unit: str, lead: str) -> bool:
    return any(part.unit == unit and part.lead == (unit == lead) for part in case.assignments)


def _assign(case: "Case", lead: str, assisting: tuple[str, ...], at: datetime) -> None:
    """New orders for the units named. One that keeps its part goes on as it is: no redispatch washes a delay away."""
    kept = {part.unit: part for part in case.assignments if part.unit in (lead, *assisting)}
    kept = {unit: part for unit, part in kept.items() if part.lead == (unit == lead)}
    _stop_clocks(case, kept=set(kept), same_lead=lead in kept)
    case.refused_orders = [order for order in case.refused_orders if order.unit in kept]
    case.assignments = [
        kept.get(unit) or Assignment(unit=unit, lead=unit == lead, dispatched_at=at) for unit in (lead, *assisting)
    ]
    for part in case.assignments:
        if part.unit not in kept:
            case.start(ClockName.SIGN_IN, at, unit=part.unit)
    if lead not in kept:
        case.status, case.dispatched_at, case.opinion_at = Status.DISPATCHED, at, None
        _start_handling_at_dispatch(case, at)


def _stop_clocks(case: "Case", *, kept: set[str], same_lead: bool) -> None:
    of_lead = (ClockName.HANDLING, ClockName.OPINION, ClockName.PROGRESS)
    case.clocks = [
        clock
        for clock in case.clocks
        if not (clock.name is ClockName.SIGN_IN and clock.unit not in kept) and (same_lead or clock.name not in of_lead)
    ]


def _start_handling_at_dispatch(case: "Case", at: datetime) -> None:
    starts = case.rulebook.clocks.handling.starts
    if starts != "sign_in":
        case.start(ClockName.HANDLING, case.received_at if starts == "receipt" else at, unit=case.lead)

"""变更类别: a request filed under the wrong category; open deadlines move, and say which rule moved them."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from domain.command import Command
from domain.events import EventKind, Status
from domain.limits import Limit
from domain.refusals import Refused
from domain.rulebook import ClockName

if TYPE_CHECKING:
    from domain.case import Case


class Reclassify(Command):
    """Change category, catalog item or the outage flag, with the reason. A breach already recorded stays.

    Another item brings its own limit, if it has one; the same item keeps the limit under which the case has it.
    """

    step: ClassVar[str] = "reclassify"

    note: str
    category: str | None = None
    item: str | None = None
    item_limit: Limit | None = None
    """The own limit of `item` in the catalog now in force."""
    outage: bool | None = None

    def take(self, case: "Case", at: datetime) -> None:
        case.require(Status.RECEIVED, Status.DISPATCHED, Status.RETURNED, Status.HANDLING)
        category = case.category if self.category is None else self.category
        if category not in case.rulebook.categories:
            raise Refused("unknown_category", known=", ".join(sorted(case.rulebook.categories)))
        item = case.item if self.item is None else self.item
        limit = case.item_limit if item == case.item else self.item_limit
        outage = case.outage if self.outage is None else self.outage
        if (category, item, outage) == (case.category, case.item, case.outage):
            raise Refused("nothing_changes")
        if case.extended_at is not None and (category, limit) != (case.category, case.item_limit):
            raise Refused("category_fixed", on=case.day(case.extended_at))
        was = case.category
        case.category, case.item, case.outage, case.item_limit = category, item, outage, limit
        case.record(
            EventKind.RECLASSIFIED, self.by, at, unit=case.lead, note=self.note, was=was, category=category, item=item,
            outage=outage, limit=str(limit) if limit else None,
        )  # fmt: skip
        case.recount(self.by, at, f"reclassified: {category}{' (outage)' if outage else ''}", anew=True)
        _fit_outage_clocks(case, at)


def _fit_outage_clocks(case: "Case", at: datetime) -> None:
    if not case.outage:
        case.stop(ClockName.OPINION)
        case.stop(ClockName.PROGRESS)
    elif case.status is Status.HANDLING:
        case.start_outage_clocks(at)

"""What a run has found."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass
class Findings:
    """What was found: counts of what holds, and a sentence for each thing that does not."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    late: timedelta = timedelta()
    """The longest by which a rung came after its instant."""

    def missing(self, what: str, found: Iterable[object], wanted: Iterable[object]) -> None:
        """Everything wanted that was not found is a fault; twice wanted, it must be found twice."""
        self.faults += [f"{what}: {item} is missing" for item in _without(wanted, found)]

    def same(self, what: str, found: Iterable[object], wanted: Iterable[object]) -> None:
        """Whatever their order: each missing and each surplus item is a fault."""
        found, wanted = list(found), list(wanted)
        self.missing(what, found, wanted)
        self.faults += [f"{what}: {item} is there once too often" for item in _without(found, wanted)]


def _without(items: Iterable[object], others: Iterable[object]) -> Iterable[object]:
    left = Counter(list(items))
    left.subtract(list(others))
    return (+left).elements()

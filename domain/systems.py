"""Units' own systems: which units share one, and when people are told that one is down."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.units import Unit

SURE_AFTER = timedelta(minutes=1)
"""A system that has failed for so long is down: ours."""
SURE_FAILURES = 3
"""So is one that has failed so often in a row, however quickly: ours."""
AGAIN_AFTER = timedelta(days=1)


def report_due(down_since: datetime, failures: int, reported_at: datetime | None, at: datetime) -> bool:
    """Whether a system that is down is reported now: once when that is sure, and then daily until it is back."""
    if reported_at is not None:
        return at - reported_at >= AGAIN_AFTER
    return failures >= SURE_FAILURES or at - down_since >= SURE_AFTER


def by_system(units: Iterable[Unit]) -> dict[str, tuple[Unit, ...]]:
    """The units that are reached by a system of their own, by its name."""
    found: dict[str, tuple[Unit, ...]] = {}
    for unit in units:
        if unit.system is not None:
            found[unit.system] = (*found.get(unit.system, ()), unit)
    return found

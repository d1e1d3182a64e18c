"""Systems of units and partners: which of these share one, and when people are told that one is down."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain

from domain.effects import Party
from domain.partners import Partner
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


def by_system(units: Iterable[Unit], partners: Iterable[Partner] = ()) -> dict[str, tuple[Unit | Partner, ...]]:
    """The units and partners that are reached by a system of their own, by its name."""
    found: dict[str, tuple[Unit | Partner, ...]] = {}
    parties: Iterable[Unit | Partner] = chain(units, partners)
    for party in parties:
        if party.system is not None:
            found[party.system] = (*found.get(party.system, ()), party)
    return found


def receivers(sharing: Iterable[Unit | Partner]) -> list[tuple[Party, str]]:
    """Units and partners as messages name them, by party and code."""
    return [(Party.UNIT if isinstance(party, Unit) else Party.PARTNER, party.code) for party in sharing]

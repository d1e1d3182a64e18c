"""Outside systems: which units and partners share one, what all cases share, and when one that is down is reported."""

from collections.abc import Collection, Iterable, Mapping
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

GRID_PLATFORM, SMS_GATEWAY = "grid-platform", "sms-gateway"
PLATFORMS = {GRID_PLATFORM: Party.GRID, SMS_GATEWAY: Party.CITIZEN}
"""The systems that all cases share, and the party each of them reaches. No endpoint gives a system such a name."""

Receivers = Collection[tuple[str, str]] | Party
"""Units and partners by party and code, or all of one party."""


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


def receivers(systems: Mapping[str, Iterable[Unit | Partner]]) -> Mapping[str, Receivers]:
    """Whom messages to each of these systems, and to the platforms, name."""
    return {
        name: [(Party.UNIT if isinstance(party, Unit) else Party.PARTNER, party.code) for party in sharing]
        for name, sharing in systems.items()
    } | PLATFORMS

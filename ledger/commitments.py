"""How units kept their own commitments, from the events of their cases."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, Text, cast, or_, select

from domain.city import City
from domain.commitment_clocks import RELEVANT
from domain.commitment_report import Found, Tally, tallies
from domain.tables import with_those_below
from ledger.database import Ledger
from ledger.errors import Unreadable
from ledger.models import BEGINNINGS
from ledger.readable import FOREIGN
from ledger.tables import EVENTS

AT_ONCE = 500
"""Cases read in one transaction: SQLite has one thread for all."""

COLUMNS = tuple(EVENTS.c[name] for name in ("case_number", "n", "at", "kind", "unit", "facts"))


async def commitment_report(
    ledger: Ledger, city: City, unit: str, since: datetime, until: datetime, now: datetime
) -> list[Tally]:
    """How a unit and those that belong to it kept what began from `since` up to, but not at, `until`.

    Raises Unreadable.
    """
    codes = with_those_below(unit, city.units)
    units = [one for one in city.units.values() if one.code in codes and one.commitments]
    numbers = await ledger.run(_cases_with_orders, [one.code for one in units], since, until)
    found: list[Found] = []
    for first in range(0, len(numbers), AT_ONCE):
        found += await ledger.run(_clocks, city, numbers[first : first + AT_ONCE], now)
    return tallies(units, [(number, clock) for number, clock in found if since <= clock.started < until])


def _cases_with_orders(connection: Connection, units: Collection[str], since: datetime, until: datetime) -> list[str]:
    # An assisting unit is named in the facts of its order only; what is found too much begins nothing of these units.
    named = (cast(EVENTS.c.facts, Text).contains(f'"{unit}"') for unit in units)
    begun = select(EVENTS.c.case_number).where(
        BEGINNINGS, EVENTS.c.at >= since, EVENTS.c.at < until, or_(EVENTS.c.unit.in_(units), *named)
    )
    return sorted(connection.scalars(begun.distinct()))


def _clocks(connection: Connection, city: City, numbers: Sequence[str], now: datetime) -> list[Found]:
    try:
        return _read(connection, city, numbers, now)
    except (*FOREIGN, AttributeError):
        if len(numbers) == 1:
            raise Unreadable(numbers[0]) from None
    return [found for number in numbers for found in _clocks(connection, city, [number], now)]


def _read(connection: Connection, city: City, numbers: Sequence[str], now: datetime) -> list[Found]:
    events = select(*COLUMNS).where(EVENTS.c.case_number.in_(numbers), EVENTS.c.kind.in_(RELEVANT))
    rows = connection.execute(events.order_by(EVENTS.c.case_number, EVENTS.c.n))
    return [
        (number, clock)
        for number, of_case in groupby(rows, key=lambda row: str(row.case_number))
        for clock in city.commitments_of(of_case, now)
    ]

"""Outside systems: which are down since when, and how many messages wait for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, TextClause, func, or_, select, tuple_, update

from domain.effects import Party
from domain.systems import Receivers
from ledger.database import insert_for
from ledger.models import TO_PLATFORMS, TO_SYSTEMS, SystemRow
from ledger.receipts import ACCEPTED
from ledger.tables import CASES, MESSAGES, SYSTEMS


@dataclass(frozen=True)
class Waiting:
    """Messages that some receivers have not been told yet."""

    messages: int = 0
    oldest: datetime | None = None


def note_failure(connection: Connection, system: str, error: str, at: datetime) -> None:
    """Note that a system failed, with the code of the error."""
    first = {"system": system, "down_since": at, "failures": 1, "last_failure_at": at, "last_error": error}
    connection.execute(
        insert_for(connection.dialect.name, SystemRow)
        .values(first)
        .on_conflict_do_update(
            index_elements=["system"],
            set_={
                "down_since": func.coalesce(SYSTEMS.c.down_since, at),
                "failures": SYSTEMS.c.failures + 1,
                "last_failure_at": at,
                "last_error": error,
            },
        )
    )


def known_systems(connection: Connection, *, down: bool = False) -> list[RowMapping]:
    """Systems that have failed at least once, or those only that are down."""
    rows = select(SYSTEMS).order_by(SYSTEMS.c.system)
    return list(connection.execute(rows.where(SYSTEMS.c.down_since.is_not(None)) if down else rows).mappings())


def told_since(connection: Connection, receivers: Receivers, instant: datetime) -> bool:
    """Whether any of these has been told anything since then, by whichever worker."""
    told = select(MESSAGES.c.key).where(*_to(receivers, *ACCEPTED), MESSAGES.c.sent_at > instant)
    return bool(connection.scalar(select(told.exists())))


def waiting(connection: Connection, receivers: Receivers, at: datetime, after_closing: timedelta) -> Waiting:
    """What waits for these; on a closed case it is insisted for so long after its closing."""
    insisted_on = or_(CASES.c.closed_at.is_(None), CASES.c.closed_at > at - after_closing)
    rows = (
        select(func.count(), func.min(MESSAGES.c.created_at))
        .join_from(MESSAGES, CASES, CASES.c.number == MESSAGES.c.case_number)
        .where(*_to(receivers, "sending"), insisted_on)
    )
    return Waiting(*connection.execute(rows).one())


def mark_reported(connection: Connection, seen: RowMapping, at: datetime) -> bool:
    """Note that a system's being down is reported; False where another worker was first."""
    row = update(SYSTEMS).where(SYSTEMS.c.system == seen["system"], SYSTEMS.c.down_since.is_not(None))
    first = SYSTEMS.c.reported_at.is_not_distinct_from(seen["reported_at"])
    return connection.execute(row.where(first).values(reported_at=at)).rowcount == 1


def mark_back(connection: Connection, seen: RowMapping, at: datetime) -> bool:
    """Note that a system works again; False where another worker was first, or it has failed again meanwhile."""
    row = update(SYSTEMS).where(SYSTEMS.c.system == seen["system"], SYSTEMS.c.down_since.is_not(None))
    same = SYSTEMS.c.last_failure_at == seen["last_failure_at"]
    back = {"down_since": None, "failures": 0, "reported_at": None, "back_at": at}
    return connection.execute(row.where(same).values(back)).rowcount == 1


def _to(receivers: Receivers, *statuses: str) -> tuple[TextClause | ColumnElement[bool], ...]:
    # Parties are written out, not bound, so that databases see which index serves.
    standing = MESSAGES.c.status.in_(statuses)
    if isinstance(receivers, Party):
        return TO_PLATFORMS, MESSAGES.c.party == receivers, standing
    codes = MESSAGES.c.unit.in_({code for _, code in receivers})
    return TO_SYSTEMS, codes, tuple_(MESSAGES.c.party, MESSAGES.c.unit).in_(receivers), standing

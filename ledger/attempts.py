"""Codes shown for cases: the right one opens its case; wrong ones are counted, and lock the case and their sender."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from ledger.database import insert_for
from ledger.models import OF_CLIENT, AttemptRow
from ledger.tables import ATTEMPTS, CASES

CASE_TRIES = 5
"""Wrong codes in a row after which a case is locked; so it is after every further run of as many, twice as long."""
CASE_LOCK = timedelta(minutes=15)
LONGEST_CASE_LOCK = timedelta(days=1)
CASE_MEMORY = timedelta(days=2)
"""After this time without a wrong code those before are forgotten: numbers of no case are counted like any other."""

CLIENT_TRIES = 30
"""Wrong codes after which a client is locked; they run off at this number in `CLIENT_LOCK`."""
CLIENT_LOCK = timedelta(hours=1)

FORGOTTEN_AT_ONCE = 100
"""Counts of either kind that one wrong code removes at most, so that none waits long: it adds two."""


@dataclass(frozen=True)
class Attempt:
    """How showing a code ended: right, wrong, or not looked at before the end of a lock."""

    right: bool = False
    locked_until: datetime | None = None


def try_code(connection: Connection, number: str, code: str, client: str, at: datetime) -> Attempt:
    """Show a code for a case. While case or client are locked it is neither looked at nor counted.

    The counts are held from before the comparison to the end of the transaction, so that of codes shown at once no
    more are compared than in a row. A number without a case is treated as a case to which no code is right.
    """
    sender = _hold(connection, f"client:{client}", at)
    if sender.locked_until and sender.locked_until > at:
        return Attempt(locked_until=sender.locked_until)
    case = connection.execute(select(CASES.c.code, CASES.c.erased_at).where(CASES.c.number == number)).first()
    target = _hold(connection, f"case:{number}", at)
    if target.locked_until and target.locked_until > at:
        return Attempt(locked_until=target.locked_until)
    if _same(case.code if case and case.erased_at is None else None, code):
        _let_go(connection, sender, target)
        return Attempt(right=True)
    _count_against_client(connection, sender, at)
    _count_against_case(connection, target, at)
    _forget(connection, at)
    return Attempt()


def _hold(connection: Connection, subject: str, at: datetime) -> Row[Any]:
    """The count of a subject, which nobody else reads or changes until the transaction ends."""
    start = insert_for(connection.dialect.name, AttemptRow).values(subject=subject, failures=0, last_at=at)
    hold = start.on_conflict_do_update(index_elements=["subject"], set_={"subject": start.excluded.subject})
    return connection.execute(hold.returning(*ATTEMPTS.c)).one()


def _same(kept: str | None, shown: str) -> bool:
    """Whether the code is right; there being none takes as long to find out."""
    same = hmac.compare_digest((kept or " " * 8).encode(), shown.encode())
    return same and kept is not None


def _let_go(connection: Connection, sender: Row[Any], target: Row[Any]) -> None:
    """Forget what was counted against the case; the client's other attempts stay counted."""
    idle = (ATTEMPTS.c.subject == sender.subject) & (ATTEMPTS.c.failures == 0)
    connection.execute(delete(ATTEMPTS).where(or_(ATTEMPTS.c.subject == target.subject, idle)))


def _count_against_client(connection: Connection, row: Row[Any], at: datetime) -> None:
    ran_off = int((at - row.last_at) / CLIENT_LOCK * CLIENT_TRIES)
    failures = max(row.failures - ran_off, 0) + 1
    _save(connection, row, failures, at, at + CLIENT_LOCK if failures >= CLIENT_TRIES else None)


def _count_against_case(connection: Connection, row: Row[Any], at: datetime) -> None:
    failures = row.failures + 1
    runs, rest = divmod(failures, CASE_TRIES)
    lock = min(CASE_LOCK * 2 ** min(runs - 1, 7), LONGEST_CASE_LOCK) if rest == 0 else None
    _save(connection, row, failures, at, at + lock if lock else None)


def _save(connection: Connection, row: Row[Any], failures: int, at: datetime, locked_until: datetime | None) -> None:
    values = {"failures": failures, "last_at": at, "locked_until": locked_until}
    connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.subject == row.subject).values(values))


def _forget(connection: Connection, at: datetime) -> None:
    """Remove some counts that have run off, except those in use just now."""
    for over in (ATTEMPTS.c.last_at < at - CASE_MEMORY, OF_CLIENT & (ATTEMPTS.c.last_at < at - CLIENT_LOCK)):
        oldest = select(ATTEMPTS.c.subject).where(over).order_by(ATTEMPTS.c.last_at).limit(FORGOTTEN_AT_ONCE)
        connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.subject.in_(oldest.with_for_update(skip_locked=True))))

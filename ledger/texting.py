"""Texts to citizens on their way out: each has its place in its number's day before the gateway is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, distinct, func, insert, select, update

from domain.effects import Effect, Party
from ledger.database import queue
from ledger.messages import EMPTY_IF_ERASED
from ledger.receipts import ACCEPTED, await_receipts, mark_unreachable, settle_early
from ledger.tables import CASES, MESSAGES

Admission = Literal["new", "again", "over"]
"""`new` may be sent; `again` may have been sent by a try that then died; `over`: sent, failed for good, or waiting."""


@dataclass(frozen=True)
class Group:
    """Texts to one number that waited, oldest first; those that were sent together before are a group for ever."""

    rows: Sequence[Row[Any]]
    joined: bool


def admit(
    connection: Connection,
    effect: Effect,
    *,
    phone: str,
    copy: str,
    at: datetime,
    today: datetime,
    waits_until: Callable[[int], datetime | None],
) -> Admission:
    """Give a text its place before it is sent: now, or later. Harmless to repeat.

    `waits_until` says, for the number of texts this phone had since `today` began, to which instant it must wait. The
    place is counted before the gateway is asked, so that many at once are never more than the day allows. A text that
    was tried before has its place; but if night has fallen since, it waits like any other.
    """
    queue(connection, f"phone {phone}")
    known = connection.execute(
        select(MESSAGES.c.status, MESSAGES.c.held_until).where(MESSAGES.c.key == effect.key)
    ).one_or_none()
    if known is not None:
        if known.status != "sending" or known.held_until is not None:
            return "over"
        night_ends = waits_until(0)
        if night_ends is None:
            return "again"
        # Alone, as if it had been taken: so its next try knows that it may be one.
        later = {"status": "held", "held_until": night_ends, "merged_into": effect.key}
        connection.execute(update(MESSAGES).where(MESSAGES.c.key == effect.key).values(later))
        return "over"
    until = waits_until(_had_since(connection, phone, today))
    row = {
        "key": effect.key, "case_number": effect.case, "event": effect.event, "party": effect.party,
        "template": effect.kind, "text": copy, "status": "held" if until else "sending", "attempts": 0,
        "created_at": at, "held_until": until,
    }  # fmt: skip
    connection.execute(insert(MESSAGES).values(row))
    connection.execute(EMPTY_IF_ERASED, {"of": effect.key})
    return "over" if until else "new"


def _had_since(connection: Connection, phone: str, day: datetime) -> int:
    one = func.coalesce(MESSAGES.c.merged_into, MESSAGES.c.key)
    had = (
        select(func.count(distinct(one)))
        .join_from(CASES, MESSAGES, CASES.c.number == MESSAGES.c.case_number)
        .where(
            CASES.c.phone == phone,
            MESSAGES.c.party == Party.CITIZEN,
            MESSAGES.c.status.in_(("sending", *ACCEPTED)),
            func.coalesce(MESSAGES.c.sent_at, MESSAGES.c.held_until, MESSAGES.c.created_at) >= day,
        )
    )
    return connection.scalar(had) or 0


def waiting(connection: Connection, at: datetime, most: int) -> list[Group]:
    """What has waited long enough: the texts of a number form a group, apart from those tried together before.

    Of `most` texts at once and, whole, the groups that were tried before.
    """
    due = (
        select(MESSAGES, CASES.c.phone)
        .join_from(MESSAGES, CASES, CASES.c.number == MESSAGES.c.case_number)
        .where(MESSAGES.c.held_until <= at, MESSAGES.c.status.in_(("held", "sending")))
        .order_by(MESSAGES.c.created_at, MESSAGES.c.key)
    )
    first = connection.execute(due.limit(most)).all()
    tried = {row.merged_into for row in first if row.merged_into}
    companions = connection.execute(due.where(MESSAGES.c.merged_into.in_(tried))).all()
    groups: dict[tuple[str | None, str | None], list[Row[Any]]] = {}
    for row in {row.key: row for row in (*first, *companions)}.values():
        # Once its personal data is erased, a text is nobody's: it is given up alone.
        groups.setdefault((row.phone or row.key, row.merged_into), []).append(row)
    return [Group(rows, joined=into is not None) for (_, into), rows in groups.items()]


def hold_on(
    connection: Connection,
    keys: Sequence[str],
    *,
    phone: str,
    today: datetime,
    waits_until: Callable[[int], datetime | None],
) -> bool:
    """Let texts that waited wait on if their phone has had its number since `today` began; return whether they do."""
    queue(connection, f"phone {phone}")
    until = waits_until(_had_since(connection, phone, today))
    if until is not None:
        these = MESSAGES.c.key.in_(keys) & MESSAGES.c.held_until.is_not(None)
        connection.execute(update(MESSAGES).where(these).values(held_until=until))
    return until is not None


def take(connection: Connection, keys: Sequence[str], at: datetime, until: datetime) -> bool:
    """Take texts to send as one, so that nobody else tries them before `until`; False if somebody else has."""
    these = MESSAGES.c.key.in_(keys) & (MESSAGES.c.held_until <= at)
    taken = connection.execute(
        update(MESSAGES)
        .where(these)
        .values(status="sending", merged_into=keys[0], held_until=until, attempts=MESSAGES.c.attempts + 1)
    )
    if taken.rowcount not in (0, len(keys)):
        raise RuntimeError("Texts that travel together are taken together")
    return taken.rowcount > 0


def sent(connection: Connection, keys: Sequence[str], reference: str | None, at: datetime) -> None:
    """Note that the gateway took texts as one."""
    await_receipts(connection, reference)
    these = MESSAGES.c.key.in_(keys) & MESSAGES.c.status.not_in(ACCEPTED)
    values = {"status": "sent", "reference": reference, "error": None, "sent_at": at, "held_until": None}
    connection.execute(update(MESSAGES).where(these).values(values))
    if reference:
        settle_early(connection, reference, at)


def not_sent(
    connection: Connection, keys: Sequence[str], error: str, at: datetime, again_at: datetime | None, bad_number: bool
) -> None:
    """Note that the gateway did not take texts; without `again_at` they are given up, and a bad number noted."""
    these = MESSAGES.c.key.in_(keys) & MESSAGES.c.status.not_in(ACCEPTED)
    status = "sending" if again_at else "failed"
    connection.execute(update(MESSAGES).where(these).values(status=status, error=error, held_until=again_at))
    if bad_number:
        for number in connection.scalars(select(MESSAGES.c.case_number).where(MESSAGES.c.key.in_(keys)).distinct()):
            mark_unreachable(connection, number, at)

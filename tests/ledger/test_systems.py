"""Which systems of units are down: noted by whoever finds out, reported by one, and what waits for them is counted."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, RowMapping
from sqlalchemy.event import listen

from domain.effects import Party
from domain.systems import Receivers
from ledger.database import Ledger
from ledger.messages import Sending, save_attempt
from ledger.systems import Waiting, known_systems, mark_back, mark_reported, note_failure, told_since, waiting
from tests.ledger.conftest import NOON

MINUTE = timedelta(minutes=1)
THREE_DAYS = timedelta(days=3)
WATER, HEAT = (Party.UNIT, "zz-water"), (Party.UNIT, "zz-heat")

Shown = Callable[..., Awaitable[str]]


async def fail(ledger: Ledger, at: datetime = NOON, error: str = "http_503") -> RowMapping:
    await ledger.run(note_failure, "water", error, at)
    [row] = await ledger.run(known_systems, down=True)
    return row


async def message(ledger: Ledger, number: str, status: Sending, at: datetime = NOON, **changes: Any) -> None:
    usual: dict[str, Any] = {"party": Party.UNIT, "unit": "zz-water", "event": 2, "template": "dispatch", "text": ""}
    key = f"{number}:{changes.get('unit', 'zz-water')}:{changes.get('party', '')}"
    await ledger.run(save_attempt, key, case_number=number, status=status, at=at, **usual | changes)


async def test_it_is_down_since_its_first_failure(ledger: Ledger) -> None:
    await fail(ledger)
    row = await fail(ledger, NOON + MINUTE, "unreachable")
    assert (row["down_since"], row["failures"], row["last_error"]) == (NOON, 2, "unreachable")
    assert row["last_failure_at"] == NOON + MINUTE


async def test_of_two_who_see_the_same_one_reports_it(ledger: Ledger) -> None:
    seen = await fail(ledger)
    assert [await ledger.run(mark_reported, seen, NOON + MINUTE) for _ in range(2)] == [True, False]
    assert [await ledger.run(mark_back, seen, NOON + MINUTE) for _ in range(2)] == [True, False]
    assert await ledger.run(known_systems, down=True) == []
    [row] = await ledger.run(known_systems)
    assert (row["back_at"], row["reported_at"], row["failures"]) == (NOON + MINUTE, None, 0)


async def test_one_that_failed_again_meanwhile_is_not_back(ledger: Ledger) -> None:
    seen = await fail(ledger)
    await fail(ledger, NOON + MINUTE)
    assert not await ledger.run(mark_back, seen, NOON + MINUTE)


async def test_after_it_was_back_it_is_down_since_its_next_failure(ledger: Ledger) -> None:
    await ledger.run(mark_back, await fail(ledger), NOON + MINUTE)
    row = await fail(ledger, NOON + 2 * MINUTE)
    assert (row["down_since"], row["failures"], row["reported_at"]) == (NOON + 2 * MINUTE, 1, None)


async def test_what_was_told_since_shows_that_it_is_back(ledger: Ledger, shown: Shown) -> None:
    number = await shown()
    await message(ledger, number, "sent")
    await message(ledger, number, "sent", NOON + MINUTE, unit="zz-heat")
    await message(ledger, number, "sent", NOON + MINUTE, party=Party.GRID)
    assert await ledger.run(told_since, [WATER], NOON - MINUTE)
    assert not await ledger.run(told_since, [WATER], NOON)
    assert not await ledger.run(told_since, [(Party.PARTNER, "zz-heat")], NOON)
    assert await ledger.run(told_since, [WATER, HEAT], NOON)


async def test_what_waits_is_what_is_still_insisted_on(ledger: Ledger, shown: Shown) -> None:
    open_ones = [await shown() for _ in range(2)]
    closed = [await shown(closed_at=NOON - timedelta(days=days)) for days in (2, 4)]
    for n, number in enumerate(open_ones + closed):
        await message(ledger, number, "sending", NOON + n * MINUTE)
    await message(ledger, open_ones[0], "sent", unit="zz-heat")
    assert await ledger.run(waiting, [WATER, HEAT], NOON, THREE_DAYS) == Waiting(3, NOON)
    assert await ledger.run(waiting, [HEAT], NOON, THREE_DAYS) == Waiting(0, None)
    await message(ledger, open_ones[0], "sending", party=Party.PARTNER, unit="110")
    assert await ledger.run(waiting, [(Party.PARTNER, "110")], NOON, THREE_DAYS) == Waiting(1, NOON)


async def test_a_platform_is_waited_for_by_all_that_its_party_was_not_told_yet(ledger: Ledger, shown: Shown) -> None:
    number = await shown()
    await message(ledger, number, "sending", party=Party.CITIZEN, unit=None)
    await message(ledger, number, "sending", NOON + MINUTE, party=Party.GRID, unit="zz-g-1")
    await message(ledger, number, "sending", NOON + MINUTE, party=Party.GRID, unit="zz-g-2")
    await message(ledger, number, "sending")
    assert await ledger.run(waiting, Party.CITIZEN, NOON, THREE_DAYS) == Waiting(1, NOON)
    assert await ledger.run(waiting, Party.GRID, NOON, THREE_DAYS) == Waiting(2, NOON + MINUTE)
    assert not await ledger.run(told_since, Party.GRID, NOON)
    await message(ledger, number, "sent", NOON + 2 * MINUTE, party=Party.GRID, unit="zz-g-1")
    assert await ledger.run(told_since, Party.GRID, NOON)
    assert not await ledger.run(told_since, Party.CITIZEN, NOON)


@pytest.mark.parametrize(
    ("receivers", "index"), [([WATER, HEAT], "ix_messages_systems"), (Party.CITIZEN, "ix_messages_platforms")]
)
async def test_what_was_told_is_found_by_an_index(ledger: Ledger, receivers: Receivers, index: str) -> None:
    def plan(connection: Connection) -> str:
        asked: list[Any] = []
        listen(connection, "before_cursor_execute", lambda _, __, *statement: asked.append(statement[:2]))
        told_since(connection, receivers, NOON)
        [(statement, values)] = asked
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            return str(connection.exec_driver_sql(f"EXPLAIN {statement}", values).all())
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())

    assert index in await ledger.run(plan)

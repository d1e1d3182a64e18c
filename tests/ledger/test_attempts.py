"""Codes shown at once: every one gets its answer, and none an extra try."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from ledger import attempts
from ledger.attempts import CASE_MEMORY, CASE_TRIES, CLIENT_LOCK, Attempt, try_code
from ledger.database import Ledger
from ledger.models import CaseRow
from ledger.tables import ATTEMPTS

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


async def test_right_and_wrong_codes_of_many_clients_at_once_all_get_their_answer(
    ledger: Ledger, opened: Callable[..., Awaitable[str]]
) -> None:
    numbers = [await opened() for _ in range(4)]
    async with ledger.session() as session:
        codes = {number: (await session.get_one(CaseRow, number)).code or "" for number in numbers}
    chance = random.Random(7)

    async def show() -> bool:
        number, client = chance.choice(numbers), f"192.0.2.{chance.randrange(4)}"
        shown = codes[number] if chance.random() < 0.8 else "x"
        return (await ledger.run(try_code, number, shown, client, NOON)).right

    found = Counter(await asyncio.gather(*(show() for _ in range(200))))
    assert found[True] > found[False] > 0


async def test_guesses_at_once_are_compared_one_after_the_other(
    ledger: Ledger, opened: Callable[..., Awaitable[str]]
) -> None:
    number = await opened()
    guesses = (ledger.run(try_code, number, "x", f"192.0.2.{n}", NOON) for n in range(50))
    compared = [attempt for attempt in await asyncio.gather(*guesses) if attempt == Attempt()]
    assert len(compared) == CASE_TRIES


async def test_a_wrong_code_forgets_a_bounded_number_of_counts_that_have_run_off(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "FORGOTTEN_AT_ONCE", 3)
    ages = {"case": CASE_MEMORY, "client": CLIENT_LOCK}
    run_off = [(f"{kind}:old-{n}", NOON - age - timedelta(seconds=1)) for kind, age in ages.items() for n in range(5)]
    fresh = [(f"{kind}:new", NOON - age) for kind, age in ages.items()]
    rows = [{"subject": subject, "failures": 1, "last_at": at} for subject, at in (*run_off, *fresh)]
    await ledger.run(lambda connection: connection.execute(ATTEMPTS.insert(), rows))

    async def left() -> list[str]:
        async with ledger.session() as session:
            subjects = await session.scalars(select(ATTEMPTS.c.subject).order_by(ATTEMPTS.c.subject))
        return [subject for subject in subjects if "192.0.2.1" not in subject and "20991231" not in subject]

    await ledger.run(try_code, "ZZ-20991231-00001", "x", "192.0.2.1", NOON)
    assert sum("old" in subject for subject in await left()) == 4
    await ledger.run(try_code, "ZZ-20991231-00001", "x", "192.0.2.1", NOON)
    assert await left() == ["case:new", "client:new"]

"""What was sent is known while it could come again, and forgotten then."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from ledger import sendings
from ledger.database import Ledger
from ledger.models import SendingRow
from ledger.sendings import KNOWN_FOR, note_sending, was_sent

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


async def send(ledger: Ledger, signature: str, at: datetime = NOON) -> None:
    async with ledger.session() as session:
        await note_sending(session, signature, at)


async def known(ledger: Ledger, signature: str) -> bool:
    async with ledger.session() as session:
        return await was_sent(session, signature)


async def test_a_sending_is_known_once_it_was_taken(ledger: Ledger) -> None:
    assert not await known(ledger, "v1,a")
    for _ in range(2):
        await send(ledger, "v1,a")
    assert await known(ledger, "v1,a")
    assert not await known(ledger, "v1,b")


async def test_what_is_stale_is_forgotten_and_what_is_fresh_is_not(ledger: Ledger) -> None:
    await send(ledger, "v1,old")
    await send(ledger, "v1,young", NOON + timedelta(minutes=10))
    await send(ledger, "v1,new", NOON + KNOWN_FOR + timedelta(seconds=1))
    assert [await known(ledger, f"v1,{one}") for one in ("old", "young", "new")] == [False, True, True]


async def test_one_sending_removes_only_so_many(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendings, "FORGOTTEN_AT_ONCE", 2)
    for n in range(5):
        await send(ledger, f"v1,{n}")
    await send(ledger, "v1,new", NOON + timedelta(hours=1))
    async with ledger.session() as session:
        assert await session.scalar(select(func.count()).select_from(SendingRow)) == 4

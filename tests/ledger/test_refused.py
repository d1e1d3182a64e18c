"""What was refused is counted, and kept within bounds."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger import refused
from ledger.database import Ledger
from ledger.refused import (
    Refused,
    forget_refused,
    note_all_refused,
    note_refused,
    refusal_counts,
    refused_messages,
)  # fmt: skip

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


async def refuse(ledger: Ledger, body: bytes, at: datetime = NOON, source: str = "events") -> None:
    await ledger.run(note_refused, source, "malformed", "type: missing", body, at)


async def kept(ledger: Ledger, source: str | None = None) -> list[str]:
    async with ledger.session() as session:
        return [row.body for row in await refused_messages(session, source, 200)]


async def counts(ledger: Ledger) -> dict[tuple[str, str], int]:
    async with ledger.session() as session:
        return {(row.source, row.reason): row.count for row in await refusal_counts(session)}


async def test_the_newest_of_each_source_are_kept_and_all_are_counted(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "KEPT", 3)
    await refuse(ledger, b"of another", source="mqtt")
    for n in range(5):
        await refuse(ledger, b"%d" % n)
    assert await kept(ledger) == ["4", "3", "2", "of another"]
    assert await kept(ledger, "events") == ["4", "3", "2"]
    assert await counts(ledger) == {("events", "malformed"): 5, ("mqtt", "malformed"): 1}


async def test_many_are_noted_at_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "KEPT", 3)
    many = [Refused(f"reason-{n % 2}", "a sentence", b"%d" % n) for n in range(7)]
    for _ in range(2):
        await ledger.run(note_all_refused, "mqtt", many, NOON)
    assert await kept(ledger) == ["6", "5", "4"]
    assert await counts(ledger) == {("mqtt", "reason-0"): 8, ("mqtt", "reason-1"): 6}


async def test_nothing_is_kept_longer_than_a_month(ledger: Ledger) -> None:
    await refuse(ledger, b"old")
    await refuse(ledger, b"new", NOON + timedelta(days=31))
    async with ledger.session() as session:
        assert [row.body for row in await refused_messages(session, None, 9, NOON + timedelta(days=1))] == ["new"]
    await ledger.run(forget_refused, NOON + timedelta(days=31))
    assert await kept(ledger) == ["new"]
    assert await counts(ledger) == {("events", "malformed"): 2}


async def test_a_body_that_no_database_can_hold_is_kept_as_far_as_it_can_be(ledger: Ledger) -> None:
    await refuse(ledger, b"\x00\xff" + "水".encode() * 5000)
    (body,) = await kept(ledger)
    assert body.startswith("\ufffd\ufffd水")
    assert len(body) == refused.KEPT_CHARACTERS

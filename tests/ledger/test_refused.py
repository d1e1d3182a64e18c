"""What was refused is counted, and kept within bounds."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger import refused
from ledger.database import Ledger
from ledger.refused import note_refused, refusal_counts, refused_messages

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


async def refuse(ledger: Ledger, body: bytes, at: datetime = NOON, source: str = "events") -> None:
    await ledger.run(note_refused, source, "malformed", "type: missing", body, at)


async def kept(ledger: Ledger, source: str | None = None) -> list[str]:
    async with ledger.session() as session:
        return [row.body for row in await refused_messages(session, source, 200)]


async def test_the_newest_are_kept_and_all_are_counted(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "KEPT", 3)
    for n in range(5):
        await refuse(ledger, b"%d" % n)
    await refuse(ledger, b"of another", source="mqtt")
    assert await kept(ledger) == ["of another", "4", "3"]
    assert await kept(ledger, "events") == ["4", "3"]
    async with ledger.session() as session:
        assert [(row.source, row.count) for row in await refusal_counts(session)] == [("events", 5), ("mqtt", 1)]


async def test_nothing_is_kept_longer_than_a_month(ledger: Ledger) -> None:
    await refuse(ledger, b"old")
    await refuse(ledger, b"new", NOON + timedelta(days=31))
    assert await kept(ledger) == ["new"]


async def test_a_body_that_no_database_can_hold_is_kept_as_far_as_it_can_be(ledger: Ledger) -> None:
    await refuse(ledger, b"\x00\xff" + "水".encode() * 5000)
    (body,) = await kept(ledger)
    assert body.startswith("\ufffd\ufffd水")
    assert len(body) == refused.KEPT_CHARACTERS

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.roles import Actor, Role
from domain.rulebook import Action, ClockName
from ledger.cases import measures_of, messages_of, notes_of
from ledger.database import Ledger
from ledger.errors import KeyReused
from ledger.keys import create_key, find_key, list_keys, revoke_key
from ledger.measures import raise_measure
from ledger.messages import Sending, save_attempt
from ledger.models import MessageRow
from ledger.notes import get_note, put_note
from ledger.requests import claim

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
AUTHOR = Actor(role=Role.UNIT, id="desk-1", unit="water")

Open = Callable[..., Awaitable[str]]


async def test_a_note_is_put_once(ledger: Ledger, opened: Open) -> None:
    number = await opened()
    for _ in range(2):
        async with ledger.session() as session:
            await put_note(session, "n1", number, AUTHOR, "已修好", NOON)
    async with ledger.session() as session:
        with pytest.raises(KeyReused):
            await put_note(session, "n1", number, AUTHOR, "没修好", NOON)
    async with ledger.session() as session:
        note = await get_note(session, "n1")
        assert note is not None
        assert (note.text, note.author_role, note.author_id, note.created_at) == ("已修好", "unit", "desk-1", NOON)
        assert await notes_of(session, number) == [note]
        assert await get_note(session, "n2") is None


async def test_a_message_counts_attempts_until_it_is_sent(ledger: Ledger, opened: Open) -> None:
    number = await opened()

    async def attempt(status: Sending, attempts: int, **outcome: str) -> MessageRow:
        await ledger.run(
            save_attempt, f"{number}:1:citizen", case_number=number, event=1, party="citizen", template="received",
                text="已受理", status=status, at=NOON + timedelta(seconds=attempts), **outcome,
        )  # fmt: skip
        async with ledger.session() as session:
            (row,) = await messages_of(session, number)
        return row

    first = await attempt("sending", 1, error="unreachable")
    assert (first.status, first.attempts, first.error, first.sent_at) == ("sending", 1, "unreachable", None)
    second = await attempt("sent", 2, reference="r-1")
    assert (second.status, second.attempts, second.error, second.reference) == ("sent", 2, None, "r-1")
    third = await attempt("failed", 3, error="late")
    assert (third.status, third.attempts, third.error) == ("sent", 2, None)
    assert third.sent_at == NOON + timedelta(seconds=2)


async def test_a_measure_is_raised_once(ledger: Ledger, opened: Open) -> None:
    number = await opened()

    async def order() -> bool:
        async with ledger.session() as session:
            return await raise_measure(
                session, f"{number}:3", case_number=number, event=3, action=Action.SUPERVISION_ORDER, unit="water",
                clock=ClockName.HANDLING, due=NOON, at=NOON,
            )  # fmt: skip

    assert [await order(), await order()] == [True, False]
    async with ledger.session() as session:
        (row,) = await measures_of(session, number)
    assert (row.action, row.unit, row.clock, row.due) == ("supervision_order", "water", "handling", NOON)


async def test_a_key_is_known_by_its_secret_until_revoked(ledger: Ledger) -> None:
    async with ledger.session() as session:
        secret = await create_key(session, Role.UNIT, "water", "Water company")
    prefix, id, rest = secret.split("_", 2)
    assert (prefix, len(rest)) == ("jk", 43)
    async with ledger.session() as session:
        row = await find_key(session, secret)
        assert row is not None
        assert (row.id, row.role, row.unit, row.label) == (id, "unit", "water", "Water company")
        assert rest not in str(row.model_dump())
        wrong = [
            secret + "x",
            secret[:-1],
            "",
            "jk",
            "jk_",
            f"jk_{id}_",
            "jk_ffffffff_" + rest,
            f"xx_{id}_{rest}",
            "号\0",
        ]
        assert [await find_key(session, other) for other in wrong] == [None] * len(wrong)
    async with ledger.session() as session:
        assert [await revoke_key(session, id), await revoke_key(session, id)] == [True, False]
    async with ledger.session() as session:
        assert await find_key(session, secret) is None
        assert [key.revoked_at is not None for key in await list_keys(session)] == [True]


async def test_a_request_is_claimed_by_one_body(ledger: Ledger) -> None:
    async with ledger.session() as session:
        assert await claim(session, "sign-in", "k", "h1")
        assert not await claim(session, "sign-in", "k", "h1")
        assert await claim(session, "resume", "k", "h2")
        with pytest.raises(KeyReused):
            await claim(session, "sign-in", "k", "h2")

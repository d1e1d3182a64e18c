import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import col

from domain.events import EventKind, Outcome, Status, Summary
from domain.rulebook import Action, ClockName
from ledger.cases import events_of, get_case, unstarted
from ledger.database import LEDGER_ERRORS, Ledger, open_ledger
from ledger.errors import EventsMissing, KeyReused
from ledger.intake import Intake, open_case
from ledger.models import CaseRow, VoidedEventRow
from ledger.recording import record

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)

Make = Callable[..., Any]
Open = Callable[..., Awaitable[str]]


async def _open(ledger: Ledger, intake: Intake, key: str | None = None, day: date = DAY) -> tuple[CaseRow, bool]:
    return await ledger.run(open_case, "ZZ", intake, day, key)


async def test_numbers_follow_each_other_and_start_anew_each_day(ledger: Ledger, intake: Make) -> None:
    numbers = [(await _open(ledger, intake(), day=day))[0].number for day in (DAY, DAY, DAY + timedelta(days=1))]
    assert numbers == ["ZZ-20261121-00001", "ZZ-20261121-00002", "ZZ-20261122-00001"]


async def test_numbers_are_unique_when_many_call_at_once(ledger: Ledger, intake: Make) -> None:
    opened = await asyncio.gather(*(_open(ledger, intake(title=f"{i}")) for i in range(50)))
    assert sorted(row.number for row, _ in opened) == [f"ZZ-20261121-{i:05d}" for i in range(1, 51)]


async def test_a_number_is_not_used_up_by_a_request_that_fails(ledger: Ledger, intake: Make) -> None:
    def fail(connection: Connection) -> None:
        open_case(connection, "ZZ", intake(), DAY)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await ledger.run(fail)
    assert (await _open(ledger, intake()))[0].number.endswith("00001")


async def test_everything_of_the_intake_is_kept(ledger: Ledger, intake: Make) -> None:
    given = intake(
        name="王芳", phone="13800000000", address="金水路1号", longitude=113.6, latitude=34.7, original_number="110-7",
        item="water", outage=True, province=True, grid="G1", marks=["no_location"],
    )  # fmt: skip
    row, _ = await _open(ledger, given)
    assert {name: getattr(row, name) for name in Intake.model_fields} == given.model_dump()
    assert (row.status, row.last_event, row.started) == ("received", 0, False)


async def test_a_key_opens_one_case(ledger: Ledger, intake: Make) -> None:
    first, new = await _open(ledger, intake(), "k")
    again, repeated = await _open(ledger, intake(received_at=NOON + timedelta(minutes=1), rulebook_version="2"), "k")
    assert (new, repeated) == (True, False)
    assert again.number == first.number
    with pytest.raises(KeyReused):
        await _open(ledger, intake(text="别的事"), "k")


async def test_a_key_opens_one_case_when_used_many_times_at_once(ledger: Ledger, intake: Make) -> None:
    opened = await asyncio.gather(*(_open(ledger, intake(), "k") for _ in range(20)))
    assert len({row.number for row, _ in opened}) == 1
    assert sum(new for _, new in opened) == 1


async def test_unstarted_cases_are_found_until_the_engine_records(
    ledger: Ledger, opened: Open, summary: Make, event: Make
) -> None:
    numbers = [await opened() for _ in range(3)]
    await ledger.run(record, summary(numbers[0]), [event()])
    async with ledger.session() as session:
        assert [row.number for row in await unstarted(session, 10)] == numbers[1:]
        assert [row.number for row in await unstarted(session, 1)] == numbers[1:2]


async def test_record_appends_and_projects(ledger: Ledger, opened: Open, summary: Make, event: Make) -> None:
    number = await opened()
    happened = event(
        unit="water", clock=ClockName.SIGN_IN, due=NOON, provisional=True, action=Action.RED, note="n1",
        facts={"round": 1, "until": NOON},
    )  # fmt: skip
    now: Summary = summary(
        number, outcome=Outcome.RESOLVED, item="water", outage=True, province=True, lead="water", assisting=["grid"],
        grid="G1", due=NOON, due_clock=ClockName.HANDLING, provisional=True, breaches=[ClockName.SIGN_IN],
        rework_rounds=1, extended=True, hurries=2, closed_at=NOON,
    )  # fmt: skip
    await ledger.run(record, now, [happened])
    async with ledger.session() as session:
        row = await get_case(session, number)
        assert row is not None
        assert {name: getattr(row, name) for name in Summary.model_fields} == now.model_dump()
        assert row.breached
        (kept,) = await events_of(session, number)
    assert (kept.n, kept.at, kept.kind, kept.role, kept.actor_id) == (1, NOON, "dispatched", "dispatcher", "desk-1")
    assert (kept.unit, kept.clock, kept.due, kept.provisional) == ("water", "sign_in", NOON, True)
    assert (kept.action, kept.note, kept.facts) == ("red", "n1", {"round": 1, "until": "2026-11-21T04:00:00Z"})


async def test_record_may_be_repeated_and_come_late(ledger: Ledger, opened: Open, summary: Make, event: Make) -> None:
    number = await opened()
    first = (summary(number, last_event=1, lead="a"), [event(1)])
    second = (summary(number, last_event=2, status=Status.HANDLING, lead="b"), [event(2, kind=EventKind.SIGNED_IN)])
    for now, events in (first, second, first, second):
        await ledger.run(record, now, events)
    async with ledger.session() as session:
        row = await get_case(session, number)
        assert row is not None
        assert (row.status, row.lead, row.last_event) == ("handling", "b", 2)
        assert [(e.n, e.kind) for e in await events_of(session, number)] == [(1, "dispatched"), (2, "signed_in")]


async def test_record_leaves_no_gap(ledger: Ledger, opened: Open, summary: Make, event: Make) -> None:
    number = await opened()
    with pytest.raises(EventsMissing, match=r"event 2 .* cannot follow event 0"):
        await ledger.run(record, summary(number, last_event=2), [event(2)])
    async with ledger.session() as session:
        assert await events_of(session, number) == []


async def test_a_repeat_that_holds_more_appends_the_rest(
    ledger: Ledger, opened: Open, summary: Make, event: Make
) -> None:
    number = await opened()
    await ledger.run(record, summary(number), [event()])
    await ledger.run(record, summary(number, last_event=3), [event(n) for n in (1, 2, 3)])
    async with ledger.session() as session:
        assert [kept.n for kept in await events_of(session, number)] == [1, 2, 3]


async def test_record_holds_when_many_call_at_once(ledger: Ledger, opened: Open, summary: Make, event: Make) -> None:
    number = await opened()

    async def step(n: int) -> None:
        await ledger.run(record, summary(number, last_event=n, lead=f"u{n}"), [event(i) for i in range(1, n + 1)])

    await asyncio.gather(*(step(n) for n in [*range(1, 16), *range(1, 16)]))
    async with ledger.session() as session:
        row = await get_case(session, number)
        assert row is not None
        assert (row.last_event, row.lead) == (15, "u15")
        assert [e.n for e in await events_of(session, number)] == list(range(1, 16))
        units = await session.execute(text("SELECT unit FROM case_units"))
        assert units.scalars().all() == ["u15"]


async def test_record_refuses_a_case_never_opened(ledger: Ledger, summary: Make, event: Make) -> None:
    async def step() -> None:
        await ledger.run(record, summary("ZZ-20261121-00009"), [event()])

    with pytest.raises(IntegrityError):
        await step()


async def test_what_was_written_for_a_step_never_taken_gives_way_to_what_happened(
    ledger: Ledger, opened: Open, summary: Make, event: Make
) -> None:
    number = await opened()
    await ledger.run(record, summary(number), [event()])
    never = [event(2, kind=EventKind.SIGNED_IN), event(3, kind=EventKind.HURRIED)]
    await ledger.run(record, summary(number, last_event=3, lead="water", hurries=1), never)
    happened = [event(2, kind=EventKind.WITHDRAWN, at=NOON + timedelta(seconds=30))]
    for _ in range(2):
        await ledger.run(record, summary(number, last_event=2, status=Status.CLOSED), happened)
    async with ledger.session() as session:
        row = await get_case(session, number)
        kinds = [kept.kind for kept in await events_of(session, number)]
        voided = list(await session.scalars(select(VoidedEventRow).order_by(col(VoidedEventRow.n))))
    assert kinds == ["dispatched", "withdrawn"]
    assert row is not None
    assert (row.status, row.last_event, row.hurries) == ("closed", 2, 0)
    assert [(gone.n, gone.event["kind"]) for gone in voided] == [(2, "signed_in"), (3, "hurried")]


async def test_a_late_write_of_a_step_never_taken_changes_nothing(
    ledger: Ledger, opened: Open, summary: Make, event: Make
) -> None:
    number = await opened()
    later = [event(1, at=NOON + timedelta(seconds=30))]
    await ledger.run(record, summary(number), later)
    await ledger.run(record, summary(number, status=Status.CLOSED), [event(1, kind=EventKind.WITHDRAWN)])
    async with ledger.session() as session:
        assert [kept.kind for kept in await events_of(session, number)] == ["dispatched"]
        row = await get_case(session, number)
    assert row is not None
    assert row.status == "dispatched"


@pytest.mark.parametrize("statement", ["UPDATE events SET kind = 'closed'", "DELETE FROM events"])
async def test_the_database_keeps_events_as_they_are(
    ledger: Ledger, opened: Open, summary: Make, event: Make, statement: str
) -> None:
    async def run(statement: str) -> None:
        async with ledger.session() as session:
            await session.execute(text(statement))

    number = await opened()
    await ledger.run(record, summary(number), [event()])
    with pytest.raises(DBAPIError, match="append-only"):
        await run(statement)
    async with ledger.session() as session:
        assert [(e.n, e.kind) for e in await events_of(session, number)] == [(1, "dispatched")]


async def test_an_instant_comes_back_in_utc(ledger: Ledger, intake: Make, ledger_url: str) -> None:
    local = datetime(2026, 11, 21, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=8)))
    row, _ = await _open(ledger, intake(received_at=local))
    other = open_ledger(ledger_url)
    async with other.session() as session:
        read = await get_case(session, row.number)
    await other.close()
    assert read is not None
    assert read.received_at == local
    assert read.received_at.tzinfo is UTC


async def test_two_engines_write_to_one_database(ledger_url: str, intake: Make) -> None:
    ledgers = [open_ledger(ledger_url), open_ledger(ledger_url)]
    opened = await asyncio.gather(*(_open(ledger, intake()) for _ in range(10) for ledger in ledgers))
    assert len({row.number for row, _ in opened}) == 20
    for ledger in ledgers:
        await ledger.close()


async def test_errors_tell_nothing_personal(ledger: Ledger, intake: Make, opened: Open) -> None:
    async def break_it() -> None:
        async with ledger.session() as session:
            await session.execute(text("INSERT INTO cases (name) VALUES (:name)"), {"name": "王芳"})

    assert "13800000000" not in repr(intake(phone="13800000000"))
    with pytest.raises(IntegrityError) as caught:
        await break_it()
    assert "[SQL parameters hidden" in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/ledger.db", "postgresql://nobody@127.0.0.1:1/nothing"])
async def test_an_unreachable_ledger_raises_ledger_errors(url: str) -> None:
    async def read() -> None:
        async with ledger.session() as session:
            await get_case(session, "ZZ-20261121-00001")

    ledger = open_ledger(url)
    with pytest.raises(LEDGER_ERRORS):
        await read()
    await ledger.close()

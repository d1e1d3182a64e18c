"""The audit finds whatever was done to a case behind the ledger's back, and names the first bad event."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.events import EventKind, Outcome, Status
from domain.roles import Actor, Role
from domain.rulebook import Action, ClockName
from ledger.audit import Findings, list_heads, verify
from ledger.database import Ledger
from ledger.erasure import erase
from ledger.intake import renumber
from ledger.measures import raise_measure
from ledger.notes import put_note
from ledger.recording import record

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
UNIT = Actor(role=Role.UNIT, id="key-1", unit="water")

Make = Callable[..., Any]
Open = Callable[..., Awaitable[str]]
Lived = Callable[[], Awaitable[str]]


@pytest.fixture
def lived(ledger: Ledger, opened: Open, summary: Make, event: Make) -> Lived:
    """Call it for a case with five events, two texts and a measure, that is closed."""

    async def live() -> str:
        number = await opened(name="王芳", phone="13800000000", address="金水路1号", longitude=113.0, latitude=-0.0)
        notes = {2: f"{number}-sent", 5: f"{number}-done"}
        async with ledger.session() as session:
            await put_note(session, notes[2], number, Actor(role=Role.DISPATCHER, id="desk-1"), "请核实。", NOON)
            await put_note(session, notes[5], number, UNIT, "已恢复供水。", NOON)
        happened = [
            event(1, kind=EventKind.RECEIVED, facts={"outage": False}),
            event(2, unit="water", note=notes[2], facts={"assisting": ["heat"]}),
            event(3, kind=EventKind.SIGNED_IN, by=UNIT, unit="water", clock=ClockName.SIGN_IN, due=NOON),
            event(
                4, kind=EventKind.ESCALATED, unit="water", action=Action.CIRCULAR, clock=ClockName.HANDLING, due=NOON
            ),
            event(5, kind=EventKind.CLOSED, by=UNIT, at=NOON + timedelta(hours=1), note=notes[5]),
        ]
        for step in happened:
            now = {"last_event": step.n, "lead": "water", "assisting": ["heat"], "breaches": [ClockName.HANDLING]}
            closed = {"closed_at": step.at, "outcome": Outcome.RESOLVED, "status": Status.CLOSED}
            await ledger.run(record, summary(number, **now, **(closed if step.n == 5 else {})), [step])
        async with ledger.session() as session:
            of = happened[3]
            await raise_measure(
                session, f"{number}:4", case_number=number, event=4, action=Action.CIRCULAR, unit="water", at=of.at,
                clock=of.clock, due=of.due,
            )  # fmt: skip
        return number

    return live


async def tamper(ledger: Ledger, statement: str, number: str) -> None:
    """Change what no trigger and no foreign key would let anybody change."""

    def run(connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
            for name in names.all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for part in statement.split(";"):
            connection.execute(text(part), {"case": number} if ":case" in part else {})

    await ledger.run(run)


EVENT = "UPDATE events SET {} WHERE case_number = :case AND n = {}"
CASE = "UPDATE cases SET {} WHERE number = :case"
MOVE = EVENT.format("n = {}", "{}")

TAMPERINGS: dict[str, tuple[str, int | None, str]] = {
    "an event's kind": (EVENT.format("kind = 'hurried'", 3), 3, "was changed"),
    "an event's instant, by a microsecond": (EVENT.format("at = '2026-11-21 04:00:00.000001+00:00'", 3), 3, "changed"),
    "who did it": (EVENT.format("actor_id = 'key-2'", 5), 5, "was changed"),
    "its unit": (EVENT.format("unit = NULL", 4), 4, "was changed"),
    "its facts": (EVENT.format("""facts = '{"assisting": []}'""", 2), 2, "was changed"),
    "its note": (EVENT.format("note = NULL", 5), 5, "was changed"),
    "its commitment": (EVENT.format("sealed = NULL", 2), 2, "was changed"),
    "its hash": (EVENT.format("hash = NULL", 3), 3, "was changed"),
    "an event removed": ("DELETE FROM events WHERE case_number = :case AND n = 3", 3, "missing"),
    "the first event removed": ("DELETE FROM events WHERE case_number = :case AND n = 1", 1, "missing"),
    "the last events removed": ("DELETE FROM events WHERE case_number = :case AND n > 3", 4, "missing"),
    "all events removed": ("DELETE FROM events WHERE case_number = :case", 1, "missing"),
    "two events in each other's place": (
        "; ".join([MOVE.format(99, 2), MOVE.format(2, 3), MOVE.format(3, 99)]), 2, "does not belong here",
    ),
    "an event numbered anew": (MOVE.format(6, 5), 5, "missing"),
    "an event too many": (
        "INSERT INTO events (case_number, n, at, kind, role, actor_id, provisional, facts) SELECT case_number, 6, at,"
        " kind, role, actor_id, provisional, facts FROM events WHERE case_number = :case AND n = 5", 6, "was changed",
    ),
    "the end of the chain moved back": (CASE.format("last_event = 4"), 5, "one too many"),
    "another head": (CASE.format("head = seal"), 5, "not the last event"),
    "an event's text": ("UPDATE notes SET text = '未处理' WHERE id = :case || '-done'", 5, "its text was changed"),
    "an event's text, sealed anew": (
        "UPDATE notes SET text = '未处理', salt = NULL, sealed = NULL WHERE id = :case || '-done'", 5, "another's",
    ),
    "an event's text removed": ("DELETE FROM notes WHERE id = :case || '-sent'", 2, "its text is missing"),
    "an event's text, as if erased": (
        "UPDATE notes SET text = '', salt = NULL WHERE id = :case || '-sent'", 2, "never erased",
    ),
    "the request's text": (CASE.format("text = '没有停水'"), 1, "not the one that was accepted"),
    "the citizen's phone": (CASE.format("phone = '13900000000'"), 1, "not the one that was accepted"),
    "where it is": (CASE.format("latitude = 34.7"), 1, "not the one that was accepted"),
    "who needs help": (CASE.format("vulnerable = '[\"alone\"]'"), 1, "not the one that was accepted"),
    "the channel": (CASE.format("channel = 'web'"), 1, "not the one that was accepted"),
    "the request, as if erased": (CASE.format("text = '', salt = NULL"), 1, "never erased"),
    "the request, with a seal of its own": (CASE.format("salt = NULL, erased_at = closed_at, name = NULL, phone = NULL,"
        " address = NULL, title = '', longitude = NULL, latitude = NULL"), 1, "says something"),
    "the request, as if erased by us": (CASE.format("salt = NULL, erased_at = closed_at, name = NULL, phone = NULL,"
        " address = NULL, title = '', text = '', longitude = NULL, latitude = NULL"), 1, "without a record of it"),
    "when it was erased": (CASE.format("erased_at = closed_at"), 1, "without a record of it"),
    "where it stands": (CASE.format("status = 'handling'"), None, "not shown as"),
    "its due date": (CASE.format("due = '2027-01-01 00:00:00.000000+00:00'"), None, "not shown as"),
    "its breaches": (CASE.format("breaches = '[]'"), None, "not shown as"),
    "when it came in": (CASE.format("received_at = '2026-11-20 04:00:00.000000+00:00'"), None, "not shown as"),
    "its seal": (CASE.format("seal = NULL"), None, "not shown as"),
    "its case removed": ("DELETE FROM cases WHERE number = :case", 1, "its case is missing"),
    "a measure's action": ("UPDATE measures SET action = 'interview' WHERE case_number = :case", 4, "interview"),
    "a measure's unit": ("UPDATE measures SET unit = 'heat' WHERE case_number = :case", 4, "measure circular"),
    "a measure of another event": ("UPDATE measures SET event = 3 WHERE case_number = :case", 3, "measure circular"),
    "several events at once": ("; ".join([EVENT.format("role = 'x'", 4), EVENT.format("unit = 'x'", 3)]), 3, "changed"),
}  # fmt: skip


async def flaws(ledger: Ledger, **more: Any) -> list[tuple[str, int | None, str]]:
    found = await verify(ledger, **more)
    return [(flaw.case, flaw.event, flaw.what) for flaw in found.flaws.values()]


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_a_tampering_is_found_and_its_first_event_named(ledger: Ledger, lived: Lived, what: str) -> None:
    statement, event, words = TAMPERINGS[what]
    _, number, _ = [await lived() for _ in range(3)]
    await tamper(ledger, statement, number)
    (flaw,) = await flaws(ledger)
    assert flaw[:2] == (number, event)
    assert words in flaw[2]
    assert await flaws(ledger, case=number) == [flaw]


async def test_what_cannot_even_be_read_is_named_too(ledger: Ledger, lived: Lived) -> None:
    if ledger.engine.dialect.name != "sqlite":
        return
    numbers = [await lived() for _ in range(3)]
    await tamper(ledger, EVENT.format("at = 'noon'", 3), numbers[0])
    await tamper(ledger, CASE.format("breaches = 'none'"), numbers[2])
    found = await verify(ledger)
    assert [(flaw.case, flaw.event) for flaw in found.flaws.values()] == [(numbers[0], 3), (numbers[2], None)]
    assert found.cases == 3


async def test_a_ledger_nobody_touched_is_whole(ledger: Ledger, lived: Lived, opened: Open) -> None:
    for _ in range(3):
        await lived()
    await opened()
    done: list[int] = []
    assert await verify(ledger, progress=done.append) == Findings(cases=4, events=15)
    assert done == [4]


async def test_a_case_that_goes_on_stays_whole(ledger: Ledger, lived: Lived, summary: Make, event: Make) -> None:
    number = await lived()
    more = [event(n, kind=EventKind.HURRIED, at=NOON + timedelta(hours=2)) for n in (6, 7)]
    never = [event(6, kind=EventKind.RATED, at=NOON + timedelta(minutes=90))]
    await ledger.run(record, summary(number, last_event=6), never)
    for _ in range(2):
        await ledger.run(record, summary(number, last_event=7), more)
    assert await verify(ledger) == Findings(cases=1, events=7, voided=1)


async def test_a_first_event_that_never_happened_leaves_a_whole_chain(
    ledger: Ledger, opened: Open, summary: Make, event: Make
) -> None:
    number = await opened()
    await ledger.run(record, summary(number), [event()])
    await ledger.run(record, summary(number), [event(at=NOON + timedelta(seconds=1))])
    assert await verify(ledger) == Findings(cases=1, events=1, voided=1)


async def test_a_case_with_another_number_is_still_the_request_that_was_accepted(
    ledger: Ledger, opened: Open, summary: Make, event: Make
) -> None:
    number = (await ledger.run(renumber, await opened(), "ZZ", NOON.date())).number
    await ledger.run(record, summary(number), [event()])
    assert await verify(ledger) == Findings(cases=1, events=1)


async def test_an_erased_case_is_whole_and_its_events_are_still_proved(
    ledger: Ledger, lived: Lived, tmp_path: Any
) -> None:
    number = await lived()
    async with ledger.session() as session:
        await erase(session, tmp_path, number, timedelta(), NOON + timedelta(days=1))
    assert await verify(ledger) == Findings(cases=1, events=5, erased=1)
    await tamper(ledger, EVENT.format("kind = 'rated'", 5), number)
    ((_, event, _),) = await flaws(ledger)
    assert event == 5
    await tamper(ledger, "DELETE FROM reads WHERE case_number = :case", number)
    assert await flaws(ledger) == [(number, 1, "the request was erased without a record of it")]


async def heads_of(ledger: Ledger) -> list[str]:
    lines: list[str] = []
    await list_heads(ledger, lines.append)
    return lines


async def test_heads_kept_elsewhere_are_found_in_chains_that_went_on(
    ledger: Ledger, lived: Lived, opened: Open, summary: Make, event: Make
) -> None:
    number = await lived()
    await opened()
    (line,) = heads = await heads_of(ledger)
    assert line.split()[:2] == [number, "5"]
    await ledger.run(record, summary(number, last_event=6), [event(6, kind=EventKind.HURRIED)])
    await lived()
    assert await flaws(ledger, heads=heads) == []


async def test_heads_kept_elsewhere_find_a_chain_that_was_cut_back(
    ledger: Ledger, lived: Lived, summary: Make, event: Make
) -> None:
    number, other = await lived(), await lived()
    heads = await heads_of(ledger)
    # Cut back to its first event and made whole again, by somebody who knows how.
    await tamper(ledger, "DELETE FROM events WHERE case_number = :case", number)
    await tamper(ledger, "DELETE FROM measures WHERE case_number = :case", number)
    await tamper(ledger, CASE.format("last_event = 0, head = NULL"), number)
    await ledger.run(record, summary(number), [event()])
    assert await flaws(ledger) == []
    assert await flaws(ledger, heads=heads) == [(number, 5, "it is missing, though its hash was kept elsewhere")]
    assert await flaws(ledger, heads=heads, case=other) == []
    again = [event(n, at=NOON + timedelta(hours=n)) for n in range(2, 6)]
    await ledger.run(record, summary(number, last_event=5), again)
    assert await flaws(ledger, heads=heads) == [(number, 5, "its hash is not the one that was kept elsewhere")]


async def test_a_line_that_is_no_head_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="a line of heads is"):
        await verify(ledger, heads=["ZZ-20261121-00001 five abc"])


async def test_a_text_that_is_repeated_keeps_its_seal(ledger: Ledger, opened: Open, summary: Make, event: Make) -> None:
    number = await opened()
    for n in (1, 2):
        async with ledger.session() as session:
            await put_note(session, "n", number, UNIT, "已处理", NOON)
        await ledger.run(record, summary(number, last_event=n), [event(n, note="n")])
    assert await verify(ledger) == Findings(cases=1, events=2)

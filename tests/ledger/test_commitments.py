"""The report on the units' own commitments, from real ledgers, in windows."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner

from cli import app
from domain.city import load_city
from domain.commitment_report import Tally
from domain.events import EventKind
from ledger import commitments
from ledger.commitments import commitment_report
from ledger.database import Ledger
from ledger.errors import Unreadable
from ledger.models import BEGINNINGS
from ledger.recording import record
from settings import ROOT

MIDNIGHT = datetime(2026, 11, 20, 16, tzinfo=UTC)
"""Of 21 November in Zhengzhou."""
DAY = timedelta(days=1)
CITY = load_city(ROOT / "cities" / "zhengzhou")

Make = Callable[..., Any]
Answered = Callable[..., Awaitable[str]]


@pytest.fixture
def answered(ledger: Ledger, opened: Callable[..., Awaitable[str]], summary: Make, event: Make) -> Answered:
    """Call it for a case dispatched to the heating company, which signs in so many minutes later, if ever."""

    async def make(at: datetime, minutes: int | None, lead: str = "zz-heat", **facts: Any) -> str:
        number = await opened()
        ordered = {"ordered": [lead], "assisting": [], **facts}
        events = [
            event(1, at=at, kind=EventKind.RECEIVED, facts={"category": "help"}),
            event(2, at=at, kind=EventKind.DISPATCHED, unit=lead, facts=ordered),
        ]
        if minutes is not None:
            events.append(event(3, at=at + timedelta(minutes=minutes), kind=EventKind.SIGNED_IN, unit="zz-heat"))
        await ledger.run(record, summary(number, lead=lead, last_event=len(events)), events)
        return number

    return make


async def answers(ledger: Ledger, since: datetime = MIDNIGHT, until: datetime = MIDNIGHT + DAY) -> Tally:
    found = await commitment_report(ledger, CITY, "zz-heat", since, until, MIDNIGHT + 2 * DAY)
    return next(tally for tally in found if tally.code == "answer")


async def test_all_cases_are_counted_however_many_are_read_at_once(
    ledger: Ledger, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitments, "AT_ONCE", 2)
    minutes = [1, 2, 3, 4, None, 7]
    numbers = [await answered(MIDNIGHT, late) for late in minutes]
    tally = await answers(ledger)
    assert (tally.orders, tally.met, tally.decided, tally.percent) == (6, 4, 6, 66.7)
    assert (tally.median_seconds, tally.p90_seconds) == (180, 420)
    assert tally.missed_cases == sorted(numbers[4:])


async def test_the_first_instant_of_the_days_counts_and_the_one_after_them_does_not(
    ledger: Ledger, answered: Answered
) -> None:
    for at in (MIDNIGHT - timedelta(microseconds=1), MIDNIGHT, MIDNIGHT + DAY):
        await answered(at, 1)
    assert (await answers(ledger)).orders == 1


async def test_an_assisting_units_order_counts_and_another_units_does_not(ledger: Ledger, answered: Answered) -> None:
    await answered(MIDNIGHT, None, "zz-water", ordered=["zz-water", "zz-heat"], assisting=["zz-heat"])
    await answered(MIDNIGHT, None, "zz-water")
    assert (await answers(ledger)).orders == 1


@pytest.mark.parametrize("facts", [{"ordered": 5}, {"ordered": [["zz-heat"]]}])
async def test_a_case_that_cannot_be_read_is_named(ledger: Ledger, answered: Answered, facts: dict[str, Any]) -> None:
    await answered(MIDNIGHT, 1)
    number = await answered(MIDNIGHT, 1, **facts)
    with pytest.raises(Unreadable) as unreadable:
        await answers(ledger)
    assert unreadable.value.case_number == number


async def test_the_report_is_found_by_an_index(ledger: Ledger) -> None:
    def plan(connection: Connection) -> str:
        rows = "SELECT case_number FROM events WHERE " + str(BEGINNINGS) + " AND at >= '2026-11-20'"
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return str(connection.exec_driver_sql(explain + rows).all())

    assert "ix_events_beginnings" in await ledger.run(plan)


async def test_the_command_prints_a_table_and_the_cases_missed(
    ledger: Ledger, ledger_url: str, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", ledger_url)
    monkeypatch.setenv("JIESU_CITY", "zhengzhou")
    monkeypatch.setenv("JIESU_CITIES", str(ROOT / "cities"))
    await answered(MIDNIGHT, 3)
    missed = await answered(MIDNIGHT, 6)

    async def run(*arguments: str) -> tuple[int, str]:
        # In a thread, for the command has an event loop of its own.
        result = await asyncio.to_thread(CliRunner().invoke, app, ["commitments", *arguments])
        return result.exit_code, result.output

    status, said = await run("zz-heat", "--from", "2026-11-21", "--to", "2026-11-21")
    head, first, *_, last = said.splitlines()
    assert (status, head.split()[0], first.split()) == (
        0,
        "unit",
        ["zz-heat", "answer", "2", "1", "1", "0", "0", "50.0%", "(1/2)", "0:04:30", "0:06:00"],
    )
    assert last == f"zz-heat answer, missed: {missed}"
    assert await run("zz-jinshui") == (0, "zz-jinshui has made no commitments; units make them in units.toml\n")
    assert await run("nobody") == (2, "jiesu: there is no such unit in units.toml\n")
    assert (await run("zz-heat", "--from", "2026-11-22", "--to", "2026-11-21"))[0] == 2

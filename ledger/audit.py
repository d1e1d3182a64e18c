"""Checking that the ledger still says what it said: every case's chain, standing, texts and measures.

Whoever owns the database can cut a chain back to an earlier end, or write one anew from its first event, so that it is
whole in itself. Against that the heads are kept elsewhere: every head of that day must still be in its chain.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter

from sqlalchemy import Connection, Table, exists, func, select, tuple_

from ledger.access_log import ERASURE
from ledger.database import Ledger, snapshot
from ledger.proof import Flaw, Kept, Row, Wrong
from ledger.tables import CASES, EVENTS, MEASURES, NOTES, READS, VOIDED

BATCH = 500

Progress = Callable[[int], None]


@dataclass
class Findings:
    """What was looked at, and what was wrong: one flaw a case."""

    cases: int = 0
    events: int = 0
    voided: int = 0
    erased: int = 0
    flaws: dict[str, Flaw] = field(default_factory=dict)

    def add(self, flaws: Iterable[Flaw]) -> None:
        """Keep of every case the flaw of the lowest event."""
        for flaw in flaws:
            self.flaws[flaw.case] = min(self.flaws.get(flaw.case, flaw), flaw, key=_place)


async def verify(
    ledger: Ledger, case: str | None = None, heads: Iterable[str] = (), progress: Progress = lambda _: None
) -> Findings:
    """Check every case, or one. `heads` are lines of `list_heads` that were kept; `progress` is told how many are done.

    A page of cases at a time, each page as it stood at one moment: cases may go on meanwhile. Raises ValueError for a
    line that is none of ours.
    """
    findings, after = Findings(), ""
    while last := await ledger.run(_check_page, findings, after, case):
        progress(findings.cases)
        after = last
    await ledger.run(_check_strays, findings, case)
    lines = (line.split() for line in heads if line.strip())
    while chunk := list(islice(lines, BATCH)):
        await ledger.run(_check_heads, findings, [line for line in chunk if case in (None, line[0])])
    return findings


def verify_case(connection: Connection, number: str) -> Flaw | None:
    """The first thing wrong with one case, if any."""
    findings = Findings()
    _check(connection, findings, [number])
    return findings.flaws.get(number)


async def count_cases(ledger: Ledger) -> int:
    """How many cases there are to check."""
    return await ledger.run(lambda connection: connection.scalar(select(func.count()).select_from(CASES)) or 0)


async def list_heads(ledger: Ledger, write: Callable[[str], None]) -> None:
    """Write a line for every case that has begun: number, number of its last event, head."""
    begun = select(CASES.c.number, CASES.c.last_event, CASES.c.head).where(CASES.c.head.is_not(None))
    page, after = begun.order_by(CASES.c.number).limit(BATCH), ""
    while rows := await ledger.run(
        lambda connection, after: connection.execute(page.where(CASES.c.number > after)).all(), after
    ):
        for row in rows:
            write(" ".join(map(str, row)))
        after = rows[-1].number


def _check_page(connection: Connection, findings: Findings, after: str, case: str | None) -> str | None:
    """Check the cases that follow a number, and return the last of them."""
    snapshot(connection)
    page = select(CASES.c.number).where(CASES.c.number > after).order_by(CASES.c.number).limit(BATCH)
    numbers = list(connection.scalars(page if case is None else page.where(CASES.c.number == case)))
    _check(connection, findings, numbers)
    findings.cases += len(numbers)
    return numbers[-1] if numbers else None


def _check(connection: Connection, findings: Findings, numbers: list[str]) -> None:
    """Check cases that follow each other."""
    if not numbers:
        return
    try:
        cases = _read(connection, numbers)
        flaws = [flaw for case in cases for flaw in case.flaws()]
    except (ValueError, TypeError):
        if len(numbers) == 1:
            findings.add([_unreadable(connection, numbers[0])])
        for number in numbers if len(numbers) > 1 else ():
            _check(connection, findings, [number])
        return
    findings.add(flaws)
    findings.events += sum(len(case.events) for case in cases)
    findings.erased += sum(case.row["erased_at"] is not None for case in cases)
    voided = select(func.count()).where(VOIDED.c.case_number.between(numbers[0], numbers[-1]))
    findings.voided += connection.scalar(voided) or 0


def _read(connection: Connection, numbers: list[str]) -> list[Kept]:
    cases, events, notes, measures = (_rows(connection, table, numbers) for table in (CASES, EVENTS, NOTES, MEASURES))
    recorded = _recorded_erasures(connection, [number for number in numbers if cases[number][0]["erased_at"]])
    return [
        Kept(
            row=cases[number][0],
            erasure_recorded=number in recorded,
            events=events.get(number, []),
            notes={note["id"]: note for note in notes.get(number, [])},
            measures=measures.get(number, []),
        )
        for number in numbers
    ]


def _recorded_erasures(connection: Connection, numbers: list[str]) -> set[str]:
    recorded = select(READS.c.case_number).where(READS.c.case_number.in_(numbers), READS.c.what == ERASURE)
    return set(connection.scalars(recorded)) if numbers else set()


def _rows(connection: Connection, table: Table, numbers: list[str]) -> dict[str, list[Row]]:
    """The rows of these cases, by case, in the order of their key."""
    case = table.c.number if table is CASES else table.c.case_number
    these = case.between(numbers[0], numbers[-1])
    found = connection.execute(select(table).where(these).order_by(case, *table.primary_key))
    names = tuple(found.keys())
    rows = (dict(zip(names, row, strict=True)) for row in found)
    return {number: list(of_one) for number, of_one in groupby(rows, itemgetter(case.name))}


def _unreadable(connection: Connection, number: str) -> Flaw:
    """Where a case holds what no value of ours is, such as a day that does not exist."""
    for n in connection.scalars(select(EVENTS.c.n).where(EVENTS.c.case_number == number).order_by(EVENTS.c.n)).all():
        try:
            connection.execute(select(EVENTS).where(EVENTS.c.case_number == number, EVENTS.c.n == n)).all()
        except (ValueError, TypeError):
            return Flaw(number, n, Wrong.UNREADABLE)
    return Flaw(number, None, Wrong.UNREADABLE)


def _check_strays(connection: Connection, findings: Findings, case: str | None) -> None:
    """Look for what belongs to a case that there is not."""
    for table, n in ((EVENTS, EVENTS.c.n), (MEASURES, MEASURES.c.event)):
        stray = ~exists().where(CASES.c.number == table.c.case_number)
        found = select(table.c.case_number, func.min(n)).where(stray).group_by(table.c.case_number)
        if case is not None:
            found = found.where(table.c.case_number == case)
        for number, first in connection.execute(found).tuples():
            findings.add([Flaw(number, first, Wrong.NO_CASE)])


def _check_heads(connection: Connection, findings: Findings, lines: list[list[str]]) -> None:
    """Look for the heads that were kept in the chains as they are now."""
    try:
        kept = {(number, int(n)): head for number, n, head in lines}
    except ValueError:
        raise ValueError("a line of heads is: case number, number of its last event, its hash") from None
    place = tuple_(EVENTS.c.case_number, EVENTS.c.n)
    now = select(EVENTS.c.case_number, EVENTS.c.n, EVENTS.c.hash).where(place.in_(list(kept)))
    found = {(number, n): head for number, n, head in connection.execute(now).tuples()}
    for (number, n), head in kept.items():
        if (number, n) not in found:
            findings.add([Flaw(number, n, Wrong.NOT_KEPT)])
        elif found[number, n] != head:
            findings.add([Flaw(number, n, Wrong.NOT_AS_KEPT)])


def _place(flaw: Flaw) -> tuple[bool, int]:
    return flaw.event is None, flaw.event or 0

"""`jiesu erase`: the ledger no longer tells whose case it was, and the record of the case still proves itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, make_url, select
from sqlmodel import SQLModel, col
from typer.testing import CliRunner, Result

from cli import app
from domain.events import EventKind, Outcome, Status
from domain.roles import Actor, Role
from ledger import files
from ledger.access_log import reads_of
from ledger.attachments import put_attachment
from ledger.audit import verify
from ledger.cases import events_of, get_case
from ledger.database import Ledger, open_ledger
from ledger.errors import CaseErased, KeyReused
from ledger.findings import findings_of, put_finding
from ledger.intake import Intake, open_case
from ledger.messages import save_attempt
from ledger.models import AlertRow, AttachmentRow, CaseRow
from ledger.notes import put_note
from ledger.recording import record
from ledger.refused import note_refused
from ledger.requests import claim
from ledger.tables import ALERTS

DAY = date(2026, 11, 21)
RETENTION = timedelta(days=1095)
LONG_AGO = datetime.now(UTC) - RETENTION - timedelta(days=1)
MARK = "海明威印记"
PERSONAL: dict[str, Any] = {
    "name": MARK, "phone": f"1380000{MARK}", "address": f"{MARK}路9号", "title": f"{MARK}家停水",
    "text": f"我是{MARK}。" * 200, "longitude": 113.61234, "latitude": 34.71234,
    "vulnerable": ["disabled"],
}  # fmt: skip
TRACES = (MARK, "113.61234", "34.71234", "disabled")
AGENT = Actor(role=Role.AGENT, id="agent-1")

Make = Callable[..., Any]


@pytest.fixture
async def ledger(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ledger]:
    """The ledger that `jiesu erase` works on, and a folder of attachments of its own."""
    monkeypatch.setenv("JIESU_DATABASE_URL", ledger_url)
    monkeypatch.setenv("JIESU_ATTACHMENTS", str(tmp_path / "attachments"))
    opened = open_ledger(ledger_url)
    yield opened
    await opened.close()


async def erase(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["erase", *arguments])


@pytest.fixture
def closed(ledger: Ledger, intake: Make, summary: Make, event: Make, tmp_path: Path) -> Callable[..., Awaitable[str]]:
    """Call it for a case that was closed at an instant, with personal data wherever there can be any."""

    async def make(at: datetime | None = LONG_AGO, key: str | None = None) -> str:
        row, _ = await ledger.run(open_case, "ZZ", intake(**PERSONAL), DAY, key)
        number = row.number
        async with ledger.session() as session:
            await put_note(session, f"n-{number}", number, AGENT, f"回访{MARK}", LONG_AGO)
            await put_finding(session, f"f-{number}", number, AGENT, f"核查{MARK}", LONG_AGO)
            await claim(session, number, "k", "hash of what was said")
            with files.write_draft(tmp_path / "attachments", BytesIO(MARK.encode())) as draft:
                await put_attachment(session, tmp_path / "attachments", draft, number, "image/png", AGENT, LONG_AGO)
        body = json.dumps({"data": {"case": number, "text": MARK}}, ensure_ascii=False).encode()
        await ledger.run(note_refused, "unit:zz-water", "not_signed", "stale", body, LONG_AGO)
        await ledger.run(
            save_attempt, f"{number}:1:citizen", case_number=number, event=1, party="citizen", template="received",
            text=f"尊敬的{MARK}", status="sent", at=LONG_AGO,
        )  # fmt: skip
        await ledger.run(put_alert, number)
        end = {"status": Status.CLOSED, "outcome": Outcome.DECIDED, "closed_at": at} if at else {}
        events = [event(1), event(2, kind=EventKind.RESULT_SUBMITTED, note=f"n-{number}")]
        await ledger.run(record, summary(number, last_event=2, **end), events)
        return str(number)

    return make


def put_alert(connection: Connection, number: str) -> None:
    """As if a truck had been where the case is."""
    alert = AlertRow(
        asset="T-1", kind="truck-leak", unit="zz-cheng", case_number=number, first_at=LONG_AGO, last_at=LONG_AGO,
        expires_at=LONG_AGO, ended_at=LONG_AGO, longitude=PERSONAL["longitude"], latitude=PERSONAL["latitude"],
    )  # fmt: skip
    connection.execute(insert(ALERTS), alert.model_dump(exclude={"id"}))


def everything(connection: Connection) -> str:
    """Every value of every column of every table."""
    tables = SQLModel.metadata.sorted_tables
    return "\n".join(repr(tuple(row)) for table in tables for row in connection.execute(select(table)))


async def test_nothing_personal_is_left_in_any_column(
    ledger: Ledger, closed: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    number = await closed()
    before = await ledger.run(everything)
    assert all(trace in before for trace in TRACES)
    async with ledger.session() as session:
        row, events = await get_case(session, number), await events_of(session, number)
        assert row is not None
    secrets, sealed = [str(secret) for secret in (row.code, row.salt, row.intake_hash)], row.sealed
    assert all(secret in before for secret in secrets)
    result = await erase(number)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{number}: 8 fields, 1 notes, 1 messages, 1 findings, 1 attachments removed\n"
    after = await ledger.run(everything)
    assert not any(trace in after for trace in (*TRACES, *secrets, "hash of what was said"))
    assert [path for path in (tmp_path / "attachments").rglob("*") if path.is_file()] == []
    async with ledger.session() as session:
        kept = await get_case(session, number)
        assert kept is not None
        assert kept.erased_at is not None
        assert (kept.status, kept.outcome, kept.category, kept.sealed) == ("closed", "decided", "complaint", sealed)
        assert await events_of(session, number) == events
        assert [finding.text for finding in await findings_of(session, number)] == [""]


async def test_what_is_erased_still_proves_itself(ledger: Ledger, closed: Callable[..., Awaitable[str]]) -> None:
    number, untouched = await closed(), await closed(None)
    assert (await verify(ledger)).flaws == {}
    await erase(number)
    found = await verify(ledger)
    assert (found.flaws, found.cases, found.erased) == ({}, 2, 1)
    assert MARK in await ledger.run(everything), untouched


# PostgreSQL frees what was removed with its own VACUUM.
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_nothing_is_left_in_the_files_of_the_database(
    ledger: Ledger, ledger_url: str, closed: Callable[..., Awaitable[str]]
) -> None:
    numbers = [await closed() for _ in range(30)]
    await ledger.close()
    folder = Path(str(make_url(ledger_url).database)).parent
    assert MARK.encode() in contents(folder)
    for number in numbers:
        assert (await erase(number)).exit_code == 0
    assert MARK.encode() not in contents(folder)


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("ledger.db*"))


async def test_erasing_again_is_harmless(ledger: Ledger, closed: Callable[..., Awaitable[str]]) -> None:
    number = await closed()
    await erase(number)
    async with ledger.session() as session:
        first = await get_case(session, number)
    again = await erase(number)
    assert (again.exit_code, "0 fields, 0 notes" in again.stdout) == (0, True)
    async with ledger.session() as session:
        assert await get_case(session, number) == first


async def test_an_erasure_leaves_one_record_of_who_did_it_and_when(
    ledger: Ledger, closed: Callable[..., Awaitable[str]]
) -> None:
    number = await closed()
    for _ in range(2):
        await erase(number)
    async with ledger.session() as session:
        row = await get_case(session, number)
        [left] = (await reads_of(session, number, None, 50)).items
    assert row is not None
    assert row.erased_at is not None
    assert (left.what, left.role, left.actor_id) == ("erased", "admin", "console")
    assert abs(left.at - row.erased_at) < timedelta(minutes=1)


async def test_a_dry_run_removes_nothing(ledger: Ledger, closed: Callable[..., Awaitable[str]]) -> None:
    number = await closed()
    before = await ledger.run(everything)
    for arguments, whose in (((number,), number), (("--due",), "1 cases")):
        result = await erase(*arguments, "--dry-run")
        wanted = f"{whose}: 8 fields, 1 notes, 1 messages, 1 findings, 1 attachments would be removed\n"
        assert (result.exit_code, result.stdout) == (0, wanted)
    assert await ledger.run(everything) == before


async def test_a_case_that_may_not_be_erased_is_refused_in_one_sentence(
    ledger: Ledger, closed: Callable[..., Awaitable[str]]
) -> None:
    open_one, lately = await closed(None), await closed(datetime(2026, 11, 21, 4, tzinfo=UTC))
    before = await ledger.run(everything)
    sentences = {
        (open_one,): f"{open_one} is not closed",
        (lately,): f"{lately} keeps its personal data until 2029-11-20 04:00 UTC",
        ("ZZ-20000101-00001",): "there is no case ZZ-20000101-00001",
        (): "name a case, or give --due for every case whose retention is over",
        (lately, "--due"): "name a case, or give --due for every case whose retention is over",
    }
    for arguments, sentence in sentences.items():
        result = await erase(*arguments)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"jiesu: {sentence}\n")
    assert await ledger.run(everything) == before


async def test_the_retention_is_the_installations(
    ledger: Ledger, closed: Callable[..., Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await closed(datetime.now(UTC) - timedelta(minutes=1))
    assert (await erase(number)).exit_code == 2
    monkeypatch.setenv("JIESU_KEEP_PERSONAL_DAYS", "0")
    assert (await erase(number)).exit_code == 0


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_all_that_are_due_are_erased_and_no_others(
    ledger: Ledger, closed: Callable[..., Awaitable[str]], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("ledger.erase_cli.BATCH", batch)
    due = [await closed(), await closed()]
    for others in (None, datetime.now(UTC)):
        await closed(others)
    assert (await erase("--due", "--dry-run")).stdout.startswith("2 cases: 16 fields")
    result = await erase("--due")
    assert result.stdout == "2 cases: 16 fields, 2 notes, 2 messages, 2 findings, 2 attachments removed\n"
    async with ledger.session() as session:
        erased = select(col(CaseRow.number)).where(col(CaseRow.erased_at).is_not(None)).order_by(col(CaseRow.number))
        assert list(await session.scalars(erased)) == due
    assert (await erase("--due")).stdout.startswith("0 cases: 0 fields")


async def test_a_file_that_another_case_has_too_stays(
    ledger: Ledger, closed: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    number, other = await closed(), await closed(None)
    await erase(number)
    async with ledger.session() as session:
        [row] = await session.scalars(select(AttachmentRow))
    assert row.case_number == other
    kept = files.open_whole(tmp_path / "attachments", row.sha256)
    assert kept is not None
    with kept:
        assert kept.read() == MARK.encode()


async def test_nothing_personal_comes_back_to_an_erased_case(
    ledger: Ledger, intake: Make, closed: Callable[..., Awaitable[str]]
) -> None:
    number = await closed(key="k")
    await erase(number)
    before = await ledger.run(everything)
    for id in ("n-new", f"n-{number}"):
        with pytest.raises(CaseErased):
            async with ledger.session() as session:
                await put_note(session, id, number, AGENT, f"回访{MARK}", LONG_AGO)
    for id in ("f-new", f"f-{number}"):
        with pytest.raises(CaseErased):
            async with ledger.session() as session:
                await put_finding(session, id, number, AGENT, f"核查{MARK}", LONG_AGO)
    await ledger.run(
        save_attempt, f"{number}:2:citizen", case_number=number, event=2, party="citizen", template="closed",
        text=f"尊敬的{MARK}", status="sent", at=LONG_AGO,
    )  # fmt: skip
    with pytest.raises(CaseErased):
        async with ledger.session() as session:
            await claim(session, number, "k", "hash of what was said")
    # Nobody can tell any more whether it is the same request: to refuse it loses nothing, a new key opens a new case.
    again: Intake = intake(**PERSONAL)
    with pytest.raises(KeyReused):
        await ledger.run(open_case, "ZZ", again, DAY, "k")
    after = await ledger.run(everything)
    assert MARK not in after
    assert after.count(number) == before.count(number) + 2, "only the message, without its text"


async def test_a_ledger_that_was_never_migrated_is_told_in_one_sentence(
    blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", blank_url)
    result = await erase("ZZ-20000101-00001")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert result.stderr.endswith("run `jiesu migrate` first\n")

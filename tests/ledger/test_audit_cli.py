"""`jiesu audit` on real ledgers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner, Result

from cli import app
from domain.events import EventKind
from ledger.database import Ledger
from ledger.models import ReadRow
from ledger.recording import record
from settings import ROOT

Make = Callable[..., Any]
Begun = Callable[[], Awaitable[str]]


@pytest.fixture(autouse=True)
def _this_ledger(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", ledger_url)
    monkeypatch.setenv("JIESU_CITY", "zhengzhou")
    monkeypatch.setenv("JIESU_CITIES", str(ROOT / "cities"))


@pytest.fixture
def begun(ledger: Ledger, opened: Callable[..., Awaitable[str]], summary: Make, event: Make) -> Begun:
    """Call it for a case with one event."""

    async def begin() -> str:
        number = await opened(name="王芳")
        await ledger.run(record, summary(number), [event(kind=EventKind.RECEIVED)])
        return number

    return begin


async def run(*arguments: str) -> Result:
    # In a thread, for the command has an event loop of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, ["audit", *arguments])


async def change(ledger: Ledger, statement: str) -> None:
    async with ledger.session() as session:
        await session.execute(text(statement))


async def test_a_whole_ledger_is_said_to_be_whole(begun: Begun) -> None:
    await begun()
    number = await begun()
    for arguments in ((), (number,)):
        result = await run("verify", *arguments)
        assert result.exit_code == 0, result.output
        assert result.stdout.endswith("0 voided events, 0 erased cases: all as recorded\n")
    assert json.loads((await run("verify", "--json")).stdout) == {
        "whole": True, "cases": 2, "events": 2, "voided": 0, "erased": 0, "flaws": [],
    }  # fmt: skip


async def test_a_bad_case_is_named_with_status_1(ledger: Ledger, begun: Begun) -> None:
    number, other = await begun(), await begun()
    await change(ledger, f"UPDATE cases SET text = '别的事' WHERE number = '{number}'")
    result = await run("verify")
    assert result.exit_code == 1
    sentence, counts = result.stdout.splitlines()
    assert sentence == f"case {number}, event 1: the request is not the one that was accepted"
    assert counts.endswith("1 cases are not as recorded")
    (flaw,) = json.loads((await run("verify", number, "--json")).stdout)["flaws"]
    assert flaw == {
        "case": number, "event": 1, "what": "the request is not the one that was accepted",
        "what_zh": "诉求内容与受理时不一致",
    }  # fmt: skip
    assert (await run("verify", other)).exit_code == 0


async def test_heads_that_were_kept_are_looked_for(ledger: Ledger, begun: Begun, tmp_path: Path) -> None:
    number = await begun()
    kept = tmp_path / "heads"
    kept.write_text((await run("heads")).stdout)
    assert (await run("verify", "--heads", str(kept))).exit_code == 0
    kept.write_text(f"{number} 2 {'0' * 64}\n")
    result = await run("verify", "--heads", str(kept))
    assert result.exit_code == 1
    assert f"case {number}, event 2: it is missing, though its hash was kept elsewhere" in result.stdout


async def test_a_record_is_exported_and_the_reading_of_it_recorded(
    ledger: Ledger, begun: Begun, tmp_path: Path
) -> None:
    number = await begun()
    exported = json.loads((await run("export", number)).stdout)
    assert (exported["number"], exported["check"]["whole"], exported["findings"]) == (number, True, None)
    page = tmp_path / "record.html"
    result = await run("export", number, "--html", "--output", str(page))
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"工单 {number} 全程档案" in page.read_text()
    async with ledger.session() as session:
        reads = list(await session.scalars(select(ReadRow)))
    assert [(read.case_number, read.actor_id, read.what) for read in reads] == [(number, "console", "record")] * 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["verify", "ZZ-20261121-99999"], "there is no case ZZ-20261121-99999"),
        (["export", "ZZ-20261121-99999"], "there is no case ZZ-20261121-99999"),
        (["verify", "--heads", __file__], "a line of heads is: case number, number of its last event, its hash"),
    ],
)
async def test_a_mistake_is_told_in_one_sentence(arguments: list[str], sentence: str) -> None:
    result = await run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1] == f"jiesu: {sentence}"


async def test_a_ledger_without_tables_is_told_in_one_sentence(blank_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", blank_url)
    for command in (["verify"], ["heads"], ["export", "ZZ-20261121-00001"]):
        result = await run(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.endswith("run `jiesu migrate` first\n")

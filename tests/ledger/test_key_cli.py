"""`jiesu key` on real ledgers."""

import asyncio

import pytest
from typer.testing import CliRunner, Result

from cli import app
from ledger.database import open_ledger
from ledger.keys import find_key
from ledger.models import KeyRow
from settings import ROOT


@pytest.fixture(autouse=True)
def _this_ledger(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", ledger_url)
    monkeypatch.setenv("JIESU_CITY", "zhengzhou")
    monkeypatch.setenv("JIESU_CITIES", str(ROOT / "cities"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["key", *arguments])


def found(url: str, secret: str) -> KeyRow | None:
    async def find() -> KeyRow | None:
        ledger = open_ledger(url)
        try:
            async with ledger.session() as session:
                return await find_key(session, secret)
        finally:
            await ledger.close()

    return asyncio.run(find())


def test_a_key_is_printed_alone_on_the_last_line_and_works(ledger_url: str) -> None:
    result = run("create", "--role", "unit", "--unit", "zz-water", "--label", "调度\n平台")
    assert result.exit_code == 0, result.output
    row = found(ledger_url, result.stdout.splitlines()[-1])
    assert row is not None
    assert (row.role, row.unit, row.label) == ("unit", "zz-water", "调度 平台")


def test_a_key_for_a_grid_names_one_of_the_city_or_none(ledger_url: str) -> None:
    for unit in ("zz-g-badonglou", None):
        secret = run("create", "--role", "grid", *(["--unit", unit] if unit else [])).stdout.splitlines()[-1]
        row = found(ledger_url, secret)
        assert row is not None
        assert (row.role, row.unit) == ("grid", unit)


def test_the_list_shows_no_secret_and_a_revoked_key_as_such(ledger_url: str) -> None:
    secret = run("create", "--role", "agent", "--label", "坐席").stdout.splitlines()[-1]
    id = secret.split("_")[1]
    (line,) = run("list").stdout.splitlines()
    assert line.startswith(f"{id}  agent")
    assert "in force" in line
    assert line.endswith("坐席")
    assert secret.split("_", 2)[2] not in line
    assert run("revoke", id).exit_code == 0
    assert "revoked 2" in run("list").stdout
    assert found(ledger_url, secret) is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create", "--role", "unit"], "role unit acts for a unit: name it with --unit"),
        (["create", "--role", "unit", "--unit", "zz-x"], "there is no unit 'zz-x' in this city"),
        (["create", "--role", "grid", "--unit", "zz-water"], "there is no grid 'zz-water' in this city"),
        (["create", "--role", "unit", "--unit", "zz-g-badonglou"], "there is no unit 'zz-g-badonglou' in this city"),
        (["create", "--role", "agent", "--unit", "zz-water"], "role agent acts for no unit: leave out --unit"),
        (["create", "--role", "system"], "no key can be for role 'system'"),
        (["create", "--role", "king"], "no key can be for role 'king'"),
        (["revoke", "00000000"], "there is no key '00000000' in force"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"jiesu: {sentence}")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert run("list").stdout == ""


def test_a_ledger_that_was_never_migrated_is_told_in_one_sentence(
    blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", blank_url)
    result = run("create", "--role", "agent")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("run `jiesu migrate` first\n")


@pytest.mark.parametrize("arguments", [["list"], ["create", "--role", "unit", "--unit", "zz-water"]])
def test_a_malformed_variable_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setenv("JIESU_API_PORT", "abc")
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("jiesu: JIESU_API_PORT: ")
    assert len(result.stderr.splitlines()) == 1

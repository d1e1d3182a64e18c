import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import app
from settings import ROOT


@pytest.fixture(autouse=True)
def _this_city(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_CITY", "zhengzhou")
    monkeypatch.setenv("JIESU_CITIES", str(ROOT / "cities"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["deadline", *arguments])


def test_text() -> None:
    result = run("2026-09-24T10:00", "3wd")
    assert result.exit_code == 0
    assert result.stdout == (
        "start     2026-09-24 10:00:00+08:00 Asia/Shanghai\n"
        "limit     3wd 3个工作日\n"
        "\n"
        "  2026-09-24 ✗ 起始日不计入\n"
        "  2026-09-25 ✗ 中秋节\n"
        "  2026-09-26 ✗ 周六\n"
        "  2026-09-27 ✗ 周日\n"
        "  2026-09-28 ✓ 工作日\n"
        "  2026-09-29 ✓ 工作日\n"
        "  2026-09-30 ✓ 工作日\n"
        "\n"
        "due       2026-09-30 24:00 Asia/Shanghai\n"
        f"calendar  {result.stdout.split('calendar  ')[1]}"
    )
    assert "provisional" not in result.stdout


def test_text_says_that_and_why_it_is_provisional() -> None:
    result = run("2026-12-31T10:00", "1wd")
    assert "due       2027-01-04 24:00" in result.stdout
    assert "provisional: the official arrangement is known from 2004-01-01 to 2026-12-31" in result.stdout


def test_json() -> None:
    result = run("2026-09-24T02:00Z", "3wd", "--json")
    answer = json.loads(result.stdout)
    assert answer["start"] == "2026-09-24T10:00:00+08:00"
    assert answer["limit"] == "3wd"
    assert answer["due"] == "2026-10-01T00:00:00+08:00"
    assert answer["due_text"] == "2026-09-30 24:00"
    assert answer["provisional"] is False
    assert "zhengzhou" in answer["calendar"]
    assert answer["days"][1] == {"date": "2026-09-25", "counted": False, "why": "中秋节"}
    assert len(answer["days"]) == 7


@pytest.mark.parametrize(
    ("arguments", "due"),
    [
        (["2026-09-24T10:00", "3wd", "--province"], "2026-09-29 24:00"),
        (["2026-09-24", "1wd"], "2026-09-28 24:00"),
        (["2026-09-24T23:30-05:00", "1WD"], "2026-09-28 24:00"),
        (["2026-09-30T23:00", "2h"], "2026-10-01 01:00"),
        (["2026-09-30T23:00", "30min"], "2026-09-30 23:30"),
        (["2026-09-30T23:00", "1d"], "2026-10-01 24:00"),
    ],
)
def test_due(arguments: list[str], due: str) -> None:
    assert json.loads(run(*arguments, "--json").stdout)["due_text"] == due


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["yesterday", "3wd"], "'yesterday' is not a start"),
        (["2026-02-30T10:00", "3wd"], "is not a start"),
        (["2026-09-24T10:00", "3"], "is not a limit"),
        (["2026-09-24T10:00", "0h"], "is not a limit"),
        (["2026-09-24T10:00", "0wd"], "'0wd' is not a limit"),
        (["2026-09-24T10:00", "-1wd"], "'-1wd' is not a limit"),
        (["-2026-09-24T10:00", "1wd"], "'-2026-09-24T10:00' is not a start"),
        (["2026-09-24T10:00", "2h", "--province"], "only a limit in working days"),
        (["2026-09-24T10:00", "1wd", "--province"], "leaves no working day"),
        (["9999-12-31T10:00", "1wd"], "outside the years"),
        (["0001-01-01", "1wd"], "outside the years"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_argument_exits_alike() -> None:
    assert run("2026-09-24T10:00").exit_code == 2


def test_an_unknown_option_exits_alike() -> None:
    result = run("2026-09-24T10:00", "1wd", "--jsno")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--jsno" in result.stderr


def test_an_unknown_city_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_CITY", "atlantis")
    result = run("2026-09-24T10:00", "3wd")
    assert result.exit_code == 2
    assert "atlantis" in result.stderr
    assert "no such file" in result.stderr


def test_a_malformed_calendar_names_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rulebook.toml").write_bytes((ROOT / "cities" / "zhengzhou" / "rulebook.toml").read_bytes())
    (tmp_path / "calendar.toml").write_text('version = "x"\ncolour = 1\n')
    monkeypatch.setenv("JIESU_CITIES", str(tmp_path.parent))
    monkeypatch.setenv("JIESU_CITY", tmp_path.name)
    result = run("2026-09-24T10:00", "3wd")
    assert result.exit_code == 2
    assert "calendar.toml: colour: unknown key" in result.stderr

"""`jiesu assets` from the command line, on a ledger of its own."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from ledger.migrate import upgrade

SHEET = "编号,类别,承办单位,地址\nZS-0017,设备,zz-water,八栋楼3号院\nSB-1,水表,zz-water,\n"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIESU_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    upgrade(f"sqlite:///{tmp_path / 'ledger.db'}")


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["assets", *words])
    return result.exit_code, result.output


def test_assets_go_in_change_and_come_out(ledger: None, tmp_path: Path) -> None:
    sheet, out = tmp_path / "assets.csv", tmp_path / "out.csv"
    sheet.write_text(SHEET, encoding="gb18030")
    assert run("import", str(sheet)) == (0, "2 assets; 1 of them in no grid\n")
    sheet.write_text(SHEET.replace("八栋楼3号院", "八栋楼4号院"), encoding="utf-8")
    assert run("import", str(sheet))[0] == 0
    assert run("export", str(out)) == (0, "")
    kept = out.read_text(encoding="utf-8-sig")
    assert kept.count("ZS-0017") == 1
    assert "八栋楼4号院" in kept
    assert run("export") == run("export", "-")
    assert "八栋楼4号院" in run("export")[1]


def test_an_asset_out_of_use_leaves_the_register(ledger: None, tmp_path: Path) -> None:
    sheet, out = tmp_path / "assets.csv", tmp_path / "out.csv"
    sheet.write_text(SHEET, encoding="utf-8")
    run("import", str(sheet))
    assert run("remove", "SB-1", "SB-9") == (0, "1 of 2 removed\n")
    run("export", str(out))
    kept = out.read_text(encoding="utf-8-sig")
    assert ("ZS-0017" in kept, "SB-1" in kept) == (True, False)


def test_a_sheet_with_a_mistake_registers_nothing(ledger: None, tmp_path: Path) -> None:
    sheet, out = tmp_path / "assets.csv", tmp_path / "out.csv"
    sheet.write_text(SHEET + "SB-2,水表,nobody,\n", encoding="utf-8")
    status, told = run("import", str(sheet))
    assert status == 1
    assert "assets.csv: line 4, 承办单位 (unit): 'nobody' is not a unit of this city" in told
    assert "1 mistake; nothing was registered" in told
    run("export", str(out))
    assert "ZS-0017" not in out.read_text(encoding="utf-8-sig")

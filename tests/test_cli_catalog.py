import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import app
from domain.city import load_city
from settings import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JIESU_CITY", "copied")
    monkeypatch.setenv("JIESU_CITIES", str(tmp_path))
    return shutil.copytree(ROOT / "cities" / "zhengzhou", tmp_path / "copied")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["catalog", *map(str, arguments)])


@pytest.mark.parametrize("areas", [(), ("--areas",)])
def test_exported_and_imported_the_catalog_is_as_it_was_to_the_byte(folder: Path, areas: tuple[str, ...]) -> None:
    catalog, sheet = folder / "catalog.toml", folder / "sheet.csv"
    before = catalog.read_bytes()
    assert run("export", sheet, *areas).exit_code == 0
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf")
    assert run("export", *areas).stdout_bytes == sheet.read_bytes()
    result = run("import", sheet, *areas)
    assert (result.exit_code, "0 added, 0 changed, 0 removed" in result.stdout) == (0, True)
    assert catalog.read_bytes() == before


def test_what_changed_in_excel_changes_in_the_file_alone(folder: Path) -> None:
    catalog, sheet = folder / "catalog.toml", folder / "sheet.csv"
    before = catalog.read_text(encoding="utf-8")
    run("export", sheet)
    lines = sheet.read_text(encoding="utf-8-sig").splitlines()
    gas = next(line for line in lines if line.startswith("gas,"))
    changed = gas.removesuffix(",,,,") + ",2wd,市政府通知,2027/1/1,"
    text = "\n".join([*lines, changed]).replace("路灯不亮", "路灯熄灭")
    sheet.write_bytes(text.encode("gb18030"))
    result = run("import", sheet)
    assert result.stdout.endswith("1 added, 1 changed, 0 removed\n")
    after = catalog.read_text(encoding="utf-8")
    assert after.startswith(before.split("[areas")[0])
    new = [line for line in after.splitlines() if line not in before.splitlines()]
    assert new == ['name = "路灯熄灭"', 'limit = "2wd"', 'limit_source = "市政府通知"', "valid_from = 2027-01-01"]
    assert len(load_city(folder).catalog.versions) == before.count("[[item]]") + 1


def test_a_file_that_an_editor_saved_with_a_byte_order_mark_keeps_its_head(folder: Path) -> None:
    catalog, sheet = folder / "catalog.toml", folder / "sheet.csv"
    before = catalog.read_text(encoding="utf-8")
    run("export", sheet)
    catalog.write_text(before.replace("路灯不亮", "路灯熄灭"), encoding="utf-8-sig")
    assert run("import", sheet).stdout.endswith("0 added, 1 changed, 0 removed\n")
    assert catalog.read_text(encoding="utf-8") == before


def test_a_sheet_with_mistakes_names_them_all_and_changes_nothing(folder: Path) -> None:
    catalog, sheet = folder / "catalog.toml", folder / "sheet.csv"
    before = catalog.read_bytes()
    run("export", sheet)
    text = sheet.read_text(encoding="utf-8-sig").replace("zz-gas", "zz-gsa").replace(",help,", ",helf,", 1)
    sheet.write_text(text, encoding="utf-8")
    result = run("import", sheet)
    assert result.exit_code == 1
    assert (
        "sheet.csv: line 2, 诉求类别 (category): 'helf' is not a category of this city; write the code" in result.stderr
    )
    assert result.stderr.count("主办单位 (lead): 'zz-gsa' is not a unit of this city; write the code") == 2
    assert result.stderr.endswith("3 mistakes; catalog.toml is as it was\n")
    assert catalog.read_bytes() == before


def test_a_table_of_areas_that_items_name_cannot_go(folder: Path) -> None:
    sheet = folder / "areas.csv"
    sheet.write_text("table,word,unit\ndistricts,金水区,zz-jinshui\n", encoding="utf-8")
    result = run("import", "--areas", sheet)
    assert result.exit_code == 2
    assert "lacks tables of areas that items name; change these first: guard-rail (streets)" in result.stderr


def test_check_ends_with_0_when_nothing_is_found_and_with_1_otherwise(folder: Path) -> None:
    assert (run("check").exit_code, run("check").stdout) == (0, "nothing found\n")
    units = folder / "units.toml"
    units.write_text(units.read_text(encoding="utf-8").replace("JIESU_ENDPOINT_GAS", "gas", 1), encoding="utf-8")
    result = run("check")
    assert (result.exit_code, "unit.2.endpoint" in result.stdout) == (1, True)
    assert result.stdout.endswith("\n1 finding\n")


def test_a_city_or_file_that_is_not_there_is_told_in_one_sentence(folder: Path) -> None:
    assert run("import", folder / "none.csv").exit_code == 2
    assert run("export", folder / "no" / "sheet.csv").stderr.endswith("sheet.csv': No such file or directory\n")
    shutil.rmtree(folder)
    for command in ("check", "export"):
        result = run(command)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert "there is no such file" in result.stderr

"""The catalog as sheets: what goes out comes back the same, and every mistake is told at once, where it is."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog_file import Areas, CatalogFile, Row, read_catalog_file, write_catalog_file
from domain.catalog_sheet import ADVICE, AREAS, ITEMS, read_areas, read_items, write_areas, write_items
from domain.city import load_city
from domain.sheet import BadSheet, Fault
from domain.tables import read_as

ZHENGZHOU = Path(__file__).parents[2] / "cities" / "zhengzhou"
CITY = load_city(ZHENGZHOU)
FILE = read_catalog_file(ZHENGZHOU / "catalog.toml")
RULES = CITY.rulebook
UNITS = ("water", "heat", "roads")
TABLES = ("streets",)
TITLES = ",".join(ITEMS.values())

LINE = st.characters(exclude_categories=["C", "Z"])
WORDS = st.text(st.sampled_from("水漏管Ａb9'\"-=+@"), min_size=2, max_size=5)
NAMES = st.text(st.one_of(LINE, st.sampled_from(',;"\n、；')), min_size=1, max_size=20).map(str.strip).filter(bool)
DAYS = st.dates(date(1990, 1, 1))


@st.composite
def rows(draw: st.DrawFn, code: str) -> Row:
    limited = draw(st.booleans())
    return Row.model_validate(
        {
            "code": code,
            "name": draw(NAMES),
            "category": draw(st.sampled_from(sorted(RULES.categories))),
            "keywords": draw(st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=4)),
            "lead": "water",
            "areas": draw(st.sampled_from([None, *TABLES])),
            "assisting": draw(st.lists(st.sampled_from(UNITS[1:]), unique=True)),
            "outage": draw(st.booleans()),
            "limit": f"{draw(st.integers(2, 99))}wd" if limited else None,
            "limit_source": draw(NAMES) if limited else None,
            "valid_from": draw(st.none() | DAYS),
        }
    )


CODES = st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True), unique=True, min_size=1, max_size=5)
FILES = CODES.flatmap(lambda codes: st.tuples(*map(rows, codes))).map(
    lambda found: CatalogFile(areas={"streets": {"大街": "water"}}, item=found)
)


@given(FILES)
def test_what_goes_out_comes_back_the_same(file: CatalogFile) -> None:
    sheet = write_items(file)
    assert read_items(sheet, TABLES, UNITS, RULES) == file.item
    assert write_items(CatalogFile(areas=file.areas, item=read_items(sheet, TABLES, UNITS, RULES))) == sheet


@given(st.dictionaries(NAMES, st.dictionaries(WORDS.map(str.casefold), st.sampled_from(UNITS), min_size=1), min_size=1))
def test_so_do_tables_of_areas(tables: Areas) -> None:
    areas = CatalogFile(areas=tables, item=FILE.item).areas
    assert read_areas(write_areas(areas), UNITS) == areas


@given(FILES)
def test_the_file_written_from_it_says_the_same(file: CatalogFile) -> None:
    path = Path("catalog.toml")
    text = write_catalog_file(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", lambda self, encoding: text)
        assert read_as(path, CatalogFile) == file


def test_the_citys_own_catalog_comes_back_the_same_and_is_written_as_it_stands() -> None:
    assert read_items(write_items(FILE), FILE.areas, CITY.units, RULES) == FILE.item
    assert read_areas(write_areas(FILE.areas), CITY.units) == FILE.areas
    assert (ZHENGZHOU / "catalog.toml").read_text(encoding="utf-8").endswith("\n\n" + write_catalog_file(FILE))


def read(*lines: str, encoding: str = "utf-8") -> tuple[Row, ...]:
    return read_items("\r\n".join(lines).encode(encoding), TABLES, UNITS, RULES)


LEAK = "leak,漏水,help,漏水；水管 漏,water"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize(
    "titles",
    ["服务代码,事项名称,诉求类别,关键词,主办单位", "code,name,category,keywords,lead"],
    ids=["Chinese", "English"],
)
def test_excel_may_write_it_in_either_encoding_under_either_title(encoding: str, titles: str) -> None:
    (row,) = read(titles, LEAK, ",,,,", "", encoding=encoding)
    assert (row.code, row.name, row.keywords, row.lead) == ("leak", "漏水", ("漏水", "水管 漏"), "water")


def test_columns_may_stand_in_any_order_and_empty_ones_after_the_last() -> None:
    (row,) = read("lead,keywords,name,category,code,,", "water,漏水, 漏水 ,help,leak,,")
    assert (row.code, row.name) == ("leak", "漏水")


@pytest.mark.parametrize("cell", ["2027-01-05", "2027/1/5", "2027.1.5", "2027年1月5日"])
def test_a_day_may_be_written_as_excel_does(cell: str) -> None:
    (row,) = read(TITLES, f"{LEAK},,,,,,{cell},")
    assert row.valid_from == date(2027, 1, 5)


@pytest.mark.parametrize(("cell", "outage"), [("是", True), ("TRUE", True), ("1", True), ("否", False), ("", False)])
def test_yes_and_no(cell: str, outage: bool) -> None:
    (row,) = read(TITLES, f"{LEAK},,,{cell},,,,")
    assert row.outage is outage


@pytest.mark.parametrize("between", ["；", ";", "、", "，"])
def test_between_words_of_a_list_stands_what_people_put_there(between: str) -> None:
    (row,) = read(TITLES, f'leak,漏水,help,"漏水{between} 水管 漏 {between}",water,,heat{between}roads')
    assert (row.keywords, row.assisting) == (("漏水", "水管 漏"), ("heat", "roads"))


def faults(*lines: str) -> list[Fault]:
    with pytest.raises(BadSheet) as caught:
        read(*lines)
    return caught.value.faults


def test_all_mistakes_are_told_at_once_each_with_line_column_and_what_to_do() -> None:
    found = faults(
        TITLES,
        "Leak!,漏水,help,漏水,water",
        'b,"两行\n名称",helf,漏水,wter,alleys,water；gas；heat；heat,也许,8h,通知,明天,2027-02-30',
        ",,help,水,water,,,,2wd",
        LEAK,
        LEAK,
    )
    # The name of the second row has a line of its own, so the rows after it stand one line further down.
    assert [(fault.line, fault.column) for fault in found] == [
        (2, "服务代码 (code)"),
        (3, "应急 (outage)"),
        (3, "有效至 (valid_until)"),
        (3, "生效日期 (valid_from)"),
        (5, "事项名称 (name)"),
        (5, "关键词 (keywords)"),
        (5, "服务代码 (code)"),
        (7, "服务代码 (code)"),
    ]
    assert all(any(advice in fault.problem for advice in ADVICE.values()) for fault in found)
    assert str(found[0]) == f"line 2, 服务代码 (code): 'Leak!' cannot be taken; {ADVICE['code']}"


@pytest.mark.parametrize(
    ("cells", "column", "problem"),
    [
        ("a,b,helf,漏水,water", "category", "'helf' is not a category"),
        ("a,b,help,漏水,wter", "lead", "'wter' is not a unit"),
        ("a,b,help,漏水,water,alleys", "areas", "'alleys' is not one of"),
        ("a,b,help,漏水,water,,gas", "assisting", "'gas' is not a unit"),
        ("a,b,help,漏水,water,,heat；heat", "assisting", "'heat' is named twice"),
        ("a,b,help,漏水,water,,,,8h,通知", "limit", "8h is not working days"),
        ("a,b,help,漏水,water,,,,eight,通知", "limit", "'eight' cannot be taken"),
        ("a,b,help,漏水,water,,,,2wd", "limit_source", "is missing"),
        ("a,b,help,漏水,water,,,,,,2027-02-01,2027-01-01", "valid_until", "is before valid_from"),
        ("a,b,help,漏水；水,water", "keywords", "'水' cannot be taken"),
        ("a,b,help,；,water", "keywords", "cannot be taken"),
        (f"a,{'长' * 61},help,漏水,water", "name", "cannot be taken"),
    ],
)
def test_a_mistake_names_its_column(cells: str, column: str, problem: str) -> None:
    (fault,) = faults(TITLES, cells)
    assert (fault.line, fault.column) == (2, f"{ITEMS[column]} ({column})")
    assert problem in fault.problem
    assert fault.problem.endswith(ADVICE[column])


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([], ["line 1: the sheet is empty"]),
        (["code,name"], ["line 1: columns are missing: add 诉求类别 (category), 关键词 (keywords), 主办单位 (lead)"]),
        (
            [f"{TITLES},备注,code"],
            ["line 1, code: stands there twice", "line 1, 备注: is not a column of this sheet: remove it"],
        ),
        ([TITLES], ["line 2: there is no item"]),
        (
            [TITLES, LEAK + "," * 8 + "x", LEAK],
            ["line 2: has more cells than the first row has columns (12)", "line 3, 服务代码 (code): 'leak' is given"],
        ),
        ([TITLES, LEAK, 'b,"open,help'], ["line 3: a quotation mark is open or out of place"]),
        ([TITLES, LEAK, f'b,"{"长" * 4_000_000}'], ["line 3: a cell has more than 131072 characters"]),
        ([TITLES, LEAK + "," * 8 + "," * 10_000_000 + "x"], ["line 2: has more cells than the first row has columns"]),
        (["a," * 5_000_000 + "a"], ["line 1: has 5000001 columns: keep 服务代码 (code), "]),
        ([TITLES.replace(",", ";"), LEAK.replace(",", ";")], ["line 1: semicolons stand between the cells"]),
        ([TITLES.replace(",", "\t")], ["line 1: tabs stand between the cells"]),
    ],
)
def test_what_is_no_such_table_says_why(lines: list[str], problems: list[str]) -> None:
    found = faults(*lines)
    assert len(found) == len(problems)
    for fault, problem in zip(found, problems, strict=True):
        assert str(fault).startswith(problem)


@pytest.mark.parametrize("name", ["=1+1", "@SUM(1)", "-2+3", "+2", "＝1", "'=1", "''=1"])
def test_excel_computes_nothing_of_it_and_it_comes_back_the_same(name: str) -> None:
    [kept] = read(TITLES, LEAK)
    row = kept.model_copy(update={"name": name})
    sheet = write_items(CatalogFile(areas={}, item=(row,)))
    assert f",'{name}," in sheet.decode("utf-8-sig")
    assert read_items(sheet, TABLES, UNITS, RULES) == (row,)


def test_line_ends_of_windows_and_cells_of_several_lines_leave_the_numbers_right() -> None:
    lines = [TITLES, 'leak,"漏\r\n水",help,漏水,nobody', "x"]
    with pytest.raises(BadSheet) as caught:
        read_items("\r\n".join(lines).encode(), TABLES, UNITS, RULES)
    assert {fault.line for fault in caught.value.faults} == {2, 4}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"PK\x03\x04...", "an Excel workbook"),
        ("服务代码".encode("utf-16"), "UTF-16"),
        (TITLES.encode("utf-8-sig") + b"\r\na,\xff\xff", "line 2: the text is neither UTF-8 nor GB18030"),
        (TITLES.encode() + b"\na\n\xff\xff", "line 3: the text is neither"),
    ],
)
def test_what_is_no_csv_says_how_to_save_it(data: bytes, problem: str) -> None:
    with pytest.raises(BadSheet) as caught:
        read_items(data, TABLES, UNITS, RULES)
    assert problem in str(caught.value)
    assert "CSV UTF-8" in str(caught.value)


def test_mistakes_in_tables_of_areas_are_told_at_once() -> None:
    sheet = ",".join(AREAS.values()) + "\nstreets,大街,wter\n,大街,water\nstreets,大 街,water\nstreets,街,\n"
    sheet += f"{'s' * 61},大街,water\n"
    with pytest.raises(BadSheet) as caught:
        read_areas(sheet.encode(), UNITS)
    assert [(fault.line, fault.column.split()[0]) for fault in caught.value.faults] == [
        (2, "主办单位"), (3, "属地分区"), (4, "地名"), (5, "主办单位"), (5, "地名"), (6, "属地分区"),
    ]  # fmt: skip


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_refused(data: bytes) -> None:
    with pytest.raises(BadSheet):
        read_items(data, TABLES, UNITS, RULES)

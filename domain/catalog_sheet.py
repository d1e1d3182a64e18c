"""The dispatch catalog as sheets for Excel: its items, and its tables of areas. Both come back as they went."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.catalog_file import Areas, CatalogFile, Row, row_faults
from domain.matching import plain
from domain.rulebook import Rulebook
from domain.sheet import BadSheet, Fault, Sheet, read_sheet, write_sheet

ITEMS = {
    "code": "服务代码",
    "name": "事项名称",
    "category": "诉求类别",
    "keywords": "关键词",
    "lead": "主办单位",
    "areas": "属地分区",
    "assisting": "协办单位",
    "outage": "应急",
    "limit": "办理时限",
    "limit_source": "时限依据",
    "valid_from": "生效日期",
    "valid_until": "有效至",
}
"""Columns of the sheet of items: field → title."""

AREAS = {"table": "属地分区", "word": "地名", "unit": "主办单位"}
"""Columns of the sheet of areas."""

NEEDED = ("code", "name", "category", "keywords", "lead")

ADVICE = {
    "code": "write small letters, digits and hyphens, at most 40, such as water-leak, once for each 生效日期",
    "name": "write what people call it, in at most 60 characters",
    "category": "write the code of a category of rulebook.toml, such as help",
    "keywords": "write words of 2 to 40 characters with ； between them, such as 护栏 缺失；隔离栏",
    "lead": "write the code of a unit of units.toml",
    "areas": "write the name of a table of the sheet of areas (`jiesu catalog export --areas`), or nothing",
    "assisting": "write codes of other units of units.toml with ； between them, at most 10, or nothing",
    "outage": "write 是 or 否",
    "limit": "write working days as 3wd, or nothing for the category's limit",
    "limit_source": "write which rule sets the limit, in at most 200 characters; nothing where there is no limit",
    "valid_from": "write the first day as 2027-01-01, or nothing for “from the beginning”",
    "valid_until": "write the last day as 2027-12-31, or nothing for “until the next version”",
    "table": "write a name such as districts, of at most 60 characters",
    "word": "write a word of an address, of 2 to 40 characters, once in each table",
    "unit": "write the code of a unit of units.toml",
}
"""What to do about a cell that is wrong."""

YES, NO = ("是", "yes", "true", "1", "y"), ("否", "no", "false", "0", "n", "")
BETWEEN = re.compile(r"[,，;；、\n]")
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


def write_items(file: CatalogFile) -> bytes:
    """The sheet of a catalog's items."""
    return write_sheet(ITEMS, (_cells(row) for row in file.item))


def write_areas(areas: Areas) -> bytes:
    """The sheet of a catalog's tables of areas."""
    rows = ((table, word, unit) for table, words in areas.items() for word, unit in words.items())
    return write_sheet(AREAS, (dict(zip(AREAS, row, strict=True)) for row in rows))


def read_items(data: bytes, areas: Collection[str], units: Collection[str], rules: Rulebook) -> tuple[Row, ...]:
    """Read a sheet of items. Raises BadSheet with everything that is wrong: line, column, what to do."""
    sheet = read_sheet(data, ITEMS, NEEDED)
    rows, faults = _rows(sheet)
    if not rows and not faults:
        faults.append(Fault(2, "", "there is no item: write one in each row below the titles"))
    for fault in row_faults([row for _, row in rows], areas, units, rules):
        faults.append(_fault(sheet, rows[fault.row][0], fault.field, fault.problem))
    if faults:
        raise BadSheet(faults)
    return tuple(row for _, row in rows)


def read_areas(data: bytes, units: Collection[str]) -> Areas:
    """Read a sheet of tables of areas. Raises BadSheet with everything that is wrong: line, column, what to do."""
    sheet = read_sheet(data, AREAS, tuple(AREAS))
    areas: Areas = {}
    faults = list(sheet.faults)
    for number, cells in sheet.lines:
        table, word, unit = cells.get("table", ""), plain(cells.get("word", "")), cells.get("unit", "")
        problems = {
            "table": _wrong_table(table),
            "word": _wrong_word(word, areas.get(table, {})),
            "unit": None if unit in units else f"'{unit}' is not a unit of this city",
        }
        faults += [_fault(sheet, number, field, problem) for field, problem in problems.items() if problem]
        areas.setdefault(table, {})[word] = unit
    if faults:
        raise BadSheet(faults)
    return areas


def _wrong_table(table: str) -> str | None:
    if len(table) > 60:
        return f"'{table[:40]}' has {len(table)} characters"
    return None if table else "is missing"


def _wrong_word(word: str, words: Mapping[str, str]) -> str | None:
    if not 2 <= len(word) <= 40:
        return f"'{word[:40]}' has {len(word)} characters"
    return f"'{word}' is in this table twice" if word in words else None


def _cells(row: Row) -> dict[str, str]:
    plain_row = row.model_dump(mode="json", exclude_none=True)
    lists = {name: "；".join(plain_row[name]) for name in ("keywords", "assisting")}
    return plain_row | lists | {"outage": "是" if row.outage else ""}


def _rows(sheet: Sheet) -> tuple[list[tuple[int, Row]], list[Fault]]:
    rows, faults = [], list(sheet.faults)
    for number, cells in sheet.lines:
        data, wrong = _values(cells)
        problems = {field: f"'{cells[field][:40]}' is not such a value" for field in wrong}
        try:
            row = Row.model_validate(data)
        except ValidationError as error:
            told = {str(fault["loc"][0]): _problem(fault) for fault in error.errors()}
            problems = told | problems
        else:
            rows += [(number, row)] * (not wrong)
        faults += [_fault(sheet, number, field, problem) for field, problem in problems.items()]
    return rows, faults


def _values(cells: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """What the cells say, by field; and the fields of those that do not say anything."""
    data: dict[str, Any] = {}
    wrong = []
    for field, cell in cells.items():
        try:
            if cell:
                data[field] = READ.get(field, str)(cell)
        except ValueError:
            wrong.append(field)
    return data, wrong


def _fault(sheet: Sheet, line: int, field: str, problem: str) -> Fault:
    names = AREAS if "table" in sheet.titles else ITEMS
    return Fault(line, sheet.title(field, names), f"{problem}; {ADVICE[field]}")


def _problem(fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return "is missing"
    given = fault["input"] if isinstance(fault["input"], str) else ""
    return f"'{given[:40]}' cannot be taken" if given else "cannot be taken"


def _list(cell: str) -> list[str]:
    return [part for part in (part.strip() for part in BETWEEN.split(cell)) if part]


def _yes(cell: str) -> bool:
    if cell.casefold() not in YES + NO:
        raise ValueError(cell)
    return cell.casefold() in YES


def _day(cell: str) -> date:
    match = DAY.fullmatch(cell)
    if match is None:
        raise ValueError(cell)
    return date(*map(int, match.groups()))


READ: dict[str, Callable[[str], Any]] = {
    "keywords": _list,
    "assisting": _list,
    "outage": _yes,
    "valid_from": _day,
    "valid_until": _day,
}
"""How cells are read that are not plain text."""

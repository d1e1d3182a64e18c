"""Tables as people exchange them from Excel: CSV in UTF-8 or GB18030, the first row naming the columns."""

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

ENCODINGS = ("utf-8", "gb18030")
"""What Excel writes: "CSV UTF-8" begins with a byte order mark, plain "CSV" on a Chinese Windows is GB18030."""

SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


COMPUTED = re.compile(r"'*[=+@＝＋－＠-]")
"""How a cell begins that Excel would compute, or that was written with a ' in front so that it does not."""

SEPARATORS = {";": "semicolons", "\t": "tabs"}
"""What stands between cells where Excel speaks another language, or saves as text."""


MOST_COLUMNS = 100


class Fault(NamedTuple):
    """What is wrong at one place of a sheet, and what to do about it."""

    line: int
    """Counted from 1, as an editor does: a cell of several lines takes several."""
    column: str
    """What the sheet itself calls the column; empty where the whole line is meant."""
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}{f', {self.column}' if self.column else ''}: {self.problem}"


class BadSheet(Exception):
    """A sheet that cannot be taken; `faults` are all that were found, by line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__("; ".join(map(str, self.faults)))


class Line(NamedTuple):
    """One row of a sheet: where it begins, and its cells by the field they stand for, without blanks around them."""

    number: int
    cells: dict[str, str]


class Sheet(NamedTuple):
    """The rows of a sheet, what it calls its columns, by field, and what is wrong with rows as such."""

    lines: list[Line]
    titles: dict[str, str]
    faults: list[Fault]

    def title(self, field: str, names: Mapping[str, str]) -> str:
        """How to name a field's column to people: as the sheet does, else as `names` does."""
        return self.titles.get(field, names.get(field, field))


def write_sheet(names: Mapping[str, str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """Rows of cells by field, under the titles of `names`, as Excel opens them; what it would compute gets a '."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names.values())
    writer.writerows([_uncomputed(row.get(field, "")) for field in names] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def read_sheet(data: bytes, names: Mapping[str, str], needed: Sequence[str]) -> Sheet:
    """Read a sheet whose columns are titled by field or by its name in `names`, in any order; empty rows are skipped.

    `needed` are the fields that must have a column. Raises BadSheet when the table as such cannot be read.
    """
    records = list(_records(decode(data)))
    if not records:
        raise BadSheet([Fault(1, "", f"the sheet is empty: its first row names the columns, {_list(names, needed)}")])
    (first, header), *rows = records
    titles = [cell.strip() for cell in header]
    while titles and not titles[-1]:
        titles.pop()
    fields = _fields(first, titles, names, needed)
    wide = [Fault(n, "", _too_wide(len(titles))) for n, row in rows if any(cell.strip() for cell in row[len(titles) :])]
    lines = [Line(n, {f: _read(cell) for f, cell in zip(fields, row, strict=False)}) for n, row in rows]
    return Sheet(
        [line for line in lines if any(line.cells.values())],
        {field: title if title == field else f"{title} ({field})" for field, title in zip(fields, titles, strict=True)},
        wide,
    )


def decode(data: bytes) -> str:
    """The text of a sheet. Raises BadSheet for a workbook, and for what is neither UTF-8 nor GB18030."""
    for signature, what in SIGNATURES.items():
        if data.startswith(signature):
            raise BadSheet([Fault(1, "", f"this is {what}: in Excel, save it as “CSV UTF-8 (逗号分隔)”")])
    marked, text = data.startswith(BOM_UTF8), data.removeprefix(BOM_UTF8)
    read = 0
    for encoding in ENCODINGS[:1] if marked else ENCODINGS:
        try:
            return text.decode(encoding)
        except UnicodeDecodeError as error:
            read = max(read, error.start)
    line = text.count(b"\n", 0, read) + 1
    raise BadSheet([Fault(line, "", "the text is neither UTF-8 nor GB18030: in Excel, save it as “CSV UTF-8”")])


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for record in reader:
            yield begins, record
            begins = reader.line_num + 1
    except csv.Error as error:
        problem = "a quotation mark is open or out of place: quote a whole cell, and double the marks within it"
        if "field limit" in str(error):
            problem = f"a cell has more than {csv.field_size_limit()} characters: is a quotation mark left open?"
        raise BadSheet([Fault(begins, "", problem)]) from None


def _fields(line: int, titles: list[str], names: Mapping[str, str], needed: Sequence[str]) -> list[str]:
    for separator, what in SEPARATORS.items():
        if len(titles) == 1 and separator in titles[0]:
            raise BadSheet([Fault(line, "", f"{what} stand between the cells: save it with commas between them")])
    if len(titles) > MOST_COLUMNS:
        raise BadSheet([Fault(line, "", f"has {len(titles)} columns: keep {_list(names)}")])
    known = {title: field for field, name in names.items() for title in (field, name)}
    fields = [known.get(title, "") for title in titles]
    faults = [
        Fault(line, title[:40] or f"column {n}", f"is not a column of this sheet: remove it, or call it {_list(names)}")
        for n, (title, field) in enumerate(zip(titles, fields, strict=True), 1)
        if not field
    ]
    faults += [
        Fault(line, title, "stands there twice: keep one of the two")
        for n, (title, field) in enumerate(zip(titles, fields, strict=True))
        if field and field in fields[:n]
    ]
    if missing := [field for field in needed if field not in fields]:
        faults.append(Fault(line, "", f"columns are missing: add {_list(names, missing)}"))
    if faults:
        raise BadSheet(faults)
    return fields


def _uncomputed(cell: str) -> str:
    return f"'{cell}" if COMPUTED.match(cell) else cell


def _read(cell: str) -> str:
    told = cell.strip()
    return told[1:] if told.startswith("'") and COMPUTED.match(told) else told


def _list(names: Mapping[str, str], fields: Iterable[str] | None = None) -> str:
    return ", ".join(f"{names[field]} ({field})" for field in fields or names)


def _too_wide(columns: int) -> str:
    return f"has more cells than the first row has columns ({columns}): remove them, or quote a cell with a comma in it"

"""Tables that people open in Excel: CSV and XLSX in and out, Chinese intact, and no cell that a spreadsheet would run.

CSV is UTF-8 with a byte order mark (without it Excel takes Chinese for something else). A text that begins like a
formula gets an apostrophe before it, which reading takes away again: what was written comes back exactly.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from videolib.errors import InvalidInput

FORMS = ("csv", "xlsx")
MAX_ROWS = 100_000
# of a sheet that is read whole: a file of one megabyte can say a gigabyte
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_CELL_CHARACTERS = 32_767  # Excel's own limit
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # Excel takes the wide ones too


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], form: str) -> bytes:
    """The rows under a line with the columns' names. Raises `InvalidInput` for a text too long for a cell."""
    return _write_csv(columns, rows) if form == "csv" else _write_xlsx(columns, rows)


def read_table(content: bytes, form: str, name: str) -> list[tuple[int, dict[str, str]]]:
    """Each row with its number in the sheet (the first after the names is 2); empty cells and rows are left out.

    Raises `InvalidInput` where that is no table.
    """
    lines = _csv_lines(content, name) if form == "csv" else _xlsx_lines(content, name)
    columns: list[str] | None = None
    rows: list[tuple[int, dict[str, str]]] = []
    for number, cells in lines:
        if not any(cells):
            continue
        if columns is None:
            columns = [_unguarded(cell.strip()) for cell in cells]
            if twice := {column for column in columns if column and columns.count(column) > 1}:
                raise _unreadable(f"{name} has two columns of the name {sorted(twice)[0]}.")
            continue
        filled = zip(columns, cells, strict=False)
        rows.append((number, {column: _unguarded(cell) for column, cell in filled if column and cell}))
        if len(rows) > MAX_ROWS:
            raise InvalidInput(f"{name} has more than {MAX_ROWS} rows; split it.", code="table_too_large")
    if columns is None:
        raise _unreadable(f"{name} holds no table: its first line names the columns.")
    return rows


def _write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_guarded(column) for column in columns])
    writer.writerows([_guarded(row.get(column)) for column in columns] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def _write_xlsx(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - half a second that only spreadsheets need
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("videolib")
    sheet.freeze_panes = "A2"
    head = [WriteOnlyCell(sheet) for _column in columns]
    for cell, column in zip(head, columns, strict=True):
        _set_cell(cell, column, column)
        cell.font = Font(bold=True)
    sheet.append(head)
    for row in rows:
        cells = []
        for column in columns:
            cell = WriteOnlyCell(sheet)
            _set_cell(cell, row.get(column), column)
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _set_cell(cell: Any, value: Any, column: str) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    if isinstance(value, int | float) and not isinstance(value, bool):
        cell.value = value
        return
    text = ILLEGAL_CHARACTERS_RE.sub("", str(_guarded(value)))
    if len(text) > MAX_CELL_CHARACTERS:
        raise InvalidInput(
            f"A text in {column} is too long for a spreadsheet; take the export as JSON.", code="cell_too_long"
        )
    cell.value = text
    cell.data_type = "s"  # a text, whatever it begins with


def _guarded(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def _csv_lines(content: bytes, name: str) -> Iterable[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")  # as Excel saves it in China
    if "\x00" in text:
        raise _unreadable(f"{name} is no CSV file.")
    first = text.partition("\n")[0]
    # where a comma is the decimal point Excel separates by semicolons
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        yield from enumerate(reader, start=1)
    except csv.Error as error:
        raise _unreadable(f"{name} is no CSV file.") from error


def _xlsx_lines(content: bytes, name: str) -> Iterable[tuple[int, list[str]]]:
    from openpyxl import load_workbook  # noqa: PLC0415

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise InvalidInput(f"{name} is too large when unpacked; split it.", code="table_too_large")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, [_cell_text(cell) for cell in cells]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, IndexError, AttributeError, TypeError) as error:
        raise _unreadable(f"{name} is no Excel file (.xlsx).") from error


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time().isoformat() == "00:00:00" else value.isoformat()
    return str(value)


def _unreadable(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, code="table_unreadable")

"""Tables that leave the site as files, CSV and XLSX: what a person typed stays text, and no cell becomes a formula.

Numbers (int, float, Decimal) and dates keep their type; every other value is text, codes too: pass a code as str.
Every export of the project writes its rows through this module.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import IO, Any

from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from gis.errors import JingtianError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_ROWS, XLSX_TEXT = 1_048_576, 32_767
"""What one sheet, and one cell, can hold."""
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML, and with it XLSX, cannot hold."""
FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")
"""How a text begins that a spreadsheet may take for a formula or a command, the full-width forms included."""

Row = Sequence[Any]


class TooManyRows(JingtianError):
    """More rows than a sheet can hold."""

    code = "too_large"


def safe_cell(text: str) -> str:
    """The text as a CSV cell that no spreadsheet runs: an apostrophe stands before what looks like a formula.

    `plain_cell` gives the text back exactly.
    """
    return f"'{text}" if FORMULA.match(text) else text


def plain_cell(cell: str) -> str:
    """The text of a cell that `safe_cell` wrote; any other text is returned as it is. For whoever reads our CSV back."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def write_csv(header: Row, rows: Iterable[Row], *, bom: bool = True) -> Iterator[str]:
    """The lines of a CSV, as they are asked for. Text is quoted, numbers are not; the BOM tells Excel that it is UTF-8."""
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_NONNUMERIC)
    yield "\ufeff" if bom else ""
    for row in _with_header(header, rows):
        writer.writerow([_in_csv(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def write_xlsx(file: IO[bytes], header: Row, rows: Iterable[Row], *, sheet: str = "") -> None:
    """Write a workbook of one sheet, its first line in bold and fixed. Text cells have the text format, so editing one keeps it text."""
    book = Workbook(write_only=True)
    page = book.create_sheet(re.sub(r"[\[\]:*?/\\']", " ", CONTROLS.sub("", sheet))[:31].strip() or None)
    page.freeze_panes = "A2"
    for number, title in enumerate(header, 1):
        # A Chinese character is as wide as two digits.
        width = sum(1 + (ord(letter) > 0x2E80) for letter in str(title))
        page.column_dimensions[get_column_letter(number)].width = min(max(width + 2, 12), 60)
    for number, row in enumerate(_with_header(header, rows)):
        if number == XLSX_ROWS:
            page.close()
            raise TooManyRows(
                f"XLSX 最多 {XLSX_ROWS - 1:,} 行; 请缩小筛选范围, 或导出 CSV。",
                f"An XLSX sheet holds {XLSX_ROWS - 1:,} rows at most: narrow the filter, or export CSV.",
            )
        page.append([_in_xlsx(page, value, heading=number == 0) for value in row])
    book.save(file)


def csv_response(filename: str, header: Row, rows: Iterable[Row], *, bom: bool = True) -> StreamingHttpResponse:
    """A download of a CSV, sent while it is written: `rows` may be a QuerySet's iterator of any length."""
    answer = StreamingHttpResponse(write_csv(header, rows, bom=bom), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(True, filename)
    answer["Cache-Control"] = "private, no-store"
    return answer


def xlsx_response(filename: str, header: Row, rows: Iterable[Row], *, sheet: str = "") -> FileResponse:
    """A download of an XLSX. TooManyRows is raised before anything is sent."""
    file = io.BytesIO()
    write_xlsx(file, header, rows, sheet=sheet)
    file.seek(0)
    answer = FileResponse(file, as_attachment=True, filename=filename, content_type=XLSX)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _with_header(header: Row, rows: Iterable[Row]) -> Iterator[Row]:
    yield [str(title) for title in header]
    yield from rows


def _value(value: Any) -> Any:
    """The value with a type that both formats know: None, a number, a date, or text; times are local, as on the pages."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, dt.datetime):
        return timezone.make_naive(value) if timezone.is_aware(value) else value
    return value if isinstance(value, dt.date) else CONTROLS.sub("", str(value))


def _in_csv(value: Any) -> Any:
    value = _value(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds")
    return safe_cell(str(value)) if isinstance(value, str | dt.date) else value


def _in_xlsx(page: Any, value: Any, *, heading: bool) -> WriteOnlyCell:
    value = _value(value)
    if isinstance(value, int) and abs(value) >= 10**15:
        value = str(value)  # a spreadsheet keeps 15 digits of a number
    cell = WriteOnlyCell(page, value[:XLSX_TEXT] if isinstance(value, str) else value)
    if isinstance(value, str):
        # openpyxl makes a formula of what begins with "=", and an error of "#N/A"
        cell.data_type = "s"
        cell.number_format = "@"
    elif isinstance(value, dt.date):
        cell.number_format = "yyyy-mm-dd hh:mm:ss" if isinstance(value, dt.datetime) else "yyyy-mm-dd"
    if heading:
        cell.font = Font(bold=True)
    return cell

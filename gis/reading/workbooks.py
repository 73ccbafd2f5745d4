"""XLSX through openpyxl, after a look at what the zip holds: values only, never formulas, links or macros."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import openpyxl

from gis.reading.contents import check_count, choose_layer
from gis.reading.gdal_files import bomb, broken, safe_members
from gis.reading.limits import MEBI, Limits
from gis.reading.refusals import UnsafeXml
from gis.reading.tables import Cell, Sheet, headings, no_rows, trimmed

ZEROS = re.compile(r"0{2,}")
DOCTYPES = tuple("<!DOCTYPE".encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be"))


def is_workbook(path: Path) -> bool:
    """Whether a zip is an XLSX."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def read_workbook(path: Path, limits: Limits, sheet: str | None) -> Sheet:
    """The sheet named, or the only one that has anything in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(archive, limits)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are left out
            # Opened by us: openpyxl refuses names that do not end in .xlsx.
            book = openpyxl.load_workbook(path.open("rb"), read_only=True, data_only=True, keep_links=False)
        pages = {page.title: page for page in book.worksheets}
        used = [title for title, page in pages.items() if next(page.iter_rows(max_row=1), None)] or list(pages)
        page = pages[
            choose_layer(sheet, used, "数据工作表 / ", "data (sheet)") if len(pages) > 1 else next(iter(pages))
        ]
        page.reset_dimensions()  # what the file says of its size may be wrong
        return _sheet(page, limits)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, SyntaxError, EOFError, OSError,
            IndexError, StopIteration, NotImplementedError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]  # fmt: skip
        raise broken("XLSX", error) from None


def _check_parts(archive: zipfile.ZipFile, limits: Limits) -> None:
    """No part may declare entities, nor all of them unpack to more than the limit."""
    left = limits.unzipped_bytes
    for member in safe_members(archive, limits):
        with archive.open(member) as part:
            head = part.read(MEBI)
            if any(mark in head for mark in DOCTYPES):
                raise UnsafeXml(
                    "工作簿中的 XML 含有 DOCTYPE 声明，正常的 Excel 文件没有。请在 Excel 中另存为新的 .xlsx。",
                    "XML in the workbook has a DOCTYPE, which no workbook of Excel has. Save it as a new .xlsx.",
                )
            left -= len(head)
            while block := part.read(MEBI):
                left -= len(block)
                if left < 0:
                    raise bomb()


def _sheet(page: Any, limits: Limits) -> Sheet:
    columns: list[str] = []
    notes: list[dict[str, str]] = []
    rows: list[list[Cell]] = []
    lines: list[int] = []
    for line, cells in enumerate(page.iter_rows(), start=1):
        row = trimmed([_value(cell) for cell in cells])
        check_count(len(row), limits.columns, "列", "columns")
        if row and not columns:
            columns, notes = headings(row)
        elif row:
            check_count(len(rows) + 1, limits.features, "行", "rows")
            rows.append(row)
            lines.append(line)
    if not rows:
        raise no_rows()
    return Sheet(columns, rows, lines, "xlsx", notes)


def _value(cell: Any) -> Cell:
    """As the sheet shows it where that matters: a number with the format 0000 has its zeros."""
    value = cell.value
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return str(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        zeros = cell.number_format or ""
        if ZEROS.fullmatch(zeros) and value == int(value) and value >= 0:
            return f"{int(value):0{len(zeros)}}"
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value).strip()

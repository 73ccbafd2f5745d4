"""Tables as text: UTF-8, GB18030 or UTF-16, whatever separates the cells."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from gis.reading.contents import check_count, note
from gis.reading.encodings import GB18030, choose_encoding
from gis.reading.limits import Limits
from gis.reading.refusals import BrokenFile, NotATable, TooLarge
from gis.reading.tables import Cell, Sheet, headings, no_rows, trimmed

SEPARATORS = ",\t;|，；"
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_csv(path: Path, limits: Limits, encoding: str | None) -> Sheet:
    """The table; the separator is the one that the first line has most of."""
    text, notes = _text(path.read_bytes(), encoding)
    first, rest = text.partition("\n")[::2]
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        separator, text, skipped = first.strip()[4], rest, 1  # Excel's own way to say it
    else:
        separator, skipped = _separator(text), 0
    csv.field_size_limit(limits.text_length)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns: list[str] = []
    rows: list[list[Cell]] = []
    lines: list[int] = []
    line = 1 + skipped
    try:
        for cells in reader:
            row = trimmed([cell.strip() for cell in cells])
            if row and not columns:
                check_count(len(row), limits.columns, "列", "columns")
                columns, renamed = headings(row)
                notes += renamed
            elif row:
                check_count(len(rows) + 1, limits.features, "行", "rows")
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1 + skipped
    except csv.Error as error:
        if "field larger" not in str(error):
            raise _broken(line, error) from None
        raise TooLarge(
            f"第 {line:,} 行有一格超过 {limits.text_length:,} 个字，或引号没有成对。请改正该行后重新导入。",
            f"Line {line:,} has a cell of more than {limits.text_length:,} characters, or a quote that does not end. "
            "Correct that line.",
        ) from None
    if not rows:
        raise no_rows()
    return Sheet(columns, rows, lines, "csv", notes)


def _text(raw: bytes, declared: str | None) -> tuple[str, list[dict[str, str]]]:
    if raw.startswith(UTF16) and declared is None:
        try:
            return raw.decode("utf-16"), []
        except UnicodeDecodeError as error:
            raise _broken(1, error) from None
    if b"\0" in raw:
        raise NotATable(
            "文件不是文字表格（含有零字节）。请提供 CSV、XLSX、GeoJSON、GeoPackage 或 zip 压缩的 Shapefile。",
            "The file is no table of text (it has NUL bytes). Provide CSV, XLSX, GeoJSON, GeoPackage or a zipped Shapefile.",
        )
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if raw.lstrip()[:1] == b"<":
        raise NotATable(
            "文件是网页或 XML，不是表格。请从原系统导出 CSV 或 XLSX。",
            "The file is a web page or XML, not a table. Export CSV or XLSX from where it came from.",
        )
    encoding = choose_encoding(raw.split(b"\n"), declared)
    notes = [note("文字按 GBK 读取。", "Text was read as GBK.")] if encoding == GB18030 else []
    return raw.decode(encoding), notes


def _separator(text: str) -> str:
    """That of which the first line that is not empty has most, outside quotes."""
    line = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    outside = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def _broken(line: int, error: object) -> BrokenFile:
    return BrokenFile(
        f"第 {line:,} 行不是有效的 CSV（{str(error)[:100]}）。请重新导出。",
        f"Line {line:,} is not valid CSV ({str(error)[:100]}). Export it again.",
    )

"""Exported tables: text stays text in CSV and XLSX, whatever it looks like."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from layers import tables
from layers.tables import TooManyRows, csv_response, plain_cell, safe_cell, write_csv, write_xlsx, xlsx_response
from tests.evil import EVIL, FORMULAS, storable

HEADER = ("编码", "名称", "=户数")


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def sheet_of(rows: list[tuple[object, ...]]) -> io.BytesIO:
    file = io.BytesIO()
    write_xlsx(file, HEADER, rows, sheet="网格")
    return file


@pytest.mark.parametrize("text", EVIL)
def test_no_csv_cell_begins_like_a_formula(text: str):
    rows = read_csv("".join(write_csv(HEADER, [(text, text, 1)])))
    assert rows[0] == ["编码", "名称", "'=户数"]
    for cell in rows[1][:2]:
        assert cell.lstrip()[:1] not in set("=+-@＝＋－＠\t\r") and cell[:1] not in set("\t\r\n")
        assert plain_cell(cell) == storable(text)


@pytest.mark.parametrize("text", FORMULAS)
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str):
    assert safe_cell(text) == "'" + text


@given(st.text())
def test_plain_cell_is_the_inverse_of_safe_cell(text: str):
    assert plain_cell(safe_cell(text)) == text


def test_numbers_and_dates_are_no_text():
    row = (-1, -1.5, Decimal("-2.5"), dt.date(2026, 3, 1), None, float("nan"), True)
    assert "".join(write_csv(HEADER, [row], bom=False)).splitlines()[1] == '-1,-1.5,-2.5,"2026-03-01","","","true"'
    cells = next(load_workbook(sheet_of([row])).active.iter_rows(min_row=2))
    assert [cell.value for cell in cells] == [-1, -1.5, -2.5, dt.datetime(2026, 3, 1), None, None, "true"]
    assert [cell.data_type for cell in cells[:4]] == ["n", "n", "n", "d"]


def test_times_are_local_as_on_the_pages():
    noon = dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC)
    assert '"2026-03-01 12:00:00"' in "".join(write_csv(HEADER, [(noon,)]))
    assert load_workbook(sheet_of([(noon,)])).active["A2"].value == dt.datetime(2026, 3, 1, 12)


@pytest.mark.parametrize("text", EVIL)
def test_an_xlsx_cell_of_text_is_text(text: str):
    file = sheet_of([(text, text, 1)])
    cell = load_workbook(file).active["A2"]
    assert (cell.data_type, cell.number_format) == ("s", "@")
    # XML has one line end
    assert cell.value.replace("\r", "\n") == storable(text).replace("\r", "\n")
    assert "<f>" not in zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()


def test_codes_keep_their_digits():
    file = sheet_of([("007", 429005001001002, "429005001001002")])
    assert [cell.value for cell in load_workbook(file).active[2]] == ["007", 429005001001002, "429005001001002"]
    assert load_workbook(sheet_of([(2**63,)])).active["A2"].value == str(2**63)


def test_a_csv_download_is_sent_while_it_is_written():
    asked = []

    def rows():
        for number in range(3):
            asked.append(number)
            yield (str(number), "名称", number)

    answer = csv_response("网格 2026.csv", HEADER, rows())
    parts = iter(answer.streaming_content)
    assert next(parts) == b"\xef\xbb\xbf" and asked == []
    next(parts)
    next(parts)
    assert asked == [0]
    assert answer["Content-Type"] == "text/csv; charset=utf-8" and "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert next(iter(csv_response("x.csv", HEADER, [], bom=False).streaming_content)) == b""


def test_an_xlsx_download():
    answer = xlsx_response("网格.xlsx", HEADER, [("001", "一号", 3)], sheet="a/b[c]:*?" + "长" * 40)
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    assert [cell.value for cell in book.active[1]] == list(HEADER) and book.active["A1"].font.b
    assert [cell.value for cell in book.active[2]] == ["001", "一号", 3]
    assert answer["Content-Type"] == tables.XLSX and "attachment" in answer["Content-Disposition"]


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "XLSX_ROWS", 3)
    xlsx_response("x.xlsx", HEADER, [("1",)] * 2)
    with pytest.raises(TooManyRows, match="CSV"):
        xlsx_response("x.xlsx", HEADER, [("1",)] * 3)

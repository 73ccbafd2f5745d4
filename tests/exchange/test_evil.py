"""Files that want to do harm, or are merely broken: a bounded refusal in two languages, or text that stays text."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from gis.reading import Limits, read_sheet
from gis.reading.refusals import FileRefused
from layers.facilities.models import Outlet
from layers.orgs.models import Institution
from tests.evil import EVIL, storable
from tests.exchange.test_import_points import HEADER, bank, place, refused, row, run, table  # noqa: F401

CONTENT = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    book = Workbook(write_only=True)
    page = book.create_sheet()
    for cells in rows:
        page.append(cells)
    book.save(path)
    return path


def rewritten(path: Path, name: str, change: Any) -> Path:
    """The workbook with one part changed."""
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            parts[member] = archive.read(member)
    parts[name] = change(parts[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in parts.items():
            archive.writestr(member, content)
    return path


def refusal(path: Path, **options: Any) -> str:
    """The code of the refusal; it comes soon, and says what to do in both languages."""
    began = time.monotonic()
    with pytest.raises(FileRefused) as error:
        read_sheet(path, **options)
    assert time.monotonic() - began < 30
    assert error.value.zh and error.value.en and error.value.zh != error.value.en
    return error.value.code


def billion_laughs(sheet: bytes) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>'
    return sheet.replace(b"<worksheet", head.encode() + b"<worksheet").replace(b"<sheetData>", b"<sheetData>&l9;")


def test_a_billion_laughs(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", [["name"], ["x"]])
    assert refusal(rewritten(book, "xl/worksheets/sheet1.xml", billion_laughs)) == "unsafe_xml"


def test_an_external_entity(tmp_path: Path) -> None:
    def change(sheet: bytes) -> bytes:
        return sheet.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><worksheet')

    assert (
        refusal(rewritten(workbook(tmp_path / "a.xlsx", [["a"], ["b"]]), "xl/worksheets/sheet1.xml", change))
        == "unsafe_xml"
    )


def test_a_zip_bomb(tmp_path: Path) -> None:
    book = rewritten(
        workbook(tmp_path / "a.xlsx", [["a"], ["b"]]), "xl/worksheets/sheet1.xml", lambda _: b" " * 400_000_000
    )
    assert refusal(book) == "zip_bomb"
    limits = Limits(zip_ratio=100_000, unzipped_bytes=50_000_000)
    assert refusal(book, limits=limits) == "zip_bomb"


def test_a_million_columns(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(",".join(f"c{n}" for n in range(1_000_000)) + "\n1\n")
    assert refusal(file) == "too_large"
    assert refusal(workbook(tmp_path / "a.xlsx", [[f"c{n}" for n in range(16_384)], [1]])) == "too_large"


def test_a_million_rows(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name,lon,lat\n" + "a,113,30\n" * 1_000_000)
    assert refusal(file) == "too_large"


def test_a_cell_that_does_not_end(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('name,lon\n"' + "x" * 100_000)
    assert refusal(file) == "too_large"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_a_table"),
        (b"\xef\xbb\xbf", "not_a_table"),
        (b"a,b\n", "not_a_table"),
        (b"\n\n \n", "not_a_table"),
        (b"a,b\n1,\x002\n", "not_a_table"),
        (b"<html><body>", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "not_a_table"),
        (b"PK\x03\x04 and no zip", "broken_file"),
        (b"SQLite format 3\0 and no database", "broken_file"),
        (b'{"type":"FeatureCollection"', "broken_file"),
        (b'{"type":"Topology"}', "unknown_format"),
        ("名称\n潜江\n".encode() + "行\n".encode("gb18030"), "mixed_encodings"),
        (b"name\n\xff\xff\xff\n", "undecodable_text"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_what_is_no_table(tmp_path: Path, content: bytes, code: str, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(content)
    assert refusal(file) == code


def test_the_extension_says_nothing(tmp_path: Path) -> None:
    book = workbook(tmp_path / "really.csv", [["name"], ["x"]])
    assert (read_sheet(book).format, read_sheet(book).rows) == ("xlsx", [["x"]])
    text = tmp_path / "really.xlsx"
    text.write_text("name\nx\n")
    assert read_sheet(text).format == "csv"


def test_a_workbook_that_lies_about_its_parts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", CONTENT)
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert refusal(tmp_path / "a.xlsx") == "broken_file"
    book = rewritten(
        workbook(tmp_path / "b.xlsx", [["name"], ["x"]]), "xl/worksheets/sheet1.xml", lambda s: s[: len(s) // 2]
    )
    assert refusal(book) == "broken_file"


def test_too_little_memory_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("name,text\n" + "".join(f"{n},{'x' * 300}\n" for n in range(150_000)))
    assert refusal(file, limits=Limits(memory_bytes=420 * 2**20)) in {"needs_too_much_memory", "reader_crashed"}


def test_headings_that_repeat_or_are_missing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\ufeffsep=;\nname;name;;\u202eeman\n1;2;3;4\n", encoding="utf-8")
    sheet = read_sheet(file)
    assert sheet.columns == ["name", "name (2)", "#3", "eman"] and sheet.lines == [3]
    assert "name (2)" in sheet.notes[0]["zh"]


def test_utf16_as_excel_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("编码\t名称\n007\t潜江\n".encode("utf-16"))
    assert read_sheet(file).rows == [["007", "潜江"]]


def test_a_formula_gives_its_value_never_itself(tmp_path: Path) -> None:
    sheet = read_sheet(
        workbook(tmp_path / "a.xlsx", [["name", "x"], ["=1+1", "kept"], ['=HYPERLINK("http://192.0.2.1")', "kept"]])
    )
    assert sheet.rows == [[None, "kept"], [None, "kept"]]


def test_every_evil_text_stays_text(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    book = Workbook(write_only=True)
    page = book.create_sheet()
    page.append(HEADER.split(","))
    texts = [text for text in EVIL if len(text) < 100]
    for n, text in enumerate(texts):
        from openpyxl.cell import WriteOnlyCell

        cell = WriteOnlyCell(page, storable(text))
        cell.data_type = "s"
        page.append([f"{n:04}", cell, "营业网点", *place(n)])
    book.save(tmp_path / "a.xlsx")
    answer = run(tmp_path / "a.xlsx", skip_rejected=True)
    assert answer["rejected"] == []
    for outlet, text in zip(Outlet.objects.order_by("code"), texts, strict=True):
        assert outlet.name.split() == storable(text).replace("\u202e", "").replace("\u202c", "").split()


def test_control_characters_and_marks_of_direction_go(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    run(table(tmp_path, row(0, code="\u202a0001\u202c", name="\ufeff网\u200b点\u202e")))
    assert Outlet.objects.values_list("code", "name").get() == ("0001", "网点")


def test_numbers_that_are_none(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    rows = [
        row(n, lon=bad) for n, bad in enumerate(["nan", "inf", "-Infinity", "1e400", "1_1", "", "0x10", "１１３度"])
    ]
    _, report = refused(table(tmp_path, *rows))
    assert {entry["line"] for entry in report["rejected"]} == set(range(2, 10))
    features = [{"type": "Feature", "properties": {"code": f"{n}", "name": "a", "kind": "staffed"},
        "geometry": {"type": "Point", "coordinates": xy}} for n, xy in enumerate([[float("nan"), 30], [1e400, 30], [True, 30], [10**400, 1]])]  # fmt: skip
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    _, report = refused(tmp_path / "a.geojson")
    assert len({entry["line"] for entry in report["rejected"]}) == 4
    assert all(entry["message"]["zh"] != entry["message"]["en"] for entry in report["rejected"])

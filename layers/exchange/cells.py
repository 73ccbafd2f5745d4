"""What single cells mean: codes that a spreadsheet has bent, coordinates as numbers or as text, yes and no, serial days."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

from gis.errors import JingtianError
from gis.reading.tables import Cell, clean_text

CODE_LENGTH, NAME_LENGTH, SOURCE_LENGTH = 40, 120, 200
DIGITS_KEPT = 10**15
"""A spreadsheet keeps 15 digits of a number."""
WHOLE = re.compile(r"(\d+)\.0+")
SCIENTIFIC = re.compile(r"[+-]?\d(\.\d+)?[eE][+-]?\d+")
WKT_POINT = re.compile(r"(?:SRID=\d+;)?\s*POINT\s*\(\s*(\S+)\s+(\S+)\s*\)", re.IGNORECASE)
WKT_LINE = re.compile(r"(?:SRID=\d+;)?\s*LINESTRING\s*\(([^()]*)\)", re.IGNORECASE)
PAIR = re.compile(r"[\s,，;；]+")
BRACKETS = "()[]（）【】"
FIRST_DAY, SERIAL_DAYS = dt.date(1899, 12, 30), range(20_000, 80_000)
"""Day 0 of a spreadsheet that counts 1900-02-29, and serial days from 1954 to 2119."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadCell(JingtianError):
    """A cell that cannot be what it should be."""

    code = "bad_cell"


def text_of(value: Cell) -> str:
    """What a cell says, as one line of visible text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < DIGITS_KEPT:
        value = int(value)
    return CONTROL.sub(" ", clean_text(str(value))).strip()


def lines_of(value: Cell) -> str:
    """What a cell says, as lines of visible text."""
    lines = value.splitlines() if isinstance(value, str) else [value]
    return "\n".join(map(text_of, lines)).strip()


def code_of(value: Cell) -> tuple[str, bool]:
    """The code in a cell, and whether a spreadsheet had made a number of it, so that its leading zeros may be gone.

    Raises
    ------
    BadCell
        Empty, too long, or with digits lost: 1.23457E+11, or a number of more than 15 digits.
    """
    text = text_of(value)
    whole = WHOLE.fullmatch(text)
    is_number = whole is not None or (isinstance(value, int | float) and not isinstance(value, bool))
    if whole:
        text = whole[1]
    if not text:
        raise BadCell("编码是空的；每行都要有行内编码。", "The code is empty: every row needs the bank's own code.")
    if SCIENTIFIC.fullmatch(text) or (is_number and len(text.lstrip("-")) > 15):
        raise BadCell(
            "编码被 Excel 变成了数字，末尾几位已经丢失。请把该列设为“文本”格式，从原系统重新取数。",
            "Excel made a number of the code, and its last digits are lost. Format the column as Text and export it anew.",
        )
    if is_number and not text.isdigit():
        raise BadCell("编码不应是小数或负数，请核对该列。", "A code is no fraction and not negative: check the column.")
    return limited(text, CODE_LENGTH), is_number


def limited(text: str, length: int) -> str:
    """The text, if it is not too long."""
    if len(text) > length:
        raise BadCell(
            f"有 {len(text):,} 个字，最多 {length} 个；请缩短。",
            f"It has {len(text):,} characters; at most {length} fit. Shorten it.",
        )
    return text


def number_of(value: Cell) -> float:
    """A coordinate."""
    try:
        number = float(value) if not isinstance(value, bool) and value is not None else math.nan
    except ValueError:
        number = math.nan
    if (isinstance(value, str) and "_" in value) or not math.isfinite(number):
        if value is None or value == "":
            raise BadCell("没有坐标；请补上，或删去这一行。", "There is no coordinate: add it, or delete the row.")
        raise BadCell(
            "不是有效的坐标数值；请写成十进制数，例如 112.8969。",
            "It is not a number: write coordinates as decimals, for example 112.8969.",
        )
    return number


def pair_of(value: Cell) -> tuple[float, float]:
    """Longitude and latitude in one cell: 「112.8969,30.4212」, with or without brackets."""
    parts = [part for part in PAIR.split(text_of(value).strip(BRACKETS)) if part]
    if len(parts) != 2:
        raise BadCell(
            "应为“经度,纬度”，例如 112.8969,30.4212。", "Give “longitude,latitude”, for example 112.8969,30.4212."
        )
    return number_of(parts[0]), number_of(parts[1])


def point_of(value: Cell) -> tuple[float, float]:
    """A point as WKT."""
    found = WKT_POINT.fullmatch(text_of(value))
    if found is None:
        raise BadCell(
            "应为一个点的 WKT，例如 POINT (112.8969 30.4212)。",
            "Give a point as WKT, for example POINT (112.8969 30.4212).",
        )
    return number_of(found[1]), number_of(found[2])


def line_of(value: Cell) -> list[list[float]] | None:
    """The vertices of a line as WKT; None of what is no line."""
    found = WKT_LINE.fullmatch(text_of(value))
    if found is None:
        return None
    vertices = [vertex.split()[:2] for vertex in found[1].split(",")]
    if any(len(vertex) < 2 for vertex in vertices):
        raise BadCell(
            "线的每个点应有经度和纬度，例如 LINESTRING (112.8969 30.4212, 112.9 30.43)。",
            "Each vertex of a line has two numbers, for example LINESTRING (112.8969 30.4212, 112.9 30.43).",
        )
    return [[number_of(word) for word in vertex] for vertex in vertices]


def day_of(value: Any) -> Any:
    """The day that a spreadsheet's serial number stands for; anything else as it is."""
    text = str(value).removesuffix(".0")
    if not isinstance(value, bool) and text.isdigit() and int(text) in SERIAL_DAYS:
        return (FIRST_DAY + dt.timedelta(days=int(text))).isoformat()
    return value

"""Which column of a file holds what, and what its values mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shapely.geometry.base import BaseGeometry

from layers.imports.faults import AmbiguousColumn, ColumnNotFound, some
from layers.imports.tree import Note, Source

CODE_LENGTHS = (6, 9, 12, 15, 17)
"""Digits of a county, a township, a village, a grid, a sub-grid."""

CODE = re.compile(r"code_?\d{0,2}|grid_?code|(网格|区划|行政区划|统计用区划|社区)?(编码|代码|编号)|adcode")
NAME = re.compile(r"name|grid_?name|(网格|区划|行政区划|社区|村|乡镇)?名称|名字|mc")
PARENT = re.compile(r"parent(_?code|_?id)?|pcode|(所属)?(上级|父级?)(网格|区划)?(编码|代码|编号)?")
KIND = re.compile(r"kind|grid_?kind|(网格)?(类别|类型)|城乡(分类|类别|属性)?|城乡分类代码")
BANK_CODE = re.compile(r"bank_?code|行内编码")

_URBAN, _RURAL = re.compile(r"城|urban|1(\d\d)?$"), re.compile(r"农|村|乡|rural|2(\d\d)?$")


@dataclass(frozen=True, slots=True)
class Row:
    """A feature: its geometry on the lattice and the texts of its columns, "" where there is nothing."""

    geometry: BaseGeometry
    code: str
    name: str
    kind: str
    bank_code: str
    texts: dict[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of a file, and which columns were chosen; `code_field` is None where there is none."""

    source: Source
    columns: tuple[str, ...]
    code_field: str | None
    name_field: str | None
    rows: list[Row]
    notes: list[Note]


def tabulate(source: Source, geometries: Sequence[BaseGeometry], attributes: Sequence[dict[str, Any]]) -> Table:
    """Rows of a file with the chosen columns read.

    Raises
    ------
    ColumnNotFound, AmbiguousColumn
    """
    columns = tuple(dict.fromkeys(name for row in attributes for name in row))
    code_field = _choose(columns, source.code_field, CODE, "编码", "code", "--code-field")
    name_field = _choose(columns, source.name_field, NAME, "名称", "name", "--name-field")
    kind_field = _choose(columns, source.kind_field, KIND, "类别", "kind", "--kind-field")
    bank_field = _choose(columns, None, BANK_CODE, "行内编码", "bank code", "")
    rows = []
    unknown_kinds: dict[str, None] = {}
    for geometry, values in zip(geometries, attributes, strict=True):
        texts = {column: text_of(values.get(column)) for column in columns}
        kind = texts.get(kind_field or "", "")
        if kind and _kind(kind) is None:
            unknown_kinds[kind] = None
        rows.append(
            Row(
                geometry,
                texts.get(code_field or "", ""),
                texts.get(name_field or "", ""),
                _kind(kind) or "rural",
                texts.get(bank_field or "", ""),
                texts,
            )
        )
    notes = [_choice(code_field, name_field, kind_field)]
    if unknown_kinds:
        listed = some(list(unknown_kinds), between="、")
        notes.append({"zh": f"类别 {listed} 按农村处理。", "en": f"Kinds taken as rural: {listed}."})
    return Table(source, columns, code_field, name_field, rows, notes)


def text_of(value: Any) -> str:
    """A value of a column as the text that it stands for: codes may come as numbers."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def is_by_rule(code: str) -> bool:
    """Whether a code has the form of a statistical division or a grid."""
    return code.isascii() and code.isdigit() and len(code) in CODE_LENGTHS


def significant(code: str) -> str:
    """A code by rule without the zeros that only pad it: 110105001000 is township 110105001."""
    while len(code) > CODE_LENGTHS[0]:
        shorter = CODE_LENGTHS[CODE_LENGTHS.index(len(code)) - 1]
        if code[shorter:].strip("0"):
            return code
        code = code[:shorter]
    return code


def listing(columns: Sequence[str]) -> str:
    """The columns of a file for a message."""
    return some(list(columns), between="、") or "–"


def _choose(
    columns: Sequence[str], stated: str | None, pattern: re.Pattern[str], zh: str, en: str, option: str
) -> str | None:
    if stated is not None:
        if stated in columns:
            return stated
        raise ColumnNotFound(
            f"没有名为“{stated[:40]}”的列。文件中的列：{listing(columns)}。",
            f"There is no column “{stated[:40]}”. The file has: {listing(columns)}.",
            columns=list(columns),
        )
    found = [column for column in columns if pattern.fullmatch(column.strip().lower())]
    if len(found) > 1:
        raise AmbiguousColumn(
            f"有几列都像是{zh}：{listing(found)}。请指定用哪一列（{option}）。",
            f"Several columns could be the {en}: {listing(found)}. Say which ({option}).",
            candidates=found,
        )
    return found[0] if found else None


def _kind(text: str) -> str | None:
    """Urban or rural by how the text begins: 城中村 is in town."""
    text = text.lower()
    return "urban" if _URBAN.match(text) else "rural" if _RURAL.match(text) else None


def _choice(code_field: str | None, name_field: str | None, kind_field: str | None) -> Note:
    chosen = [("编码", "code", code_field), ("名称", "name", name_field), ("类别", "kind", kind_field)]
    return {
        "zh": "采用的列：" + "，".join(f"{zh} = {field or '无'}" for zh, _, field in chosen) + "。",
        "en": "Columns used: " + ", ".join(f"{en} = {field or 'none'}" for _, en, field in chosen) + ".",
    }

"""Codes for grids that come without: the code of what is above and a number, west to east, north to south."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from shapely.geometry.base import BaseGeometry

from layers.imports.columns import CODE_LENGTHS, Row, is_by_rule
from layers.imports.faults import WrongNumberOfLevels, some
from layers.imports.tree import Note


def numbering_key(geometry: BaseGeometry) -> tuple[float, float]:
    """Siblings are numbered by their centroids: west before east, on the same meridian north before south."""
    centroid = geometry.centroid
    return round(centroid.x, 7), -round(centroid.y, 7)


def common_county(codes: Sequence[str]) -> str | None:
    """The county that all codes lie in, or None; codes not by rule lie in none, and no county lies in itself."""
    given = [code for code in codes if code]
    counties = {code[: CODE_LENGTHS[0]] for code in given}
    if len(counties) != 1 or not all(map(is_by_rule, given)) or counties & set(given):
        return None
    return counties.pop()


def with_codes(rows: Sequence[Row], parents: Sequence[str], file: str, notes: list[Note]) -> list[Row]:
    """The rows, each one without a code numbered below its parent; `notes` gets what was done.

    The new codes are as long as those beside them, with zeros for the levels that are not there.

    Raises
    ------
    WrongNumberOfLevels
        More grids below one parent than numbers.
    """
    missing = [index for index, row in enumerate(rows) if not row.code]
    if not missing:
        return list(rows)
    lengths = {len(row.code) for row in rows if row.code}
    used = {row.code for row in rows}
    result = list(rows)
    numbers = {parent: count(1) for parent in parents}
    for index in sorted(missing, key=lambda index: numbering_key(rows[index].geometry)):
        length = next(iter(lengths)) if len(lengths) == 1 else 0
        code = next(
            code for number in numbers[parents[index]] if (code := _code(parents[index], number, length)) not in used
        )
        used.add(code)
        result[index] = replace(rows[index], code=code)
    new = [result[index].code for index in missing]
    notes.append(
        {
            "zh": f"{file} 中有 {len(new):,} 个网格没有编码，已按自西向东、自北向南编号：{some(new, between='、')}。",
            "en": f"{len(new):,} grids of {file} came without a code and were numbered from west to east, north to south: "
            f"{some(new, between=', ')}.",
        }
    )
    return result


def _code(parent: str, number: int, length: int) -> str:
    longer = [n for n in CODE_LENGTHS if n > len(parent)]
    if length not in longer:
        length = longer[0] if longer and is_by_rule(parent) else len(parent) + 3
    digits = 2 if length == CODE_LENGTHS[-1] else 3
    if number >= 10**digits:
        raise WrongNumberOfLevels(
            f"{parent} 之下有超过 {10**digits - 1} 个网格要编号，{digits} 位数字不够。请提供编码列，或增加一级。",
            f"More than {10**digits - 1} grids below {parent} are to be numbered: {digits} digits are too few. "
            "Provide a column of codes, or a level between.",
        )
    return f"{parent.ljust(length - digits, '0')}{number:0{digits}}"

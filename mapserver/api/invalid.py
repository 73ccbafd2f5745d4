"""What is wrong with the parameters of a request, in words: which one, and what it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NAMES = {
    "accuracy": ("定位精度 (米)", "accuracy (m)"),
    "code": ("编码", "code"),
    "k": ("新设个数", "number of new places"),
    "lat": ("纬度", "latitude"),
    "level": ("级别", "level"),
    "lon": ("经度", "longitude"),
    "name": ("名称", "name"),
    "nearest": ("最近的个数", "how many of the nearest"),
    "note": ("说明", "note"),
    "q": ("查找的文字", "words to look for"),
    "radius": ("附近的距离 (米)", "distance around the place (m)"),
    "radius_m": ("服务半径 (米)", "service radius (m)"),
    "reason": ("事由", "reason"),
    "text": ("文字", "text"),
    "within": ("离街道的距离 (米)", "distance from the street (m)"),
}
"""Parameters that people fill in on pages. Others are known to programs only, which call them by their own name."""

LIMITS = {
    "less_than_equal": ("le", "至多 {}", "at most {}"),
    "less_than": ("lt", "应小于 {}", "less than {}"),
    "greater_than_equal": ("ge", "至少 {}", "at least {}"),
    "greater_than": ("gt", "应大于 {}", "more than {}"),
    "string_too_long": ("max_length", "至多 {} 个字", "at most {} characters"),
    "string_too_short": ("min_length", "至少 {} 个字", "at least {} characters"),
    "too_long": ("max_length", "至多 {} 个", "at most {} items"),
    "too_short": ("min_length", "至少 {} 个", "at least {} items"),
    "literal_error": ("expected", "应为 {} 之一", "one of {}"),
    "enum": ("expected", "应为 {} 之一", "one of {}"),
}
"""By pydantic's type of error: which of its facts is the limit, and how it is said."""
KINDS = {
    "missing": ("没有填写", "not given"),
    "int": ("应为整数", "a whole number"),
    "float": ("应为数字", "a number"),
    "finite": ("应为数字", "a number"),
    "bool": ("应为 true 或 false", "true or false"),
    "date": ("应为日期, 例如 2026-11-22", "a date, for example 2026-11-22"),
}
"""Others, by how their type begins."""


def in_words(errors: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """Chinese and English: each parameter with what it may be."""
    said = dict.fromkeys(_one(error) for error in errors)
    zh, en = "; ".join(zh for zh, _ in said), "; ".join(en for _, en in said)
    return f"填写有误: {zh}。", f"Please correct: {en}."


def _one(error: Mapping[str, Any]) -> tuple[str, str]:
    own = str(error["loc"][-1])
    zh_name, en_name = NAMES.get(own, (own, own))
    zh, en = _allowed(str(error["type"]), error.get("ctx", {}))
    return f"{zh_name} {zh}", f"{en_name}: {en}"


def _allowed(kind: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    if kind in LIMITS:
        fact, zh, en = LIMITS[kind]
        limit = facts[fact]
        shown = f"{limit:,}".removesuffix(".0") if isinstance(limit, int | float) else str(limit)
        return zh.format(shown.replace(" or ", ", ")), en.format(shown)
    beginnings = [said for start, said in KINDS.items() if kind.startswith(start)]
    return (
        beginnings[0] if beginnings else ("不是可用的值; 见 /api/docs", "not a value that it can have; see /api/docs")
    )

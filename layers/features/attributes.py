"""What a feature's attributes may be: the schema of its kind, applied to what forms, programs and files give."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import get_language

from gis.errors import JingtianError
from layers.features.models import Kind

YES = {"是", "有", "1", "true", "yes", "y", "t", "√", "✓"}
NO = {"否", "无", "0", "false", "no", "n", "f", "×", "✗"}
SEPARATORS = re.compile(r"[、;；,，|]")
THOUSANDS = re.compile(r"[+-]?\d{1,3}([,，]\d{3})+(\.\d+)?")
DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
LONGEST_TEXT = 500
LARGEST = 2**53


class InvalidAttributes(JingtianError):
    """An attribute that the kind does not have, lacks, or has with other values; `details` name attribute and value."""

    code = "invalid_attributes"


def clean_attributes(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes as they are stored, out of typed values or of text as files hold it.

    Text may say 是/否, 1/0, true/false; 2026-11-22, 2026/11/22 or 2026年11月22日; numbers with thousands separators;
    several choices separated by 、 ; , or |. What is empty is left out. Numbers keep the unit of the schema.

    Raises
    ------
    InvalidAttributes
        Naming the attribute, the value and what is allowed.
    """
    schema = {attribute["key"]: attribute for attribute in kind.attributes}
    for key, value in values.items():
        if key not in schema:
            raise _unknown(kind, key, value)
    cleaned = {}
    for key, attribute in schema.items():
        value = values.get(key)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "" or value == []:
            if attribute.get("required"):
                raise InvalidAttributes(
                    f"{kind.name}的“{attribute['name']}”不能为空, 请填写。",
                    f"“{_english(attribute)}” of {kind.name_en or kind.name} is required: give a value.",
                    attribute=key,
                )
            continue
        cleaned[key] = clean_value(attribute, value)
    return cleaned


def clean_value(attribute: Mapping[str, Any], value: Any) -> Any:
    """One value as it is stored; see `clean_attributes`."""
    try:
        return PARSERS[attribute["type"]](value, attribute)
    except (ValueError, OverflowError):
        zh, en = ALLOWED[attribute["type"]]
        choices = attribute.get("choices", [])
        shown = str(value)[:60]
        raise InvalidAttributes(
            f"“{attribute['name']}”的值“{shown}”不对, 应为{zh}{'、'.join(choices)}。",
            f"“{shown}” is not right for “{_english(attribute)}”: give {en}{', '.join(choices)}.",
            attribute=attribute["key"],
            value=shown,
            allowed=choices or attribute["type"],
        ) from None


def _text(value: Any, _attribute: Mapping[str, Any]) -> str:
    if isinstance(value, (bool, list, dict)):
        raise ValueError
    text = str(value).strip()
    if len(text) > LONGEST_TEXT or "\0" in text:
        raise ValueError
    return text


def _number(value: Any, _attribute: Mapping[str, Any]) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    if isinstance(value, str):
        text = value.strip()
        if "_" in text:
            raise ValueError
        value = float(re.sub("[,，]", "", text) if THOUSANDS.fullmatch(text) else text)
    if not (math.isfinite(value) and abs(value) <= LARGEST):
        raise ValueError
    return int(value) if value == int(value) else float(value)


def _integer(value: Any, attribute: Mapping[str, Any]) -> int:
    number = _number(value, attribute)
    if not isinstance(number, int):
        raise ValueError
    return number


def _boolean(value: Any, _attribute: Mapping[str, Any]) -> bool:
    if isinstance(value, bool):
        return value
    word = str(int(value) if isinstance(value, float) and value in (0, 1) else value).strip().lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueError


def _date(value: Any, _attribute: Mapping[str, Any]) -> str:
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, dt.date):
        return value.isoformat()
    found = DATE.match(str(value).strip())
    # A spreadsheet's day carries a time: 2026-11-22 00:00:00.
    if not found or not re.fullmatch(r"([T ][\d:.]+)?", str(value).strip()[found.end() :]):
        raise ValueError
    return dt.date(*map(int, found.groups())).isoformat()


def _choice(value: Any, attribute: Mapping[str, Any]) -> str:
    word = str(value).strip()
    if word not in attribute.get("choices", ()):
        raise ValueError
    return word


def _choices(value: Any, attribute: Mapping[str, Any]) -> list[str]:
    words = value if isinstance(value, (list, tuple)) else SEPARATORS.split(str(value))
    chosen = {_choice(word, attribute) for word in words if str(word).strip()}
    return [choice for choice in attribute["choices"] if choice in chosen]


PARSERS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "text": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "choice": _choice,
    "choices": _choices,
}
"""What reads a value, by the type of the attribute."""

ALLOWED = {
    "text": (f"不超过 {LONGEST_TEXT} 字的文字", f"a text of at most {LONGEST_TEXT} characters"),
    "number": ("数字, 例如 1,200.5", "a number, for example 1,200.5"),
    "integer": ("整数, 例如 1,200", "a whole number, for example 1,200"),
    "boolean": ("“是”或“否”", "“yes” or “no”"),
    "date": ("日期, 例如 2026-11-22", "a date, for example 2026-11-22"),
    "choice": ("以下之一: ", "one of "),
    "choices": ("以下各项, 用“、”隔开: ", "some of these, separated by “;”: "),
}


def name_of(attribute: Mapping[str, Any]) -> str:
    """What an attribute of a kind is called in the language of the page."""
    return _english(attribute) if get_language() == "en" else str(attribute["name"])


def _english(attribute: Mapping[str, Any]) -> str:
    return attribute.get("name_en") or attribute["name"]


def _unknown(kind: Kind, key: str, value: Any) -> InvalidAttributes:
    known_zh = "、".join(f"{attribute['key']} ({attribute['name']})" for attribute in kind.attributes)
    known_en = ", ".join(f"{attribute['key']} ({_english(attribute)})" for attribute in kind.attributes)
    return InvalidAttributes(
        f"{kind.name}没有属性“{key[:60]}”; 可用的属性: {known_zh or '无'}。",
        f"{kind.name_en or kind.name} has no attribute “{key[:60]}”; it may carry: {known_en or 'none'}.",
        attribute=key[:60],
        value=str(value)[:60],
        allowed=[attribute["key"] for attribute in kind.attributes],
    )

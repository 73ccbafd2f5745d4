"""Attributes are what the schema of the kind says, whatever form they come in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from layers.features.attributes import InvalidAttributes, clean_attributes
from layers.features.models import Kind

KIND = Kind(
    layer="places",
    key="yard",
    name="院子",
    name_en="Yard",
    attributes=[
        {"key": "note", "name": "备注", "name_en": "Note", "type": "text"},
        {"key": "area", "name": "面积", "name_en": "Area", "type": "number", "unit": "亩"},
        {"key": "people", "name": "人数", "name_en": "People", "type": "integer"},
        {"key": "open", "name": "开放", "name_en": "Open", "type": "boolean", "scored": True},
        {"key": "lit", "name": "照明", "name_en": "Lit", "type": "boolean", "scored": True},
        {"key": "since", "name": "启用日期", "name_en": "Since", "type": "date"},
        {"key": "state", "name": "状态", "name_en": "State", "type": "choice", "choices": ["在用", "停用"]},
        {"key": "ways", "name": "渠道", "name_en": "Ways", "type": "choices", "choices": ["网银", "手机", "微信"]},
    ],
)


@pytest.mark.parametrize(
    ("key", "given", "stored"),
    [
        ("note", "  =HYPERLINK(1)  ", "=HYPERLINK(1)"),
        ("note", 12, "12"),
        ("area", "1,234.5", 1234.5),
        ("area", 3.0, 3),
        ("people", "12，345", 12345),
        ("people", 7.0, 7),
        *(("open", word, True) for word in ("是", "1", "TRUE", "yes", 1, 1.0, True)),
        *(("open", word, False) for word in ("否", "0", "false", 0, False)),
        *(
            ("since", day, "2026-11-22")
            for day in ("2026-11-22", "2026/11/22", "2026年11月22日", "2026-11-22 00:00:00")
        ),
        ("since", dt.datetime(2026, 11, 22), "2026-11-22"),
        ("state", " 停用 ", "停用"),
        *(
            ("ways", text, ["手机", "微信"])
            for text in ("微信、手机", "手机;微信", "手机|微信", "手机，微信", ["微信", "手机"])
        ),
    ],
)
def test_a_value_is_read_in_the_forms_that_files_have(key: str, given: Any, stored: Any) -> None:
    cleaned = clean_attributes(KIND, {key: given})
    assert cleaned == {key: stored} and type(cleaned[key]) is type(stored)


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("note", "x" * 501),
        ("note", ["a"]),
        ("area", "12,34"),
        ("area", "NaN"),
        ("area", "1_000"),
        ("area", True),
        ("people", "1.5"),
        ("open", "也许"),
        ("since", "22-11-2026"),
        ("since", "2026-02-30"),
        ("since", "2026-11-22 x"),
        ("state", "坏"),
        ("ways", "手机、坏"),
        ("colour", "red"),
    ],
)
def test_another_value_is_refused_with_what_is_allowed(key: str, given: Any) -> None:
    with pytest.raises(InvalidAttributes) as refused:
        clean_attributes(KIND, {key: given})
    fault = refused.value
    assert fault.details["attribute"] == key and fault.details["value"] and fault.details["allowed"]
    name = {attribute["key"]: attribute["name"] for attribute in KIND.attributes}.get(key, key)
    assert name in fault.zh and fault.en.isprintable()


def test_what_is_empty_is_left_out_unless_required() -> None:
    assert clean_attributes(KIND, {"note": " ", "area": None, "ways": []}) == {}
    required = Kind(name="院子", attributes=[{"key": "note", "name": "备注", "type": "text", "required": True}])
    with pytest.raises(InvalidAttributes, match="备注"):
        clean_attributes(required, {"note": "  "})

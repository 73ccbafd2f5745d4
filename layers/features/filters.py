"""Which features have an attribute as asked for: `attributes.key=value`, `attributes.key.min=`, `attributes.key.max=`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from gis.errors import JingtianError
from layers.features.attributes import clean_value
from layers.features.models import FeatureQuerySet, Kind

ASKED = re.compile(r"attributes\.(?P<key>[^.]+)(?:\.(?P<bound>min|max))?")
BOUNDED = {"number", "integer", "date"}


class InvalidFilter(JingtianError):
    """A filter that no kind of the layer can be asked for."""

    code = "invalid_filter"


def by_attributes(
    features: FeatureQuerySet[Any], kinds: Sequence[Kind], asked: Iterable[tuple[str, str]]
) -> FeatureQuerySet[Any]:
    """Those whose attributes are as asked for, by pairs of name and text; other names than `attributes.…` are passed over.

    Raises
    ------
    InvalidFilter
        No kind has the attribute, or it has no order for a minimum.
    InvalidAttributes
        The value is none of the attribute's.
    """
    for number, (name, text) in enumerate(asked):
        if not name.startswith("attributes."):
            continue
        found = ASKED.fullmatch(name)
        key, bound = (found["key"], found["bound"]) if found else ("", None)
        by_schema: dict[str, tuple[dict[str, Any], list[str]]] = {}
        for kind in kinds:
            for attribute in kind.attributes:
                if attribute["key"] == key:
                    by_schema.setdefault(f"{attribute['type']} {attribute.get('choices')}", (attribute, []))[1].append(
                        kind.key
                    )
        if not by_schema:
            raise _no_such(name, kinds)
        matching = Q()
        json, plain = f"attribute_{number}", f"attribute_text_{number}"
        features = features.alias(**{json: KeyTransform(key, "attributes"), plain: KeyTextTransform(key, "attributes")})
        for attribute, names in by_schema.values():
            matching |= Q(kind__in=names) & _condition(attribute, bound, text, json, plain)
        features = features.filter(matching)
    return features


def incomplete(features: FeatureQuerySet[Any], kinds: Sequence[Kind]) -> FeatureQuerySet[Any]:
    """Those whose kind has a checklist (十个一), of which they lack something."""
    lacking = Q(pk__in=[])
    for kind in kinds:
        if kind.checklist:
            whole = {item["key"]: True for item in kind.checklist}
            lacking |= Q(kind=kind.key) & ~Q(attributes__contains=whole)
    return features.filter(lacking)


def _condition(attribute: dict[str, Any], bound: str | None, text: str, json: str, plain: str) -> Q:
    kind = attribute["type"]
    if bound and kind not in BOUNDED:
        raise InvalidFilter(
            f"“{attribute['name']}”没有大小之分, 不能用 min、max 筛选; 请改用 attributes.{attribute['key']}=值。",
            f"“{attribute.get('name_en') or attribute['name']}” has no order, so neither min nor max:"
            f" ask for attributes.{attribute['key']}=value.",
            attribute=attribute["key"],
        )
    if kind == "text":
        return Q(**{f"{plain}__icontains": text.strip()})
    value = clean_value(attribute, text)
    if bound:
        return Q(**{f"{json}__{'gte' if bound == 'min' else 'lte'}": value})
    if kind == "choices":
        return Q(**{f"{json}__contains": value})
    if kind == "boolean" and not value:
        # What nobody has ticked is not there.
        return ~Q(attributes__contains={attribute["key"]: True})
    return Q(attributes__contains={attribute["key"]: value})


def _no_such(name: str, kinds: Sequence[Kind]) -> InvalidFilter:
    known = {attribute["key"]: attribute for kind in kinds for attribute in kind.attributes}
    key = name.removeprefix("attributes.").removesuffix(".min").removesuffix(".max")[:60]
    zh = "、".join(dict.fromkeys(each["name"] for each in known.values()))
    en = ", ".join(dict.fromkeys(each.get("name_en") or each["name"] for each in known.values()))
    return InvalidFilter(
        f"所选类型没有可筛选的属性“{key}”; 可按这些属性筛选: {zh or '无'}。",
        f"The kinds chosen have no attribute “{key}” to filter by. They have: {en or 'none'}.",
        name=name[:60],
        attributes=sorted(known),
    )

"""Adding, changing and deleting a feature: one function each, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.gis.geos import Point
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404

from gis.errors import JingtianError
from layers.features.attributes import clean_attributes
from layers.features.models import Feature, Kind
from layers.features.registry import Layer
from layers.grids.models import SRID
from layers.orgs.models import Institution, User


class InvalidFeature(JingtianError):
    """A field of a feature that is missing or not right; `details` name the field."""

    code = "invalid_feature"


class CodeTaken(JingtianError):
    """Another feature of the institution has the code."""

    code = "code_taken"


def kind_named(layer: Layer, key: str, institution: Institution, *, kept: bool = False) -> Kind:
    """A kind that the institution may give a feature; one switched off only to features that have it (`kept`).

    Raises
    ------
    InvalidFeature
    """
    known = Kind.objects.known_to(institution).filter(layer=layer.id)
    found = known.filter(key=key).first()
    if found is None or not (found.is_active or kept):
        usable = [kind for kind in known if kind.is_active]
        raise InvalidFeature(
            f"{layer.name}没有可用的类型“{key[:40]}”; 请选择: {'、'.join(kind.name for kind in usable)}。",
            f"There is no kind “{key[:40]}” to use: choose one of {', '.join(kind.key for kind in usable)}.",
            field="kind",
            allowed=[kind.key for kind in usable],
        )
    return found


@transaction.atomic
def add_feature(user: User, layer: Layer, institution: Institution, values: Mapping[str, Any]) -> Feature:
    """A new feature of an institution in the user's subtree.

    Parameters
    ----------
    values
        code, name, kind, geom (a Point), attributes, is_active.

    Raises
    ------
    PermissionDenied, InvalidFeature, InvalidAttributes, CodeTaken
    """
    feature = layer.model(institution=institution)
    return _write(user, layer, feature, values)


@transaction.atomic
def change_feature(user: User, layer: Layer, pk: int, values: Mapping[str, Any]) -> Feature:
    """Change what is given of a feature, its place included; the database finds its grid anew."""
    return _write(user, layer, _changeable(user, layer, pk), values)


@transaction.atomic
def delete_feature(user: User, layer: Layer, pk: int) -> None:
    """Delete a feature."""
    _changeable(user, layer, pk).delete()


def _changeable(user: User, layer: Layer, pk: int) -> Feature:
    """The feature, locked; not found where it is not seen, not allowed where it is only seen."""
    seen = layer.visible_to(user, "all")
    if not layer.model.objects.changeable_by(user).filter(pk=pk).exists() and seen.filter(pk=pk).exists():
        raise PermissionDenied
    found: Feature | None = layer.model.objects.changeable_by(user).select_for_update().filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _write(user: User, layer: Layer, feature: Feature, values: Mapping[str, Any]) -> Feature:
    is_new = feature.pk is None
    old_kind = feature.kind
    if not is_new and "geom" in values and feature.geom.geom_type != values["geom"].geom_type:
        raise InvalidFeature(
            f"“{feature.name}”是一条线, 不能改成一个点; 请在它的页面上修改位置。",
            f"{feature.name} is a line, which a point cannot take the place of: change it on its own page.",
            field="place",
        )
    if not layer.may_change(user, values.get("institution") or feature.institution):
        raise PermissionDenied
    for field in ("institution", "code", "name", "kind", "geom", "attributes", "is_active"):
        if field in values:
            setattr(feature, field, values[field])
    for field, zh, en in (("code", "行内编码", "code"), ("name", "名称", "name")):
        text = str(getattr(feature, field)).strip()
        longest = layer.model._meta.get_field(field).max_length
        if not text or len(text) > longest or "\0" in text:
            raise InvalidFeature(
                f"请填写{zh}, 不超过 {longest} 字。", f"Give a {en} of at most {longest} characters.", field=field
            )
        setattr(feature, field, text)
    if feature.geom is None:
        raise InvalidFeature(
            "请给出位置: 在图上点一下, 或填写经纬度。", "Give a place: a click on the map, or degrees.", field="place"
        )
    kind = kind_named(layer, feature.kind, feature.institution, kept=feature.kind == old_kind and not is_new)
    feature.attributes = clean_attributes(kind, feature.attributes)
    twins = layer.model.objects.filter(institution=feature.institution, code=feature.code).exclude(pk=feature.pk)
    if twins.exists():
        raise _taken(feature)
    try:
        with transaction.atomic():
            feature.save()
    except IntegrityError as error:
        # Somebody else was a moment quicker.
        if "code_is_unique" in str(error):
            raise _taken(feature) from None
        raise
    return feature


def point(lon: float, lat: float) -> Point:
    """A place in CGCS2000 degrees."""
    return Point(lon, lat, srid=SRID)


def _taken(feature: Feature) -> CodeTaken:
    return CodeTaken(
        f"{feature.institution}已有行内编码为“{feature.code}”的记录; 请换一个编码。",
        f"{feature.institution} has a record with the code “{feature.code}” already: choose another.",
        field="code",
    )

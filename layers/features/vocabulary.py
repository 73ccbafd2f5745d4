"""A bank's own kinds: who may have them, and what may still be changed of those in use."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from gis.errors import JingtianError
from layers.features.models import Kind
from layers.features.registry import LAYERS
from layers.orgs.models import Institution, User


class KindInUse(JingtianError):
    """Features have the kind, or the attribute: it can be switched off, and not taken away."""

    code = "kind_in_use"


def can_change_kinds(user: User) -> bool:
    """Administrators of the head office: kinds are the whole bank's."""
    return user.institution is not None and user.institution.is_root() and user.role == User.Role.ADMINISTRATOR


def own_kinds(user: User) -> Any:
    """The kinds that the user's bank has added."""
    if user.institution is None:
        return Kind.objects.none()
    return Kind.objects.filter(institution__path__startswith=user.institution.head_office_path)


def features_of(kind: Kind) -> Any:
    """What the bank's features of a kind are."""
    assert kind.institution is not None
    everywhere = LAYERS[kind.layer].model.objects.filter(kind=kind.key)
    return everywhere.filter(institution__path__startswith=kind.institution.head_office_path)


@transaction.atomic
def save_kind(user: User, kind: Kind) -> Kind:
    """Save a kind, new or not, as one of the user's bank.

    Raises
    ------
    PermissionDenied, KindInUse
        An attribute that features have cannot go, nor become of another type, nor lose choices.
    """
    _may(user, kind)
    if kind.pk is None:
        kind.institution = Institution.objects.get(path=user.institution.head_office_path)  # type: ignore[union-attr]
    else:
        before = Kind.objects.select_for_update().get(pk=kind.pk)
        _keeps_what_is_used(kind, before)
        kind.key, kind.layer = before.key, before.layer
    kind.save()
    return kind


@transaction.atomic
def delete_kind(user: User, kind: Kind) -> None:
    """Delete a kind that no feature has.

    Raises
    ------
    PermissionDenied, KindInUse
    """
    _may(user, kind)
    kind = Kind.objects.select_for_update().get(pk=kind.pk)
    if count := features_of(kind).count():
        raise KindInUse(
            f"有 {count} 个要素属于“{kind.name}”, 不能删除; 可以停用。",
            f"{count} features are of the kind “{kind.name}”: it cannot be deleted; switch it off.",
            count=count,
        )
    kind.delete()


def _may(user: User, kind: Kind) -> None:
    is_own = kind.pk is None or (
        kind.institution is not None
        and user.institution is not None
        and kind.institution.head_office_path == user.institution.head_office_path
    )
    if not (can_change_kinds(user) and is_own):
        raise PermissionDenied


def _keeps_what_is_used(kind: Kind, before: Kind) -> None:
    now = {attribute["key"]: attribute for attribute in kind.attributes}
    for attribute in before.attributes:
        key = attribute["key"]
        same = now.get(key, {})
        kept = same.get("type") == attribute["type"] and set(attribute.get("choices", ())) <= set(
            same.get("choices", ())
        )
        if not kept and features_of(before).filter(attributes__has_key=key).exists():
            raise KindInUse(
                f"已有要素填写了属性“{attribute['name']}”, 不能删除它、改变其类型或减少选项。",
                f"Features have the attribute “{attribute['name']}”: it cannot go, change its type or lose choices.",
                attribute=key,
            )

"""The layers of people and of posts: who may change them, and what is told of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from layers.features.registry import Layer, kinds_of
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment, Post, Staff
from layers.staff.rights import may_arrange


@dataclass(frozen=True)
class StaffLayer(Layer):
    """People at their base places: told with what they are in charge of."""

    def may_change(self, user: User, institution: Institution) -> bool:
        return False

    def without_place(self, user: User) -> dict[str, Any] | None:
        count = Staff.objects.visible_to(user).employed().filter(geom__isnull=True).count()
        return {"count": count, "page": "/people/?list=unplaced"} if count else None

    def more_of(self, user: User, pk: int) -> dict[str, Any]:
        held = Assignment.objects.on().serving().filter(staff=pk).select_related("grid", "post").order_by("kind", "pk")
        return {"in_charge_of": [one.unit.name for one in held], "page": f"/people/{pk}/"}


@dataclass(frozen=True)
class PostLayer(Layer):
    """Posts are changed by whoever arranges people; a post is told with those in charge and with its partners."""

    def may_change(self, user: User, institution: Institution) -> bool:
        return may_arrange(user, institution)

    def more_of(self, user: User, pk: int) -> dict[str, Any]:
        post = Post.objects.get(pk=pk)
        held = Assignment.objects.on().serving().filter(post=post).visible_to(user).order_by("-kind", "pk")
        return {
            "duty_text": post.duty_text,
            "in_charge": list(held.values_list("staff__name", flat=True)),
            "partners": list(post.partners.all().visible_to(user).order_by("code").values("id", "name")),
            "page": f"/people/posts/{pk}/",
        }


def post_labels(user: User) -> dict[str, str]:
    """What the kinds of posts are called, for a user; also those that are switched off."""
    return {kind.key: kind.label for kind in kinds_of(user, "posts")["posts"]}


def kinds_to_choose(user: User, kept: str = "") -> list[tuple[str, str]]:
    """The kinds that a post may be given, and the one that it has."""
    return [(kind.key, kind.label) for kind in kinds_of(user, "posts")["posts"] if kind.is_active or kind.key == kept]

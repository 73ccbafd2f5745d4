"""Telling people, and who decides for an institution and so is to be told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from layers.notices.models import Notice
from layers.orgs.models import DECIDERS, HEADS, Institution, User


def tell(users: Iterable[int | None], kind: str, link: str, by: User | None = None, **facts: Any) -> None:
    """Leave a notice with each of the users, but not with who did it; None is nobody."""
    told = {user for user in users if user is not None} - {by and by.pk}
    if by is not None:
        facts["by"] = by.get_full_name() or by.username
    Notice.objects.bulk_create(Notice(user_id=user, kind=kind, link=link, facts=facts) for user in sorted(told))


def deciders_over(institution: Institution) -> list[int]:
    """Users who decide on what an institution asks for: of the nearest above that has any; for a head office, its heads."""
    above = list(Institution.objects.above(institution))
    for one in reversed(above):
        found = users_of(one, DECIDERS)
        if found:
            return found
    return [] if above else users_of(institution, HEADS)


def users_of(institution: Institution, roles: set[User.Role]) -> list[int]:
    """The active users of an institution who have one of some roles."""
    found = User.objects.filter(institution=institution, role__in=roles, is_active=True)
    return list(found.values_list("pk", flat=True))

"""Changes to a person's record and to posts: data, absences, what is handed out. Each function is one edit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from layers.features.registry import LAYERS
from layers.features.service import kind_named
from layers.orgs.models import Institution, User
from layers.staff.faults import BadPerson
from layers.staff.history import stop
from layers.staff.models import Absence, Assignment, Post, Staff, StaffItem
from layers.staff.rights import may_arrange
from layers.staff.vocabulary import check

DEEPEST = 9


def save_person(user: User, staff: Staff, **values: Any) -> Staff:
    """Register somebody, or change what is on record of her.

    Raises
    ------
    BadPerson, UnknownTerm, PermissionDenied
    """
    with transaction.atomic():
        if staff.pk is not None and not may_arrange(user, Staff.objects.get(pk=staff.pk).institution):
            raise PermissionDenied
        for name, value in values.items():
            setattr(staff, name, value)
        if not may_arrange(user, staff.institution):
            raise PermissionDenied
        check("staff", staff.kind, staff.institution)
        for duty in staff.duties:
            check("duty", duty, staff.institution)
        _check_supervisor(staff)
        if Staff.objects.filter(institution=staff.institution, number=staff.number).exclude(pk=staff.pk).exists():
            raise BadPerson(
                f"工号 {staff.number} 已有人使用; 请换一个。",
                f"Number {staff.number} is taken: choose another.",
                field="number",
            )
        staff.save()
        if staff.left_on is not None:
            day = ends_on(staff.left_on)
            for one in turns_after(staff, day):
                stop(one, day)
    return staff


def ends_on(left_on: dt.date) -> dt.date:
    """The day from which whoever has left is in charge of nothing: what is past stays as it was."""
    return max(left_on, timezone.localdate())


def turns_after(staff: Staff, day: dt.date) -> QuerySet[Assignment]:
    """Turns of hers that go on after a day, or begin after it."""
    held = Assignment.objects.filter(staff=staff, status=Assignment.Status.APPROVED)
    return held.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day))


def save_post(user: User, post: Post, partners: Iterable[Post] = (), **values: Any) -> Post:
    """Register a post, or change it; its partners are those given, and have it as theirs.

    Raises
    ------
    BadPerson, InvalidFeature, PermissionDenied
    """
    with transaction.atomic():
        if post.pk is not None and not may_arrange(user, Post.objects.get(pk=post.pk).institution):
            raise PermissionDenied
        for name, value in values.items():
            setattr(post, name, value)
        if not may_arrange(user, post.institution):
            raise PermissionDenied
        before = Post.objects.filter(pk=post.pk).values_list("kind", flat=True).first()
        kind_named(LAYERS["posts"], post.kind, post.institution, kept=post.kind == before)
        others = list(partners)
        if any(other.institution.head_office_path != post.institution.head_office_path for other in others):
            raise BadPerson(
                "互保点位须是本行的。", "Posts that guard each other must be of one bank.", field="partners"
            )
        post.save()
        post.partners.set(others)
    return post


def _check_supervisor(staff: Staff) -> None:
    above, steps = staff.supervisor, 0
    if above is not None and above.institution.head_office_path != staff.institution.head_office_path:
        raise BadPerson("直接上级须是本行人员。", "The supervisor must be of the same bank.", field="supervisor")
    while above is not None:
        steps += 1
        if above.pk == staff.pk or steps > DEEPEST:
            raise BadPerson(
                "这样会成为自己的上级, 或层级超过 9 级; 请另选直接上级。",
                "That would make the person her own superior, or more than 9 steps: choose another supervisor.",
                field="supervisor",
            )
        above = above.supervisor


def report_absence(user: User, staff: Staff, first_day: dt.date, last_day: dt.date, reason: str = "") -> Absence:
    """Note that somebody is away; her backups are in charge meanwhile. People may note their own absences.

    Raises
    ------
    BadPerson, PermissionDenied
    """
    if not (may_arrange(user, staff.institution) or staff.user_id == user.pk):
        raise PermissionDenied
    if last_day < first_day:
        raise BadPerson("结束日期不能早于开始日期。", "The last day cannot be before the first.", field="last_day")
    try:
        with transaction.atomic():
            return Absence.objects.create(staff=staff, first_day=first_day, last_day=last_day, reason=reason)
    except IntegrityError as error:
        raise BadPerson(
            "这段时间已登记过缺勤; 请先删除原来的。",
            "An absence of that time is on record: remove it first.",
            field="first_day",
        ) from error


def remove_absence(user: User, absence: Absence) -> None:
    """Take a noted absence back."""
    if not (may_arrange(user, absence.staff.institution) or absence.staff.user_id == user.pk):
        raise PermissionDenied
    absence.delete()


def hand_out(
    user: User, staff: Staff, kind: str, number: str, issued_on: dt.date, valid_until: dt.date | None
) -> StaffItem:
    """Note that somebody was given a certificate, card or terminal; each is in one person's hands (一格一员一机, HY03).

    Raises
    ------
    BadPerson, UnknownTerm, PermissionDenied
    """
    with transaction.atomic():
        if not may_arrange(user, staff.institution):
            raise PermissionDenied
        check("item", kind, staff.institution)
        if valid_until is not None and valid_until < issued_on:
            raise BadPerson("有效期不能早于发放日期。", "It cannot expire before it is issued.", field="valid_until")
        # The bank's row is locked: two who hand out one terminal go one after the other.
        bank = Institution.objects.select_for_update().get(path=staff.institution.head_office_path)
        held = StaffItem.objects.filter(
            kind=kind, number=number, returned_on__isnull=True, staff__institution__path__startswith=bank.path
        )
        if (other := held.select_related("staff").first()) is not None:
            raise BadPerson(
                f"编号 {number} 在 {other.staff.name} 手中; 请先登记收回。",
                f"Number {number} is with {other.staff.name}: note its return first.",
                field="number",
            )
        return StaffItem.objects.create(
            staff=staff, kind=kind, number=number, issued_on=issued_on, valid_until=valid_until
        )


def take_back(user: User, item: StaffItem, day: dt.date) -> StaffItem:
    """Note that something was given back.

    Raises
    ------
    BadPerson, PermissionDenied
    """
    if not may_arrange(user, item.staff.institution):
        raise PermissionDenied
    if day < item.issued_on:
        raise BadPerson("收回日期不能早于发放日期。", "It cannot be returned before it was issued.", field="day")
    item.returned_on = day
    item.save(update_fields=["returned_on"])
    return item

"""Who sees telephone numbers and identity numbers in full, and what the others see instead."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any

from django.db import models, transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gis.errors import JingtianError
from layers.audit.events import record
from layers.audit.models import Entry, UnmaskSettings
from layers.orgs.models import HEADS, Institution, User

MASK = "*"
SHORTEST_REASON = 4
"""Characters of a reason: «电话核实» is one."""
UNMASKERS = {User.Role.ADMINISTRATOR, User.Role.MANAGER, User.Role.WORKER}
"""The roles whose work needs to reach people."""
DAY = dt.timedelta(days=1)


class Sight(Enum):
    """How somebody sees a personal detail."""

    CLEAR = _("完整")
    ON_REQUEST = _("部分隐藏, 说明事由后可查看")
    MASKED = _("部分隐藏")
    HIDDEN = _("不可见")


class ReasonMissing(JingtianError):
    """Personal details are shown in full for a reason only."""

    code = "reason_missing"


class NotMasked(JingtianError):
    """There is no such masked field."""

    code = "not_masked"


class TooMuchUnmasked(JingtianError):
    """More than one person may see in full at once, or in a day."""

    code = "too_much_unmasked"


class MayNotUnmask(JingtianError):
    """The user's role does not see these details in full."""

    code = "not_allowed"


def sight(user: User, institution: Institution, *, work: bool = False) -> Sight:
    """How a user sees personal details of what belongs to an institution: the one place of this rule.

    `work`: details that somebody has for the job, a work telephone: plain in one's own subtree, on request within the bank.
    Others (customers, identity numbers, private telephones) are masked for everybody; in their own subtree those whose work
    needs it see them on request, which is logged with the reason. A regulator and another bank see none.
    """
    if (
        user.is_regulator
        or user.institution is None
        or institution.head_office_path != user.institution.head_office_path
    ):
        return Sight.HIDDEN
    own = user.sees_inside(institution)
    if work:
        return Sight.CLEAR if own else Sight.ON_REQUEST
    if not own:
        return Sight.HIDDEN
    return Sight.ON_REQUEST if user.role in UNMASKERS else Sight.MASKED


def unmask(
    user: User,
    subject: models.Model,
    fields: Sequence[str],
    *,
    allowed: Sequence[str],
    institution: Institution,
    reason: str,
    work: bool = False,
    request: HttpRequest | None = None,
) -> dict[str, Any]:
    """The values of masked fields in full, as a logged act.

    Parameters
    ----------
    subject
        The row; whether the user may see it at all is asked by the caller's QuerySet.
    allowed
        The fields of that model that may be unmasked at all.
    institution
        Whose the row is.

    Raises
    ------
    NotMasked, ReasonMissing, MayNotUnmask, TooMuchUnmasked
    """
    if not fields or not set(fields) <= set(allowed):
        raise NotMasked(
            f"可查看的字段: {'、'.join(allowed)}。", f"These fields can be shown in full: {', '.join(allowed)}."
        )
    _check(user, {institution}, reason, work=work)
    _log(user, type(subject), [subject.pk], fields, institution, reason, request)
    return {field: getattr(subject, field) for field in fields}


def may_unmask_many(user: User) -> bool:
    """Whether somebody may take personal details in full out of the system: those who answer for them, not each field worker."""
    return user.role in HEADS and user.institution is not None


def unmask_many(
    user: User,
    model: type[models.Model],
    rows: Mapping[int, Institution],
    fields: Sequence[str],
    *,
    reason: str,
    request: HttpRequest | None = None,
) -> None:
    """Allow and log that masked fields of many rows, given with whose they are, leave in full: by the rule of `unmask`.

    Raises
    ------
    ReasonMissing, MayNotUnmask, TooMuchUnmasked
    """
    if not may_unmask_many(user):
        raise _may_not()
    most = _limits(user)["rows_at_once"]
    if len(rows) > most:
        raise TooMuchUnmasked(
            f"一次最多导出 {most:,} 条完整信息, 这里有 {len(rows):,} 条; 请缩小筛选范围。",
            f"At most {most:,} records leave in full at once, and these are {len(rows):,}: narrow the filter.",
            rows=len(rows),
        )
    _check(user, set(rows.values()), reason)
    _log(user, model, rows, fields, None, reason, request)


def _check(user: User, institutions: Collection[Institution], reason: str, *, work: bool = False) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        raise ReasonMissing(
            f"请写明查看完整信息的事由 (至少 {SHORTEST_REASON} 个字)。",
            f"Say why you need the full details (at least {SHORTEST_REASON} characters).",
        )
    if any(sight(user, one, work=work) not in {Sight.CLEAR, Sight.ON_REQUEST} for one in institutions):
        raise _may_not()


@transaction.atomic
def _log(
    user: User,
    model: type[models.Model],
    keys: Collection[int],
    fields: Sequence[str],
    institution: Institution | None,
    reason: str,
    request: HttpRequest | None,
) -> None:
    """Write the entry, within what one person may see in full in a day; several requests at once count one after the other."""
    User.objects.select_for_update().get(pk=user.pk)
    today = Entry.objects.filter(kind=Entry.Kind.UNMASK, user_id=user.pk, at__gte=timezone.now() - DAY)
    seen = today.aggregate(rows=Sum("rows"))["rows"] or 0
    most = _limits(user)["rows_a_day"]
    if seen + len(keys) > most:
        raise TooMuchUnmasked(
            f"24 小时内最多查看或导出 {most:,} 条完整信息, 已有 {seen:,} 条; 请明天再试, 或缩小范围。",
            f"At most {most:,} records are shown in full within 24 hours, and {seen:,} were: try tomorrow,"
            " or ask for fewer.",
            rows=len(keys),
            seen=seen,
        )
    record(
        Entry.Kind.UNMASK,
        user=user,
        institution=institution,
        table=model._meta.db_table,
        ids=keys,
        fields=fields,
        reason=reason.strip(),
        request=request,
    )


def _limits(user: User) -> dict[str, int]:
    return UnmaskSettings.limits(user.institution.path if user.institution else "")


def _may_not() -> MayNotUnmask:
    return MayNotUnmask(
        "您的角色不能查看完整信息; 请联系本机构的管理人员。",
        "Your role does not see these details in full. Ask a manager of the institution.",
    )


def mask_phone(number: str) -> str:
    """138****5678, 0728-****567: the first digits tell the kind, the last ones tell two numbers apart."""
    if "-" in number:
        area, _dash, local = number.partition("-")
        return f"{area}-{_middle(local, 0, 3)}"
    return _middle(number, 3, 4) if len(number) > 8 else _middle(number, 0, 3)


def mask_id(number: str) -> str:
    """429005********123X: division and the last four; the date of birth is hidden."""
    return _middle(number, 6, 4) if len(number) >= 15 else _middle(number, 1, 1)


MASKS = {"phone": mask_phone, "mobile": mask_phone, "id_number": mask_id, "id_card": mask_id}
NAMED = re.compile("|".join(MASKS))


def mask_field(field: str, value: Any) -> Any:
    """The value as the log shows it: masked where the field's name says that it is a telephone or an identity number."""
    found = NAMED.search(field)
    return MASKS[found[0]](value) if found and isinstance(value, str) else value


def _middle(text: str, first: int, last: int) -> str:
    """The text with its middle hidden; all of it where little would be."""
    hidden = len(text) - first - last
    return text[:first] + MASK * hidden + text[len(text) - last :] if hidden >= 3 else MASK * len(text)

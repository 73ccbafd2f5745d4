"""Who is told what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from layers.grids.models import HEADS, Plan
from layers.orgs.models import Institution, User
from layers.review.models import Notice
from layers.review.rights import REVIEWERS


def tell(users: Iterable[int], plan: Plan, kind: str, by: User | None = None, **facts: Any) -> None:
    """Leave a notice with each of the users, but not with who did it."""
    own = None if by is None else by.pk
    if by is not None:
        facts["by"] = by.get_full_name() or by.username
    Notice.objects.bulk_create(
        Notice(user_id=user, plan=plan, kind=kind, facts=facts) for user in sorted(set(users) - {own})
    )


def reviewers_of(plan: Plan) -> list[int]:
    """Users of the institution next above who review; for a head office, its heads."""
    above = Institution.objects.above(plan.institution).last()
    roles = HEADS if above is None else REVIEWERS
    users = User.objects.filter(institution=above or plan.institution, role__in=roles, is_active=True)
    return list(users.values_list("pk", flat=True))


def planners_of(plan: Plan) -> list[int]:
    """Planners, managers and administrators of the plan's institution, and of those below that work by it."""
    users = User.objects.filter(
        institution__in=Institution.objects.within(plan.institution), role__in=REVIEWERS, is_active=True
    )
    return list(users.values_list("pk", flat=True))


def notice_json(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.pk,
        "kind": notice.kind,
        "plan": {"id": notice.plan_id, "name": notice.plan.name},
        "text": _text(notice),
        "made_at": notice.made_at.isoformat(),
        "read": notice.read_at is not None,
    }


def _text(notice: Notice) -> str:
    facts = {"by": "", "note": "", "day": "", "old": "", "new": "", **notice.facts, "plan": notice.plan.name}
    sentence = {
        Notice.Kind.SUBMITTED: _("%(by)s 提交了方案“%(plan)s”, 请审定。"),
        Notice.Kind.APPROVED: _("%(by)s 同意了方案“%(plan)s”, 可以发布。"),
        Notice.Kind.RETURNED: _("%(by)s 退回了方案“%(plan)s”, 请按意见修改。"),
        Notice.Kind.PUBLISHED: _("方案“%(plan)s”将于 %(day)s 起生效。"),
        Notice.Kind.MOVED: _("自 %(day)s 起, 您负责的网格 %(old)s 调整为 %(new)s。"),
        Notice.Kind.VACATED: _("自 %(day)s 起, 您负责的网格 %(old)s 不再单独设置, 请等待重新安排。"),
    }[Notice.Kind(notice.kind)] % facts
    return f"{sentence} {facts['note']}".strip()

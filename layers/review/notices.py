"""Who is told what of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy

from layers.grids.models import Plan
from layers.notices import service
from layers.orgs.models import DECIDERS, Institution, User

SENTENCES = {
    "plan_submitted": gettext_lazy("%(by)s 提交了方案“%(plan)s”, 请审定。"),
    "plan_approved": gettext_lazy("%(by)s 同意了方案“%(plan)s”, 可以发布。"),
    "plan_returned": gettext_lazy("%(by)s 退回了方案“%(plan)s”, 请按意见修改。"),
    "plan_published": gettext_lazy("方案“%(plan)s”将于 %(day)s 起生效。"),
    "plan_moved": gettext_lazy("自 %(day)s 起, 您负责的网格 %(old)s 调整为 %(new)s。"),
    "plan_vacated": gettext_lazy("自 %(day)s 起, 您负责的网格 %(old)s 不再单独设置, 请等待重新安排。"),
}


def tell(users: Iterable[int], plan: Plan, kind: str, by: User | None = None, **facts: Any) -> None:
    """Leave a notice about a plan with each of the users, but not with who did it."""
    service.tell(users, f"plan_{kind}", f"/plans/{plan.pk}/review/", by, plan=plan.name, **facts)


def planners_of(plan: Plan) -> list[int]:
    """Planners, managers and administrators of the plan's institution, and of those below that work by it."""
    users = User.objects.filter(
        institution__in=Institution.objects.within(plan.institution), role__in=DECIDERS, is_active=True
    )
    return list(users.values_list("pk", flat=True))

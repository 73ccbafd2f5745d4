"""New drafts: copies of a plan, and empty ones."""

from __future__ import annotations

from django.db import connection, transaction

from layers.editing.service import locked_draft
from layers.grids.coverage import exact_cover
from layers.grids.models import IN_FORCE, Plan
from layers.orgs.models import Institution, User
from layers.review.models import Decision


def set_rule(plan_id: int, policy: str, overlap_limit: float) -> Plan:
    """Choose the coverage rule of a draft (ZG04): all its grids are held against it at once.

    Raises
    ------
    NotADraft, CoverageBroken
    """
    with transaction.atomic():
        plan = locked_draft(plan_id)
        with exact_cover(plan):
            plan.policy, plan.overlap_limit = policy, overlap_limit
            plan.save(update_fields=["policy", "overlap_limit"])
    return plan


def copy(plan: Plan, user: User, name: str, *, only_area: bool = False, institution: Institution | None = None) -> Plan:
    """A draft with all grids of a plan (or only its service area) under the same codes, and their counts.

    Its base is the plan itself if that was ever in force, else what that departs from. A plan of another institution, and
    one begun with only the service area, departs from nothing.
    """
    with transaction.atomic():
        # Shared: copies do not wait for each other, and no edit is half in the copy.
        plan = Plan.objects.select_for_update(of=("self",), no_key=True).select_related("institution").get(pk=plan.pk)
        owner = institution or plan.institution
        draft = Plan.objects.create(
            institution=owner,
            name=name,
            area_code=plan.area_code,
            level_names=plan.level_names,
            policy=plan.policy,
            overlap_limit=plan.overlap_limit,
            base_id=None
            if only_area or owner != plan.institution
            else plan.pk
            if plan.status in IN_FORCE
            else plan.base_id,
            synthetic=plan.synthetic,
            source=plan.source,
            created_by=user,
            private=True,
        )
        with exact_cover(draft):
            _copy_grids(plan, draft, only_area=only_area)
        Decision.objects.create(
            plan=draft, revision=draft.revision, kind=Decision.Kind.COPIED, author=user, details={"from": plan.pk}
        )
    return draft


def _copy_grids(plan: Plan, draft: Plan, *, only_area: bool) -> None:
    """One statement: the guard looks at all of them once."""
    values = {"plan": plan.pk, "draft": draft.pk, "deepest": 0 if only_area else 9}
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS copied_grid (old_id bigint, new_id bigint) ON COMMIT DELETE ROWS;"
            " DELETE FROM copied_grid;"
            " INSERT INTO copied_grid SELECT id, nextval(pg_get_serial_sequence('grid', 'id')) FROM grid"
            " WHERE plan_id = %(plan)s AND level <= %(deepest)s ORDER BY level, code;"
            " ANALYZE copied_grid;"
            " INSERT INTO grid (id, plan_id, parent_id, level, code, bank_code, name, kind, locked, geom)"
            " SELECT own.new_id, %(draft)s, above.new_id, level, code, bank_code, name, kind, locked, geom"
            " FROM grid JOIN copied_grid AS own ON own.old_id = grid.id"
            " LEFT JOIN copied_grid AS above ON above.old_id = grid.parent_id;"
            " INSERT INTO grid_count (grid_id, measure, value, as_of, synthetic)"
            " SELECT own.new_id, measure, value, as_of, synthetic"
            " FROM grid_count JOIN copied_grid AS own ON own.old_id = grid_count.grid_id",
            values,
        )

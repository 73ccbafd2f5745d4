"""A draft catches up with a plan that was published after it was begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely
from django.db import connection, transaction
from django.db.models import F
from shapely.geometry import mapping

from gis.edit.chain import chain_of, polygons_of
from gis.merge import Clash, Unit, Version, merge_versions
from layers.editing.faults import NotADraft
from layers.editing.store import new_ids
from layers.grids.coverage import exact_cover
from layers.grids.models import SRID, Plan
from layers.orgs.models import User
from layers.review.faults import PlansClash
from layers.review.models import Decision

FACTS = ("bank_code", "name", "kind", "locked")


def current_plan(plan: Plan) -> Plan | None:
    """The plan last published for the same institution and area, if it is another: at most one has no end."""
    published = Plan.objects.filter(
        institution=plan.institution_id, area_code=plan.area_code, status=Plan.Status.PUBLISHED
    )
    return published.exclude(pk=plan.pk).first()


def is_behind(plan: Plan) -> bool:
    """Whether another draft was published since the plan was begun."""
    current = current_plan(plan) if plan.base_id is not None else None
    return current is not None and current.pk != plan.base_id


def rebase(plan_id: int, user: User, resolve: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Take over into a draft what was published since it was begun.

    Raises
    ------
    PlansClash
        Both changed the same grids; `where` is both versions, and `resolve` says which to take: code → mine or theirs.
    """
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("institution").get(pk=plan_id)
        if plan.status != Plan.Status.DRAFT:
            raise NotADraft(
                f"方案“{plan.name}”不是草稿, 不能合入。",
                f"The plan {plan.name} is not a draft: nothing can be merged in.",
            )
        return rebase_locked(plan, user, resolve)


def rebase_locked(plan: Plan, user: User, resolve: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The same, for a plan whose row is locked already."""
    current = current_plan(plan)
    if current is None or plan.base_id in (None, current.pk):
        return {"rebased": False, "revision": plan.revision, "taken": [], "recoded": {}}
    base, mine, theirs = (_version(pk) for pk in (plan.base_id, plan.pk, current.pk))
    may_overlap = Plan.Policy.BOUNDED_OVERLAP in (plan.policy, current.policy)
    merged = merge_versions(base, mine, theirs, resolve, may_overlap=may_overlap)
    if merged.clashes:
        raise _clash(plan, current, merged.clashes, mine, theirs)
    with exact_cover(plan):
        _write(plan, mine, merged.units, merged.recoded)
        Plan.objects.filter(pk=plan.pk).update(revision=F("revision") + 1, base=current)
    plan.refresh_from_db(fields=["revision", "base"])
    taken = sorted(merged.theirs - merged.mine)
    details = {"onto": current.pk, "taken": taken, "recoded": dict(merged.recoded), "resolved": dict(resolve or {})}
    Decision.objects.create(plan=plan, revision=plan.revision, kind=Decision.Kind.REBASED, author=user, details=details)
    return {"rebased": True, "revision": plan.revision, "taken": taken, "recoded": dict(merged.recoded)}


def _version(plan_id: int | None) -> Version:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grid.code, parent.code, grid.level, ST_AsBinary(grid.geom), grid.bank_code, grid.name, grid.kind,"
            " grid.locked, NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id)"
            " FROM grid LEFT JOIN grid AS parent ON parent.id = grid.parent_id WHERE grid.plan_id = %s",
            [plan_id],
        )
        rows = cursor.fetchall()
    return {
        code: Unit(code, parent, level, chain_of(shapely.from_wkb(bytes(wkb))), is_leaf, tuple(facts))
        for code, parent, level, wkb, *facts, is_leaf in rows
    }


def _write(plan: Plan, mine: Version, merged: Version, recoded: Mapping[str, str]) -> None:
    """Make the rows of the plan the merged version; grids that stay keep their ids."""
    with connection.cursor() as cursor:
        for old, new in recoded.items():
            cursor.execute("UPDATE grid SET code = %s WHERE plan_id = %s AND code = %s", [new, plan.pk, old])
        cursor.execute("SELECT code, id FROM grid WHERE plan_id = %s", [plan.pk])
        ids = dict(cursor.fetchall())
        born = sorted(merged.keys() - ids.keys(), key=lambda code: (merged[code].level, code))
        ids |= dict(zip(born, new_ids(len(born)), strict=True))
        before = {recoded.get(code, code): unit for code, unit in mine.items()}
        kept = [code for code in merged if code in before and before[code] != merged[code]]
        if born:
            cursor.execute(
                "INSERT INTO grid (id, plan_id, parent_id, level, code, bank_code, name, kind, locked, geom)"
                " SELECT id, %s, parent_id, level, code, bank_code, name, kind, locked, ST_SetSRID(wkb::geometry, %s)"
                " FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::text[], %s::text[], %s::text[],"
                " %s::boolean[], %s::bytea[])"
                " AS new (id, parent_id, level, code, bank_code, name, kind, locked, wkb)",
                [plan.pk, SRID, *_columns(born, merged, ids)],
            )
        if kept:
            cursor.execute(
                "UPDATE grid SET parent_id = new.parent_id, level = new.level, bank_code = new.bank_code, name = new.name,"
                " kind = new.kind, locked = new.locked, geom = ST_SetSRID(wkb::geometry, %s)"
                " FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::text[], %s::text[], %s::text[],"
                " %s::boolean[], %s::bytea[])"
                " AS new (id, parent_id, level, code, bank_code, name, kind, locked, wkb) WHERE grid.id = new.id",
                [SRID, *_columns(kept, merged, ids)],
            )
        gone = [ids[code] for code in ids.keys() - merged.keys()]
        if gone:
            cursor.execute("DELETE FROM grid_count WHERE grid_id = ANY (%s)", [gone])
            cursor.execute("DELETE FROM grid WHERE id = ANY (%s)", [gone])


def _columns(codes: list[str], units: Version, ids: Mapping[str, int]) -> list[list[Any]]:
    chosen = [units[code] for code in codes]
    facts = [dict(zip(FACTS, unit.facts, strict=True)) for unit in chosen]
    return [
        [ids[code] for code in codes],
        [None if unit.parent is None else ids[unit.parent] for unit in chosen],
        [unit.level for unit in chosen],
        codes,
        [each["bank_code"] for each in facts],
        [each["name"] for each in facts],
        [each["kind"] for each in facts],
        [each["locked"] for each in facts],
        [polygons_of(unit.border).wkb for unit in chosen],
    ]


def _clash(plan: Plan, current: Plan, clashes: list[Clash], mine: Version, theirs: Version) -> PlansClash:
    features, listed = [], []
    for number, clash in enumerate(clashes, start=1):
        names = {
            code: str(
                (mine.get(code) or theirs.get(code) or Unit(code, None, 0, frozenset(), True, ("", code))).facts[1]
            )
            for code in clash.codes
        }
        listed.append(
            {
                "number": number,
                "codes": sorted(clash.codes),
                "both": sorted(clash.both),
                "names": [names[code] for code in sorted(clash.codes)],
            }
        )
        for side, version in (("mine", mine), ("theirs", theirs)):
            features += [
                {
                    "type": "Feature",
                    "properties": {"number": number, "side": side, "code": code, "name": names[code]},
                    "geometry": mapping(polygons_of(version[code].border)),
                }
                for code in sorted(clash.codes)
                if code in version
            ]
    names_all = "、".join(name for each in listed for name in each["names"][:3])
    return PlansClash(
        f"“{current.name}”在您之后发布, 与本方案都改动了 {names_all}; 请逐处选择采用哪一方的版本 (见图)。",
        f"{current.name} was published meanwhile, and both plans changed {names_all}: choose, for each place, which version"
        " to take (see the map).",
        where={"type": "FeatureCollection", "features": features},
        clashes=listed,
        current={"id": current.pk, "name": current.name},
        plan=plan.pk,
    )

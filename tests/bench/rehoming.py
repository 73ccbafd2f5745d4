"""Giving places their grids anew when a changed plan comes into force."""

from __future__ import annotations

from itertools import islice
from statistics import median

from django.contrib.gis.geos import MultiPolygon
from django.db import connection, transaction
from django.utils import timezone

from layers.grids.models import SRID, Grid, Plan
from layers.orgs.models import User
from layers.review.versions import copy
from tests.bench.table import Line, slower, timed

MERGED = 100
ROUNDS = 7


def rehoming(plan: Plan) -> Line:
    """A copy in which grids have gone to their neighbours, published; beside an UPDATE of as many rows. All is rolled back."""
    draft, gone, kept = _changed(plan)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE version AS SELECT id, xmin::text AS was FROM place")
        cursor.execute("SELECT count(*) FROM place WHERE grid_code = ANY (%s)", [gone])
        touched = cursor.fetchone()[0]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_publish(plan, draft, gone))
        theirs.append(_bare_update(kept, touched))
        with connection.cursor() as cursor:
            cursor.execute("VACUUM place")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM place")
        what = f"re-homing {touched:,} of {cursor.fetchone()[0]:,} after a change, median of {ROUNDS}"
    return slower(what, median(ours), "bare UPDATE of as many rows", median(theirs), "≤ 2")


def _publish(plan: Plan, draft: Plan, gone: list[str]) -> float:
    """Seconds that the commit takes for the homes; every place outside the changed grids is the row that it was."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(id ORDER BY id) FROM place WHERE grid_code = ANY (%s)", [gone])
        moving = cursor.fetchone()[0]
        plan.status, plan.valid_to = Plan.Status.RETIRED, timezone.localdate()
        plan.save()
        draft.status, draft.valid_from = Plan.Status.PUBLISHED, timezone.localdate()
        draft.save()
        seconds = timed(lambda: cursor.execute("SET CONSTRAINTS plan_moves_homes IMMEDIATE"))
        cursor.execute(
            "SELECT array_agg(id ORDER BY id) FROM place JOIN version USING (id) WHERE place.xmin::text <> version.was"
        )
        assert cursor.fetchone()[0] == moving
        cursor.execute("SELECT count(*) FROM place WHERE grid_code = ANY (%s)", [gone])
        assert cursor.fetchone() == (0,)
        transaction.set_rollback(True)
    return seconds


def _bare_update(codes: list[str], count: int) -> float:
    """Seconds of writing the same column of as many rows of the same grids, without triggers: in replica mode the log's would still fire."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("ALTER TABLE place DISABLE TRIGGER USER")
        seconds = timed(
            lambda: cursor.execute(
                "UPDATE place SET grid_code = grid_code || '' WHERE id IN (SELECT id FROM place WHERE grid_code = ANY (%s) LIMIT %s)",
                [codes, count],
            )
        )
        assert cursor.rowcount == count
        transaction.set_rollback(True)
    return seconds


def _changed(plan: Plan) -> tuple[Plan, list[str], list[str]]:
    """An approved copy, with the codes that are gone and those of the neighbours that they went to."""
    draft = copy(plan, User.objects.get(username="planner"), "bench")
    pairs = _neighbours(draft, MERGED)
    with transaction.atomic():
        for gone, other in pairs:
            joined = gone.geom.union(other.geom)
            if joined.geom_type != "MultiPolygon":
                joined = MultiPolygon(joined, srid=SRID)
            Grid.objects.filter(pk=gone.pk).delete()
            Grid.objects.filter(pk=other.pk).update(geom=joined)
    for status in (Plan.Status.SUBMITTED, Plan.Status.APPROVED):
        draft.status = status
        draft.save()
    return draft, [gone.code for gone, _ in pairs], [other.code for _, other in pairs]


def _neighbours(plan: Plan, count: int) -> list[tuple[Grid, Grid]]:
    """Two leaves side by side below each of so many parents."""
    pairs: list[tuple[Grid, Grid]] = []
    for parent in Grid.objects.filter(plan=plan, level=2).order_by("code"):
        leaves = list(Grid.objects.filter(parent=parent).order_by("code"))
        sides = ((leaves[0], other) for other in leaves[1:] if leaves[0].geom.intersection(other.geom).length > 0)
        pairs += islice(sides, 1)
        if len(pairs) == count:
            break
    return pairs

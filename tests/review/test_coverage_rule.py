"""ZG04: a planner chooses whether urban grids may overlap, and by how much; what does not keep to it is refused."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import connection

from layers.grids.coverage import audit
from layers.grids.models import Grid, Plan
from tests.api.world import assert_fault
from tests.factories import CORNER, SIDE, grid
from tests.review.test_review_steps import JSON, Office, bearer, make_office

S = SIDE // 4


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


def choose(office: Office, plan: Plan, policy: str, limit: float = 0.05, who: object = None) -> object:
    body = {"policy": policy, "overlap_limit": limit}
    client = bearer(who or office.planner)
    return client.put(f"/api/plans/{plan.pk}/coverage-rule", body, content_type=JSON)


def overlap(plan: Plan, share: float) -> None:
    """Leaf 001001 is drawn over its neighbour to the east, which stays as it is; as a client of the database does it."""
    (x, y), step = CORNER, round(S * share)
    ring = [(x, y), (x + S, y), (x + S + step, y), (x + S + step, y + S), (x + S, y + S), (x, y + S), (x, y)]
    text = ", ".join(f"{a / 1e7:.7f} {b / 1e7:.7f}" for a, b in ring)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE grid SET geom = ST_GeomFromText(%s, 4490) WHERE id = %s",
            [f"MULTIPOLYGON((({text})))", grid(plan, "001001").pk],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.domain("ZG04")
@pytest.mark.django_db(transaction=True)
def test_urban_grids_may_overlap_within_the_limit_that_the_planner_sets() -> None:
    """城区允许适当交叉但不过度交叉, 农村填补空白."""
    office = make_office()
    draft = office.draft()
    Grid.objects.filter(plan=draft).update(kind="urban")
    with pytest.raises(Exception, match="do not cover it exactly"):
        overlap(draft, 0.04)
    report = choose(office, draft, "bounded_overlap", 0.05).json()
    assert report["exact"] and (report["policy"], report["overlap_limit"]) == ("bounded_overlap", 0.05)
    overlap(draft, 0.04)
    with pytest.raises(Exception, match="overlap above the limit"):
        overlap(draft, 0.06)
    # Printed wherever the coverage is reported.
    out = io.StringIO()
    call_command("audit_coverage", plan=draft.pk, stdout=out)
    assert "城区允许适当交叉" in out.getvalue() and "5.0%" in out.getvalue() and "无重叠" not in out.getvalue()
    client = bearer(office.planner)
    assert client.get(f"/api/plans/{draft.pk}/coverage").json()["overlap_limit"] == 0.05
    assert client.get(f"/api/plans/{draft.pk}").json()["overlap_limit"] == 0.05
    # A stricter rule is refused while the grids overlap, with the place; nothing is changed.
    for policy, limit in (("bounded_overlap", 0.03), ("partition", 0.05)):
        fault = choose(office, draft, policy, limit)
        assert_fault(fault, 409, "coverage_broken")
        assert fault.json()["where"]["features"]
    draft.refresh_from_db()
    assert (draft.policy, draft.overlap_limit) == ("bounded_overlap", 0.05) and not audit(draft)
    # Rural land below the same plan: no overlap at all.
    with pytest.raises(Exception, match="do not cover it exactly"), connection.cursor() as cursor:
        cursor.execute("UPDATE grid SET kind = 'rural' WHERE plan_id = %s AND level = 1", [draft.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    # The copy follows, and the plan comes into force with its rule.
    again = Plan.objects.get(pk=office.ok(draft.pk, "copy", name="再调整")["id"])
    assert (again.policy, again.overlap_limit) == ("bounded_overlap", 0.05)
    office.publish(office.approved(draft))
    draft.refresh_from_db()
    assert draft.status == "published" and not audit(draft)


def test_who_may_choose_and_when(office: Office) -> None:
    draft = office.draft()
    assert_fault(choose(office, draft, "bounded_overlap", who=office.reviewer), 403, "not_allowed")
    assert choose(office, draft, "anything").status_code == 422
    for limit in (0, -1, 0.6):
        assert choose(office, draft, "bounded_overlap", limit).status_code == 422
    assert_fault(choose(office, office.plan, "bounded_overlap"), 409, "not_a_draft")
    office.ok(draft.pk, "submit")
    assert_fault(choose(office, draft, "bounded_overlap"), 409, "not_a_draft")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("split", ["004004", "001004"], ids=["elsewhere", "beside it"])
def test_a_draft_with_overlaps_takes_over_what_was_published_meanwhile(split: str) -> None:
    office = make_office()
    draft, other = office.draft("甲"), office.draft("乙")
    Grid.objects.filter(plan=draft, code__in=["429005001", "429005001001", "429005001002"]).update(kind="urban")
    choose(office, draft, "bounded_overlap", 0.1)
    overlap(draft, 0.04)
    line = {"004004": ((3.5, 2.9), (3.5, 4.1)), "001004": ((1.5, 0.9), (1.5, 2.1))}[split]
    office.split(other, split, *line)
    office.publish(office.approved(other))
    office.publish(office.approved(draft))
    draft.refresh_from_db()
    assert draft.base == other and draft.status == "published" and not audit(draft)
    assert grid(draft, f"{split[:3]}005").name == f"村 {split[:3]}005"
    one, beside = grid(draft, "001001").geom, grid(draft, "001002").geom
    assert one.intersection(beside).area == pytest.approx(0.04 * beside.area, rel=1e-3)

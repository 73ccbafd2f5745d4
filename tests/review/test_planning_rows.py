"""Rows of the source plans that one planner's way through the whole product proves, each as its user would go it."""

from __future__ import annotations

import pytest
import shapely
from django.contrib.gis.geos import Point
from django.utils import timezone

from layers.grids.coverage import audit, shape_of
from layers.grids.models import SRID, Grid
from layers.rules.models import Rule
from layers.staff.models import Assignment
from tests.factories import AssignmentFactory, OutletFactory, StaffFactory, grid
from tests.partition.test_dividing import Town, degrees
from tests.review.test_review_steps import Office, bearer, make_office


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


@pytest.mark.domain("XF01")
def test_three_levels_and_the_large_node_absorbs_the_small_one(office: Office) -> None:
    """区中心网格 → 街道平台 → 终端节点, 以大吸收小: code, person and history stay with the larger one."""
    names = ["区中心网格", "街道平台", "终端节点"]
    large, small = grid(office.plan, "001001"), grid(office.plan, "001002")
    people = {each.pk: StaffFactory(institution=office.branch) for each in (large, small)}
    for each in (large, small):
        AssignmentFactory(staff=people[each.pk], grid=each)
    draft = office.draft()
    office.edit(draft, "levels", names=names)
    office.edit(draft, "merge", grids=[grid(draft, "001001").pk, grid(draft, "001002").pk])
    assert not audit(draft) and not Grid.objects.filter(plan=draft, code=small.code).exists()
    joined = shape_of(grid(draft, "001001"))
    assert joined.equals(shapely.union_all([shape_of(large), shape_of(small)]))
    answer = office.publish(office.approved(draft))
    assert [row["name"] for row in answer["people"]["vacated"]] == [people[small.pk].name]
    x, y = small.geom.point_on_surface.coords
    found = bearer(office.planner).get("/api/locate", {"lon": x, "lat": y}).json()
    assert [one["level_name"] for one in found["chain"]] == names and found["chain"][-1]["code"] == large.code
    serving = Assignment.objects.filter(grid__plan=draft).on(timezone.localdate())
    assert [each.staff for each in serving] == [people[large.pk]]


@pytest.mark.domain("OB04")
def test_every_community_has_its_point_and_every_point_its_grid(db: None) -> None:
    """站—点, 合理设点: the rule names the communities without a point; round the points each gets its own grid."""
    town = Town()
    home = town.plan.institution
    Rule.objects.create(institution=home, name="每个社区至少一个点", measure="outlets", level=0, low=1)

    def without() -> set[str]:
        answer = town.client.get(f"/api/plans/{town.plan.pk}/broken").json()
        return {one["code"] for one in answer["broken"]}

    assert without() == {town.village(number).code for number in (1, 2, 3, 4)}
    for name, place in {"甲站": (1.3, 0.4), "乙站": (1.7, 0.6)}.items():
        OutletFactory(institution=home, name=name, geom=Point(*degrees(*place), srid=SRID))
    assert without() == {town.village(number).code for number in (1, 3, 4)}
    # By a count the points may fall together; round them each grid has one.
    town.done("partition", grid=town.village(2).pk, around="outlets", even=True, apply=True, base_revision=1)
    assert not audit(town.plan) and town.village(2).children.count() == 2
    assert not without() & set(town.village(2).children.values_list("code", flat=True))


@pytest.mark.domain("OC06", "MY01")
@pytest.mark.parametrize(("preset", "low", "high"), [("oc06", 200, 300), ("my01", 240, 360)])
def test_grids_of_a_preset_size_keep_its_rule(db: None, preset: str, low: int, high: int) -> None:
    """200–300 户 / 约 300 户: the preset is adopted, the village is divided by it, and no grid breaks the rule."""
    town = Town()
    Rule.objects.all().delete()
    admin = town.user
    admin.role = "administrator"
    admin.save()
    assert town.client.post(f"/api/rules/presets/{preset}", content_type="application/json").status_code in (200, 201)
    village = town.village(2)
    answer = town.done("partition", grid=village.pk, low=low, high=high, apply=True, base_revision=1)
    assert all(low <= row["weight"] <= high for row in answer["table"]) and not audit(town.plan)
    ids = ",".join(str(pk) for pk in village.children.values_list("pk", flat=True))
    broken = town.client.get(f"/api/plans/{town.plan.pk}/broken?grids={ids}").json()["broken"]
    assert not [one for one in broken if one["measure"] in ("households", "pieces")], broken


def test_plans_are_compared_across_years(office: Office) -> None:
    """A plan that was retired two publications ago beside the one in force, and the other way round."""
    first = office.plan
    for name, code, line in (("一", "001001", ((0.5, -0.1), (0.5, 1.1))), ("二", "004004", ((3.5, 2.9), (3.5, 4.1)))):
        draft = office.draft(name)
        office.split(draft, code, *line)
        office.publish(office.approved(draft))
        office.plan = draft
    client = bearer(office.planner)
    there = client.get(f"/api/plans/{first.pk}/compare/{office.plan.pk}").json()["summary"]
    back = client.get(f"/api/plans/{office.plan.pk}/compare/{first.pk}").json()["summary"]
    assert (there["added"], there["removed"]) == (2, 0) == (back["removed"], back["added"])
    assert there["changed"] == back["changed"] == 2 and there["moved_m2"] == pytest.approx(back["moved_m2"], rel=1e-3)

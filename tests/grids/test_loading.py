"""Random plans: every exact one is loaded, and no corruption of a single vertex gets in."""

from __future__ import annotations

import pytest
import shapely
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from gis.lattice import is_on_lattice
from layers.grids.coverage import CoverageBroken, audit, exact_cover
from layers.grids.loading import GridRecord, load_grids
from layers.grids.models import Grid, Plan
from tests.factories import LEVEL_NAMES, PlanFactory, square_records
from tests.gis.strategies import Tree, move_vertex, trees

pytestmark = pytest.mark.django_db
few = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
moves = st.tuples(st.integers(-300, 300), st.integers(-300, 300)).filter(any)


def records_of(tree: Tree) -> list[GridRecord]:
    """The tree as records, each coded by its level and number."""
    return [
        GridRecord(f"{level}-{i}", f"{level - 1}-{parent}" if level else None, "", level, "rural", shape)
        for level, (shapes, parents) in enumerate(zip(tree.geometries, tree.parents, strict=True))
        for i, (shape, parent) in enumerate(zip(shapes, parents, strict=True))
    ]


def load(records: list[GridRecord]) -> Plan:
    plan = PlanFactory(level_names=list(LEVEL_NAMES[:4]))
    load_grids(plan, records)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return plan


def parts(shape: BaseGeometry) -> set[BaseGeometry]:
    return set(shapely.get_parts(shapely.normalize(shape)))


@few
@given(trees(levels=3))
def test_every_exact_plan_is_loaded_as_it_is(tree: Tree):
    records = records_of(tree)
    plan = load(records)
    assert audit(plan) == []
    stored = {grid.code: shapely.from_wkb(bytes(grid.geom.wkb)) for grid in Grid.objects.filter(plan=plan)}
    assert all(parts(stored[record.code]) == parts(record.geometry) for record in records)


@few
@given(trees(levels=3), st.integers(0, 10**6), st.integers(0, 10**6), moves)
def test_no_corruption_of_a_single_vertex_gets_in(tree: Tree, which: int, vertex: int, move: tuple[int, int]):
    records = records_of(tree)
    which %= len(records)
    corrupt = move_vertex(records[which].geometry, vertex, *move)
    assume(not corrupt.equals_exact(records[which].geometry))
    records[which] = GridRecord(
        **{name: getattr(records[which], name) for name in GridRecord.__slots__} | {"geometry": corrupt}
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        load(records)


def test_text_with_tabs_newlines_and_backslashes_comes_back_as_it_was():
    [root, *children] = square_records(2)
    odd = "a\tb\nc\r\\N\\.\\\\ 潜江 <img src=x>"
    plan = load([GridRecord(root.code, None, odd, 0, "rural", root.geometry, odd), *children])
    assert Grid.objects.values_list("name", "bank_code").get(plan=plan, level=0) == (odd, odd)


def test_what_is_stored_is_on_the_lattice():
    plan = load(square_records(3))
    assert all(is_on_lattice(shapely.from_wkb(bytes(grid.geom.wkb))) for grid in Grid.objects.filter(plan=plan))


def test_a_broken_change_says_where():
    plan = load(square_records(2))
    with pytest.raises(CoverageBroken) as caught, exact_cover(plan):
        Grid.objects.get(plan=plan, code="429005001").delete()
    fault = caught.value
    assert "429005" in fault.zh and "429005" in fault.en
    [gap] = fault.where["features"]
    assert gap["properties"]["kind"] == "gap" and gap["properties"]["parent"] == "429005"
    assert gap["properties"]["area_m2"] == pytest.approx(450_000, rel=0.05)
    assert Grid.objects.filter(plan=plan).count() == 5


def test_another_fault_inside_is_not_taken_for_a_broken_cover():
    plan = load(square_records(2))
    with pytest.raises(IntegrityError, match="grid_code_is_unique"), exact_cover(plan):
        Grid.objects.filter(plan=plan).update(code="x")

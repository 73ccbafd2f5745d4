"""Two writers at once, with real connections: whatever they do, in whatever order they commit, no cover is torn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg2
import pytest
import shapely

from layers.grids.models import Grid, Plan
from tests.factories import LEVEL_NAMES, SIDE, square_plan
from tests.sql.client import Client
from tests.sql.test_writes import moved, shape

WEST, LEAF = "429005001", "429005001001"
Q = SIDE // 4
CANNOT_SERIALISE, DEADLOCK, BROKEN, FROZEN = "40001", "40P01", "23514", "55000"
Work = Callable[[Client], object]


@pytest.fixture
def plan(committed_db: None) -> Plan:
    """Three levels, 1 › 4 › 16, and names for two more."""
    return square_plan(2, levels=3, level_names=list(LEVEL_NAMES))


def race(leading: tuple[Client, Work], trailing: tuple[Client, Work]) -> list[str | None]:
    """Both do their work, the trailing one after the leading one, and then commit at once; the SQLSTATE of each, or None.

    Where the trailing one has to wait for the other's commit, the barrier gives up waiting for it.
    """
    begun, barrier = threading.Event(), threading.Barrier(2)

    def attempt(client: Client, work: Work, is_leading: bool) -> str | None:
        try:
            if not is_leading:
                begun.wait(5)
            try:
                work(client)
            finally:
                begun.set()
            with suppress(threading.BrokenBarrierError):
                barrier.wait(0.4)
            client.commit()
        except psycopg2.Error as error:
            client.rollback()
            return error.pgcode
        return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = [pool.submit(attempt, *leading, True), pool.submit(attempt, *trailing, False)]
        return [outcome.result(timeout=20) for outcome in outcomes]


def reshaping(plan: Plan, shapes: dict[str, shapely.Geometry]) -> Work:
    def work(client: Client) -> None:
        for code, geometry in shapes.items():
            client.reshape(plan, code, geometry)

    return work


def node_moved(plan: Plan, x: int, y: int, dx: int, dy: int) -> dict[str, shapely.Geometry]:
    """The grids with a vertex at (x, y), with it moved, as they were when this was asked."""
    old = {grid.code: shape(plan, grid.code) for grid in Grid.objects.filter(plan=plan)}
    new = {code: moved(geometry, x, y, dx, dy) for code, geometry in old.items()}
    return {code: new[code] for code in sorted(old) if new[code] != old[code]}


def still_exact(client: Client) -> bool:
    return client.faults() == []


def test_edits_of_different_borders_below_one_parent_do_not_hinder_each_other(plan: Plan, two: tuple[Client, Client]):
    works = [reshaping(plan, node_moved(plan, x, y, 50, 70)) for x, y in ((Q, Q), (3 * Q, 3 * Q))]
    assert race((two[0], works[0]), (two[1], works[1])) == [None, None]
    assert still_exact(two[0])


def test_of_two_edits_of_one_border_the_later_is_whole_or_refused(plan: Plan, two: tuple[Client, Client]):
    works = [reshaping(plan, node_moved(plan, Q, Q, *by)) for by in ((50, 70), (-30, 40))]
    first, second = race((two[0], works[0]), (two[1], works[1]))
    assert first is None and second in (None, CANNOT_SERIALISE)
    assert still_exact(two[0])


@pytest.mark.parametrize("turned", [False, True])
def test_a_stale_overwrite_on_a_crossing_set_is_refused(plan: Plan, two: tuple[Client, Client], turned: bool):
    """Two nodes of the border between two leaves: both edits rewrite both leaves, each without the other's move."""
    works = [reshaping(plan, node_moved(plan, x, y, 50, 70)) for x, y in ((Q, Q), (2 * Q, Q))]
    first, second = race((two[0], works[turned]), (two[1], works[not turned]))
    assert first is None and second in (BROKEN, CANNOT_SERIALISE)
    assert still_exact(two[0])


def halves(plan: Plan, code: str) -> Work:
    """Subdivide a leaf into two, edge-matched with it."""
    whole = shapely.get_coordinates(shape(plan, code))
    (west, south), (east, north) = whole.min(axis=0), whole.max(axis=0)
    diagonal = [
        shapely.Polygon([(west, south), (east, south), (east, north)]),
        shapely.Polygon([(west, south), (east, north), (west, north)]),
    ]

    def work(client: Client) -> None:
        for i, half in enumerate(diagonal, start=1):
            client.add(plan, f"{code}-{threading.get_ident()}-{i}"[-32:], half, parent=code)

    return work


def test_only_one_of_two_can_subdivide_a_leaf(plan: Plan, two: tuple[Client, Client]):
    first, second = race((two[0], halves(plan, LEAF)), (two[1], halves(plan, LEAF)))
    assert first is None and second in (BROKEN, CANNOT_SERIALISE)
    assert Grid.objects.filter(parent__code=LEAF).count() == 2
    assert still_exact(two[0])


@pytest.mark.parametrize("turned", [False, True])
def test_a_leaf_is_not_subdivided_while_its_border_moves(plan: Plan, two: tuple[Client, Client], turned: bool):
    works = [halves(plan, LEAF), reshaping(plan, node_moved(plan, Q, Q, 50, 70))]
    first, second = race((two[0], works[turned]), (two[1], works[not turned]))
    assert first is None and second in (BROKEN, CANNOT_SERIALISE)
    assert still_exact(two[0])


@pytest.mark.parametrize("turned", [False, True])
def test_a_leaf_is_not_subdivided_while_it_is_deleted(plan: Plan, two: tuple[Client, Client], turned: bool):
    def deleting(client: Client) -> None:
        client.run("DELETE FROM grid WHERE code LIKE %(code)s AND level = 2", code=f"{WEST}%")

    works = [halves(plan, LEAF), deleting]
    outcomes = race((two[0], works[turned]), (two[1], works[not turned]))
    assert outcomes.count(None) == 1 and set(outcomes) <= {None, "23503", BROKEN, CANNOT_SERIALISE}
    assert still_exact(two[0])


def publishing(client: Client) -> None:
    client.run("UPDATE plan SET status = 'published', valid_from = '2026-01-01' WHERE status = 'approved'")


@pytest.fixture
def approved(committed_db: None) -> Plan:
    return square_plan(2, levels=3, status="approved")


def test_a_publication_waits_for_an_edit(approved: Plan, two: tuple[Client, Client]):
    edit = reshaping(approved, node_moved(approved, Q, Q, 50, 70))
    assert race((two[0], edit), (two[1], publishing)) == [None, None]
    assert still_exact(two[0])


def test_an_edit_comes_too_late_after_a_publication(approved: Plan, two: tuple[Client, Client]):
    edit = reshaping(approved, node_moved(approved, Q, Q, 50, 70))
    before = shape(approved, LEAF)
    two[1].run("SELECT 1 FROM grid")
    first, second = race((two[0], publishing), (two[1], edit))
    assert first is None and second in (FROZEN, CANNOT_SERIALISE)
    assert shape(approved, LEAF) == before


def test_what_was_just_deleted_is_not_published(approved: Plan, two: tuple[Client, Client]):
    two[1].run("SELECT 1 FROM grid")
    first, second = race((two[0], lambda client: client.run("DELETE FROM grid")), (two[1], publishing))
    assert first is None and second in (FROZEN, CANNOT_SERIALISE)
    assert not Plan.objects.filter(status="published").exists()


def test_a_deadlock_ends_with_one_edit_done(plan: Plan, two: tuple[Client, Client]):
    """A border between two parents, edited from either side, one statement a grid."""
    shapes = node_moved(plan, 2 * Q, Q, 50, 70)
    met = threading.Barrier(2)

    def attempt(client: Client, codes: list[str]) -> str | None:
        try:
            client.reshape(plan, codes[0], shapes[codes[0]])
            with suppress(threading.BrokenBarrierError):
                met.wait(3)
            reshaping(plan, {code: shapes[code] for code in codes[1:]})(client)
            client.commit()
        except psycopg2.Error as error:
            client.rollback()
            return error.pgcode
        return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, two, (list(shapes), list(shapes)[::-1]), timeout=20))
    assert sorted(outcomes, key=str) in ([DEADLOCK, None], [CANNOT_SERIALISE, DEADLOCK])
    assert still_exact(two[0])

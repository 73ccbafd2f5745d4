"""The coverage guard: bulk load, full audit, commit of one border move."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import shapely

from tests.bench.lattice_plan import COLUMNS, cells, copy_text, ewkb, rectangle
from tests.bench.table import Line, faster, in_turn, slower, timed

SIZES = {"large": (400, 250), "small": (40, 25)}
"""Columns × rows: 100,000 grids and 1,000."""
BARE = """
CREATE TABLE bare (id bigint PRIMARY KEY, plan_id bigint, parent_id bigint, level smallint, code varchar(32), bank_code varchar(40),
                   name varchar(120), kind varchar(8), geom geometry(MultiPolygon, 4490));
CREATE INDEX ON bare USING gist (geom);
"""
SELF_JOIN = """
SELECT count(*) FROM grid AS a JOIN grid AS b
    ON a.parent_id = b.parent_id AND a.id < b.id AND a.geom && b.geom AND ST_Relate(a.geom, b.geom, '2********')
WHERE a.plan_id = %(plan)s AND b.plan_id = %(plan)s
"""
UNION = """
SELECT ST_Area(ST_SymDifference(parent.geom, (SELECT ST_Union(geom) FROM grid WHERE parent_id = parent.id)))
FROM grid AS parent WHERE parent.plan_id = %(plan)s AND parent.level = 0
"""


def run(connection: Any) -> Iterator[Line]:
    """Loads a plan of 100,000 grids and one of 1,000, and measures on them."""
    cursor = connection.cursor()
    cursor.execute(BARE)
    plans = {name: _plan(cursor, name, *size) for name, size in SIZES.items()}
    connection.commit()

    large, root = plans["large"]
    text = copy_text(large, root, 1_000_000, *SIZES["large"])
    yield _load(connection, text)
    small, small_root = plans["small"]
    cursor.copy_expert(f"COPY grid ({COLUMNS}) FROM STDIN", copy_text(small, small_root, 2_000_000, *SIZES["small"]))
    connection.commit()
    connection.autocommit = True
    cursor.execute("VACUUM ANALYZE grid")
    connection.autocommit = False

    yield from _audit(cursor, large)
    connection.commit()
    yield _move(connection)


def _plan(cursor: Any, name: str, columns: int, rows: int) -> tuple[int, int]:
    cursor.execute(
        "INSERT INTO institution (path, depth, numchild, code, name, kind, synthetic)"
        " VALUES (%s, 1, 0, %s, %s, 'head_office', true) RETURNING id",
        [f"BN{name[:2].upper()}", f"bench-{name}", name],
    )
    institution = cursor.fetchone()[0]
    cursor.execute(
        "INSERT INTO plan (institution_id, name, area_code, level_names, status, policy, overlap_limit, revision, synthetic,"
        " source, created_at) VALUES (%s, %s, 'bench', '{a,b}', 'draft', 'partition', 0, 1, true, '', now()) RETURNING id",
        [institution, name],
    )
    plan = cursor.fetchone()[0]
    cursor.execute(
        "INSERT INTO grid (plan_id, level, code, bank_code, name, kind, geom) VALUES (%s, 0, 'bench', '', 'bench', 'rural', %s)"
        " RETURNING id",
        [plan, ewkb(rectangle(0, 0, columns, rows))],
    )
    return plan, cursor.fetchone()[0]


def _load(connection: Any, text: io.StringIO) -> Line:
    cursor = connection.cursor()

    def copy(table: str) -> Callable[[], None]:
        def load() -> None:
            text.seek(0)
            cursor.copy_expert(f"COPY {table} ({COLUMNS}) FROM STDIN", text)
            connection.commit()

        return load

    def empty() -> None:
        cursor.execute("TRUNCATE bare")
        cursor.execute("DELETE FROM grid WHERE id BETWEEN 1000000 AND 1999999")
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM FULL grid")
        connection.autocommit = False

    pairs = []
    for _ in range(3):
        empty()
        pairs.append((timed(copy("grid")), timed(copy("bare"))))
    ours, theirs = median(a for a, _ in pairs), median(b for _, b in pairs)
    return slower("guarded COPY of 100,000 grids", ours, "unguarded table with GiST", theirs, "≤ 5")


def _audit(cursor: Any, plan: int) -> Iterator[Line]:
    def audit() -> None:
        cursor.execute("SELECT * FROM audit_coverage(ARRAY[%s]::bigint[])", [plan])
        assert cursor.fetchall() == []

    def postgis() -> None:
        cursor.execute(SELF_JOIN, {"plan": plan})
        assert cursor.fetchone()[0] == 0
        cursor.execute(UNION, {"plan": plan})
        assert cursor.fetchone()[0] == 0

    audit()
    ours = min(timed(audit) for _ in range(5))
    yield faster("full audit of 100,000 grids", ours, "PostGIS self-join + ST_Union", timed(postgis), "≥ 100")

    shapes = list(cells(*SIZES["large"]))

    def with_shapely() -> None:
        assert shapely.coverage_is_valid(shapes)
        shapely.coverage_union_all(shapes)

    ours, theirs = in_turn(audit, with_shapely, 3)
    yield faster("full audit of 100,000 grids", ours, "shapely coverage_is_valid + union", theirs, "≥ 10")


def _move(connection: Any) -> Line:
    """One vertex of a common border moved by one step and back, in one statement, committed."""

    def mover(first_id: int, rows: int) -> Callable[[], None]:
        # Two grids above one another in the middle of the plan; the moved vertex is inside their common border.
        below = first_id + (rows // 2) * rows // rows * rows + rows // 2
        cursor = connection.cursor()
        cursor.execute("SELECT ST_AsBinary(geom) FROM grid WHERE id IN (%s, %s) ORDER BY id", [below, below + 1])
        pair = [shapely.from_wkb(bytes(row[0])) for row in cursor.fetchall()]
        shared = shapely.get_coordinates(pair[0].intersection(pair[1]))
        shared = shared[shared[:, 0].argsort()]
        place = shared[len(shared) // 2]
        moved = [_with_vertex(grid, place, place + np.array([0, 1e-6])) for grid in pair]
        connection.commit()
        state = {"moved": False}

        def move() -> None:
            grids = pair if state["moved"] else moved
            state["moved"] = not state["moved"]
            cursor.execute(
                "UPDATE grid SET geom = new.geom FROM (VALUES (%s::bigint, %s::geometry), (%s, %s)) AS new (id, geom)"
                " WHERE grid.id = new.id",
                [below, ewkb(grids[0]), below + 1, ewkb(grids[1])],
            )
            assert cursor.rowcount == 2
            connection.commit()

        return move

    ours, theirs = in_turn(mover(1_000_000, SIZES["large"][1]), mover(2_000_000, SIZES["small"][1]), 200)
    return slower("commit of a border move among 100,000", ours, "the same among 1,000", theirs, "≤ 1.5")


def _with_vertex(grid: shapely.Geometry, old: Any, new: Any) -> shapely.Geometry:
    def move(xy: Any) -> Any:
        xy = xy.copy()
        xy[(abs(xy - old) < 1e-9).all(axis=1)] = new
        return xy

    return shapely.transform(grid, move)

"""Edits through the API: split, merge and reshape in a plan of 100,000 grids beside one of 1,000."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import quantiles
from typing import Any

import numpy as np
from django.db import connection
from django.test import Client

from layers.grids.models import Grid, Plan
from layers.orgs.models import ApiToken, Institution, User
from tests.bench.lattice_plan import COLUMNS, ORIGIN, SIDE, STEP, copy_text, ewkb, rectangle
from tests.bench.table import Line, slower, timed

SIZES = {"large": (400, 250), "small": (40, 25)}
ROUNDS = 60


class Desk:
    """A planner, and the two neighbours in the middle of her plan that she edits."""

    def __init__(self, raw: Any, name: str, columns: int, rows: int, first_id: int) -> None:
        bank = Institution.objects.add_root({"code": f"edit-{name}", "name": name, "kind": "head_office"})
        user = User.objects.create(username=f"edit-{name}", institution=bank, role=User.Role.PLANNER)
        self.plan = Plan.objects.create(institution=bank, name=name, area_code="bench", level_names=["a", "b"])
        cursor = raw.cursor()
        cursor.execute(
            "INSERT INTO grid (plan_id, level, code, bank_code, name, kind, geom)"
            " VALUES (%s, 0, 'bench', '', 'bench', 'rural', %s) RETURNING id",
            [self.plan.pk, ewkb(rectangle(0, 0, columns, rows))],
        )
        text = copy_text(self.plan.pk, cursor.fetchone()[0], first_id, columns, rows)
        cursor.copy_expert(f"COPY grid ({COLUMNS}) FROM STDIN", text)
        cursor.execute(
            "INSERT INTO grid_count (grid_id, measure, value, as_of, synthetic)"
            " SELECT id, 'households', 100, '2026-01-01', true FROM grid WHERE plan_id = %s AND level = 1",
            [self.plan.pk],
        )
        raw.commit()
        self.client = Client(
            SERVER_NAME="localhost", headers={"authorization": f"Bearer {ApiToken.issue(user, 'bench')}"}
        )
        self.column, self.row = columns // 2, rows // 2
        self.grid = first_id + self.column * rows + self.row
        self.revision = 1
        self.bent = False

    def at(self, x: float, y: float) -> list[float]:
        """A place in sides of a grid from the lower left corner of hers."""
        offset = [round((self.column + x) * SIDE * STEP), round((self.row + y) * SIDE * STEP)]
        place = np.add(ORIGIN, offset)
        return (place / 1e7).tolist()

    def do(self, op: str, **args: Any) -> dict[str, Any]:
        body = {"op": op, "args": args, "base_revision": self.revision}
        answer = self.client.post(f"/api/plans/{self.plan.pk}/edits", body, content_type="application/json")
        assert answer.status_code == 200, answer.content[:500]
        self.revision = answer.json()["revision"]
        return answer.json()

    def split(self) -> None:
        self.do("split", grid=self.grid, lines=[[self.at(0.5, -0.1), self.at(0.52, 1.1)]])

    def merge(self) -> None:
        other = Grid.objects.filter(plan=self.plan).order_by("-pk").values_list("pk", flat=True)[0]
        self.do("merge", grids=[self.grid, other])

    def reshape(self) -> None:
        straight = [self.at(1, 3 / SIDE), self.at(1, 4 / SIDE), self.at(1, 5 / SIDE)]
        bent = [straight[0], self.at(1.05, 4 / SIDE), straight[2]]
        old, new = (bent, straight) if self.bent else (straight, bent)
        self.bent = not self.bent
        self.do("reshape", paths=[{"old": old, "new": new}])


def run(raw: Any) -> Iterator[Line]:
    """Both plans in one database; operations in turn."""
    desks = [
        Desk(raw, name, *SIZES[name], first_id) for name, first_id in (("large", 30_000_000), ("small", 40_000_000))
    ]
    raw.autocommit = True
    raw.cursor().execute("VACUUM ANALYZE")
    raw.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('grid', 'id'), 50000000)")
    times: dict[str, list[tuple[float, float]]] = {"reshape": [], "split": [], "merge": []}
    for _ in range(ROUNDS):
        for op, taken in times.items():
            large, small = (timed(getattr(desk, op)) for desk in desks)
            taken.append((large, small))
    for op, taken in times.items():
        for share, index in (("p50", 49), ("p95", 94)):
            ours, theirs = (quantiles(each, n=100)[index] for each in zip(*taken, strict=True))
            yield slower(f"{op} through the API, {share}", ours, "the same among 1,000", theirs, "≤ 2")

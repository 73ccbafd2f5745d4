"""A client of the database that knows nothing of Django: what psql, QGIS or a script may send."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
import shapely
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from layers.grids.models import SRID, Plan

COVER = "grid_children_cover_their_parent"
IN_FORCE = "plan_in_force_is_immutable"
INSERT = """
    INSERT INTO grid (plan_id, parent_id, level, code, bank_code, name, kind, geom)
    SELECT %(plan)s, parent.id, coalesce(%(level)s, parent.level + 1, 0), %(code)s, '', '', %(kind)s, %(geom)s
    FROM (VALUES (1)) AS one LEFT JOIN grid AS parent ON parent.plan_id = %(plan)s AND parent.code = %(parent)s
"""


def ewkb(geometry: BaseGeometry) -> str:
    """A polygon as the text that PostGIS reads, as a multipolygon in CGCS2000."""
    multi = geometry if isinstance(geometry, MultiPolygon) else MultiPolygon([geometry])
    return shapely.to_wkb(shapely.set_srid(multi, SRID), hex=True, include_srid=True)


class Client:
    """One connection, in a transaction of its own."""

    def __init__(self, connection: psycopg2.extensions.connection, isolation: str = "READ COMMITTED") -> None:
        self.connection = connection
        connection.set_session(isolation_level=isolation)
        # A test that waits for itself fails, and does not hang.
        self.run("SET lock_timeout = '10s'")
        self.commit()

    def run(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Send one statement; its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def copy(self, columns: str, rows: str) -> None:
        """COPY grid (columns) FROM STDIN, in the text format."""
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY grid ({columns}) FROM STDIN", io.StringIO(rows))

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def add(
        self,
        plan: Plan,
        code: str,
        geometry: BaseGeometry,
        *,
        parent: str | None = None,
        kind: str = "rural",
        level: int | None = None,
    ) -> None:
        """Insert one grid below another."""
        self.run(INSERT, plan=plan.pk, code=code, geom=ewkb(geometry), parent=parent, kind=kind, level=level)

    def reshape(self, plan: Plan, code: str, geometry: BaseGeometry) -> None:
        """Give one grid another geometry."""
        sql = "UPDATE grid SET geom = %(geom)s WHERE plan_id = %(plan)s AND code = %(code)s"
        self.run(sql, plan=plan.pk, code=code, geom=ewkb(geometry))

    def faults(self) -> list[tuple[str, str]]:
        """What the audit finds: codes and faults."""
        return self.run("SELECT code, fault FROM audit_coverage() ORDER BY code, fault")

    @contextmanager
    def refused(self, constraint: str | None, *, sqlstate: str = "23514", naming: str = "") -> Iterator[None]:
        """What is done inside, commit included, is refused for that reason, and rolled back."""
        with pytest.raises(psycopg2.Error) as caught:
            yield
            self.commit()
        self.rollback()
        fault = caught.value
        assert (fault.pgcode, fault.diag.constraint_name) == (sqlstate, constraint), str(fault)
        assert naming in fault.diag.message_primary

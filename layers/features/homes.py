"""Migrations' words for tables of features."""

from __future__ import annotations

from django.db import migrations


def keep_homes(table: str, layer: str) -> migrations.RunSQL:
    """Let the database keep the grid of each row of a table, and check its kind (gis/sql/feature_home.sql)."""
    return migrations.RunSQL(
        [
            (f"CREATE INDEX IF NOT EXISTS {table}_geography ON {table} USING gist ((geom::geography))", None),
            ("SELECT keep_homes(%s, %s)", [table, layer]),
            # The rows that found their homes wait for their foreign keys, and would bar what comes next.
            ("SET CONSTRAINTS ALL IMMEDIATE", None),
        ],
        [("SELECT stop_keeping_homes(%s)", [table])],
    )

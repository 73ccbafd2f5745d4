"""Which tables are logged: all of the models', but those that the settings except by name and with a reason."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any, TextIO

from django.apps import apps
from django.conf import settings
from django.db import connections, models
from psycopg2 import sql

from layers.orgs.models import Institution

FAR = 3
"""How many foreign keys away a row's institution may be."""
GRANTS = Path(__file__).parent / "sql" / "site_role.sql"
READ_ONLY = {"audit", "django_migrations", "feature_table", "grid_cover"}
"""Tables that the role of the site does not write: triggers and migrations keep them."""


def logged_models() -> list[type[models.Model]]:
    """Models whose writes are logged, those of many-to-many tables included."""
    found = apps.get_models(include_auto_created=True)
    return [
        model
        for model in found
        if model._meta.managed and not model._meta.proxy and model._meta.db_table not in settings.AUDIT_EXEMPT
    ]


def after_migrate(using: str, stdout: TextIO | None = None, **_signal: Any) -> None:
    """Attach the triggers to every table that exists, with its institution as its foreign keys tell it today.

    The role of the site gets its rights anew: on what exists now, and none on the log. If the cluster has no such role, that is said.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regproc('log_writes') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
        existing = set(connection.introspection.table_names(cursor))
        for model in logged_models():
            table = model._meta.db_table
            if table in existing:
                ignored = list(settings.AUDIT_IGNORED_COLUMNS.get(table, ()))
                cursor.execute("SELECT log_writes(%s, %s::text[], %s)", [table, ignored, institution_of(model)])
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [settings.DATABASE_SITE_ROLE])
        if cursor.fetchone():
            grants = sql.SQL(GRANTS.read_text("utf-8")).format(
                role=sql.Identifier(settings.DATABASE_SITE_ROLE),
                # Not all are there while the database is migrated step by step.
                read_only=sql.SQL(", ").join(map(sql.Identifier, sorted(READ_ONLY & existing))),
            )
            cursor.execute(grants.as_string(cursor.connection))
        else:
            (stdout or sys.stdout).write(
                f"没有角色 {settings.DATABASE_SITE_ROLE}：网站以所有者连接时，触发器拦不住它。见 docs/operate.md。\n"
                f"There is no role {settings.DATABASE_SITE_ROLE}: a site that connects as the owner can switch triggers off. See docs/operate.md.\n"
            )


def institution_of(model: type[models.Model]) -> str:
    """SQL for the institution that a row `r` belongs to: over the shortest way of foreign keys, or NULL where there is none."""
    if model is Institution:
        return "r.id"
    waiting = deque([(model, ())])
    while waiting:
        here, way = waiting.popleft()
        for field in here._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey):
                continue
            if field.related_model is Institution:
                return _along(way, field.column)
            if len(way) < FAR:
                waiting.append((field.related_model, (*way, field)))
    return "NULL::bigint"


def _along(way: tuple[models.ForeignKey[Any, Any], ...], column: str) -> str:
    if not way:
        return f"r.{column}"
    steps = [f'"{way[0].related_model._meta.db_table}" AS t0']
    for number, field in enumerate(way[1:], 1):
        target = field.related_model._meta
        steps.append(
            f'JOIN "{target.db_table}" AS t{number} ON t{number}.{field.target_field.column} = t{number - 1}.{field.column}'
        )
    first = way[0]
    return f"(SELECT t{len(way) - 1}.{column} FROM {' '.join(steps)} WHERE t0.{first.target_field.column} = r.{first.column})"

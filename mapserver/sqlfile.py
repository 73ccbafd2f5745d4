"""SQL statements in files, composed with the ORM's own subqueries: so that who may see what has one place, the QuerySets."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet

FOLDER = Path(__file__).parent / "sql"


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def run(name: str, scopes: dict[str, QuerySet[Any] | type[Model]], **values: Any) -> Any:
    """Run mapserver/sql/`name`.sql, which answers with one value; None when it answers with no row.

    Parameters
    ----------
    scopes
        Each `{key}` in the file becomes the subquery of that QuerySet, its parameters staying parameters, or the table
        of that model.
    values
        Named parameters, `%(key)s` in the file.
    """
    subqueries = {}
    for key, scope in scopes.items():
        if not isinstance(scope, QuerySet):
            subqueries[key] = connection.ops.quote_name(scope._meta.db_table)
            continue
        sql, parameters = scope.query.sql_with_params()
        names = [f"{key}_{i}" for i in range(len(parameters))]
        values |= dict(zip(names, parameters, strict=True))
        subqueries[key] = sql.replace("%%", "%%%%") % tuple(f"%({name})s" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(_text(name).format(**subqueries), values)
        row = cursor.fetchone()
    return row and row[0]

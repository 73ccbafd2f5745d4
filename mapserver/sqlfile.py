"""SQL statements in files, composed with the ORM's own subqueries: so that who may see what has one place, the QuerySets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet

from layers.orgs.prepared import fetch_one

FOLDER = Path(__file__).parent / "sql"
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%|%s")


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


class Subquery(NamedTuple):
    """A QuerySet's SQL and parameters: what may be kept when making the QuerySet again costs more than running it."""

    sql: str
    parameters: tuple[Any, ...]

    @classmethod
    def of(cls, queryset: QuerySet[Any], *, empty: str = "NULL::bigint") -> Subquery:
        """The QuerySet; `empty` are the columns of its no rows, where the ORM knows without asking that there are none."""
        try:
            return cls(*queryset.query.sql_with_params())
        except EmptyResultSet:
            # What the ORM makes of .none(): for users who may see nothing of a kind.
            return cls(f"SELECT {empty} WHERE false", ())


def run(name: str, scopes: Mapping[str, Subquery | type[Model]], *, prepared: bool = True, **values: Any) -> Any:
    """Run mapserver/sql/`name`.sql, which answers with one value; None when it answers with no row.

    The statement is prepared once per connection: planning it costs more than running it. Not so (`prepared=False`) where
    its text is another with each combination of filters.

    Parameters
    ----------
    scopes
        Each `{key}` in the file becomes that subquery, its parameters staying parameters, or the table of that model.
    values
        Named parameters, `%(key)s` in the file; cast them there (`%(key)s::float8`) where the context leaves the type open.
    """
    subqueries = {}
    for key, scope in scopes.items():
        if not isinstance(scope, Subquery):
            subqueries[key] = connection.ops.quote_name(scope._meta.db_table)
            continue
        names = [f"{key}_{i}" for i in range(len(scope.parameters))]
        values |= dict(zip(names, scope.parameters, strict=True))
        subqueries[key] = scope.sql.replace("%%", "%%%%") % tuple(f"%({name})s" for name in names)
    sql = _text(name).format(**subqueries)
    if prepared:
        return _execute(sql, values)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    return row and row[0]


def _execute(sql: str, values: dict[str, Any]) -> Any:
    used = [key for key in values if f"%({key})s" in sql]
    number = {key: i for i, key in enumerate(used, start=1)}
    statement = PLACEHOLDER.sub(lambda found: f"${number[found[1]]}" if found[1] else "%", sql)
    row = fetch_one(statement, [values[key] for key in used])
    return row and row[0]

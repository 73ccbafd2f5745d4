"""SQL statements in files, composed with the ORM's own subqueries: so that who may see what has one place, the QuerySets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet

from layers.orgs.prepared import Name, fetch_one

FOLDER = Path(__file__).parent / "sql"
POSITION = re.compile(r"(?<!%)%s")
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%|%s")


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


class Subquery(NamedTuple):
    """A QuerySet's SQL and parameters: what may be kept when making the QuerySet again costs more than running it."""

    sql: str
    parameters: tuple[Any, ...] = ()

    @classmethod
    def of(cls, queryset: QuerySet[Any], *, empty: str = "NULL::bigint") -> Subquery:
        """The QuerySet; `empty` are the columns of its no rows, where the ORM knows without asking that there are none."""
        try:
            return cls(*queryset.query.sql_with_params())
        except EmptyResultSet:
            # What the ORM makes of .none(): for users who may see nothing of a kind.
            return cls(f"SELECT {empty} WHERE false")

    @classmethod
    def constant(cls, value: Any) -> Subquery:
        """A jsonb value that PostgreSQL reads once, when it plans, and not at every request."""
        text = json.dumps(value, ensure_ascii=False).replace("'", "''").replace("%", "%%")
        return cls(f"'{text}'::jsonb")

    @classmethod
    def part(cls, *names: str, **scopes: Subquery) -> Subquery:
        """Parts of a statement that stand in files of their own, one after the other; subqueries in the order in which they come there."""
        text = "".join(_text(name) for name in names).format(**{key: scope.sql for key, scope in scopes.items()})
        return cls(text, tuple(value for scope in scopes.values() for value in scope.parameters))


def run(name: str, scopes: Mapping[str, Subquery | type[Model]], *, prepared: bool = True, **values: Any) -> Any:
    """Run mapserver/sql/`name`.sql, which answers with one value; None when it answers with no row.

    The statement is prepared once per connection: planning it costs more than running it. Not so (`prepared=False`) where
    the best plan is another from value to value.

    Parameters
    ----------
    scopes
        Each `{key}` in the file becomes that subquery, its parameters staying parameters, or the table of that model.
    values
        Named parameters, `%(key)s` in the file; cast them there (`%(key)s::float8`) where the context leaves the type open.
        Also those that a subquery's QuerySet was composed without (`Given`).
    """
    named = []
    for key, scope in scopes.items():
        if isinstance(scope, Subquery):
            names = tuple(
                value if isinstance(value, Name) else f"{key}_{i}" for i, value in enumerate(scope.parameters)
            )
            values |= {
                n: value for n, value in zip(names, scope.parameters, strict=True) if not isinstance(value, Name)
            }
            named.append((key, scope.sql, names))
        else:
            named.append((key, connection.ops.quote_name(scope._meta.db_table), ()))
    if prepared:
        statement, keys = _statement(name, tuple(named))
        row = fetch_one(statement, [values[key] for key in keys])
        return row and row[0]
    with connection.cursor() as cursor:
        cursor.execute(_composed(name, tuple(named)), values)
        row = cursor.fetchone()
    return row and row[0]


@lru_cache(maxsize=512)
def _composed(name: str, scopes: tuple[tuple[str, str, tuple[str, ...]], ...]) -> str:
    """The whole text, with named parameters."""
    subqueries = {}
    for key, sql, names in scopes:
        pieces = POSITION.split(sql)
        subqueries[key] = pieces[0] + "".join(
            f"%({name})s{piece}" for name, piece in zip(names, pieces[1:], strict=True)
        )
    return _text(name).format(**subqueries)


@lru_cache(maxsize=512)
def _statement(name: str, scopes: tuple[tuple[str, str, tuple[str, ...]], ...]) -> tuple[str, list[str]]:
    """The whole text with parameters $1, $2, …, and the names of their values in this order."""
    keys: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        key = found[1]
        if key is None:
            return "%"
        if key not in keys:
            keys.append(key)
        return f"${keys.index(key) + 1}"

    return PLACEHOLDER.sub(numbered, _composed(name, scopes)), keys

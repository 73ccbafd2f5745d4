"""Statements composed once, and prepared once per connection: for those that run in less time than composing and planning them takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.models import Expression, Field, Value

MOST = 200
"""Statements that a connection keeps; each costs the server some hundred kilobytes."""

_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""Names of the statements that each open connection has prepared."""


class Name(str):
    """Where a value will stand among a statement's parameters."""


class Given(Expression):
    """A value that is named when a QuerySet is composed, and given whenever its statement runs (mapserver.sqlfile)."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        return f"%s::{self.output_field.db_type(connection)}", [Name(self.name)]


def expression(value: Any, field: Field[Any, Any]) -> Given | Value:
    """A value of a QuerySet's method as an expression, whether it is there or will be given."""
    return value if isinstance(value, Given) else Value(value, output_field=field)


def fetch_one(statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row of a statement with parameters $1, $2, …; None where there is none."""
    name = _name(statement)
    with connection.cursor() as cursor:
        prepared = _prepared.setdefault(connection.connection, set())
        if name not in prepared:
            if len(prepared) == MOST:
                cursor.execute("DEALLOCATE ALL")
                prepared.clear()
            cursor.execute(f"PREPARE {name} AS {statement}")
            prepared.add(name)
        arguments = ", ".join(["%s"] * len(values))
        cursor.execute(f"EXECUTE {name} ({arguments})" if values else f"EXECUTE {name}", list(values))
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


@lru_cache(maxsize=512)
def _name(statement: str) -> str:
    return "jt_" + sha256(statement.encode()).hexdigest()[:20]

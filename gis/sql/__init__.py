"""The SQL that keeps the coverage rule, as files; migrations install it and take it away again."""

from pathlib import Path

FOLDER = Path(__file__).parent


def install(name: str) -> str:
    """The statements of `name`.sql."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def remove(name: str) -> str:
    """The statements of `name`.drop.sql, which undo `name`.sql."""
    return (FOLDER / f"{name}.drop.sql").read_text(encoding="utf-8")

"""
Look-ups that every request makes, written out once instead of each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .database import Database


# What is looked for while a statement is written out; any other text takes its place.
ANYTHING = "?"


class Prepared:
    """
    A query for the one row that a text finds, as Django writes it.

    To write it takes Django five times as long as SQLite needs to answer.

    Args:
        query: Asks for `ANYTHING`, and names the values that it wants.
    """

    def __init__(self, database: Database, query: Any, /) -> None:
        self._database = database
        self._query = query
        self._written: tuple[str, Any] | None = None

    def first(self, text: str, /) -> Sequence[Any] | None:
        """
        Return the values of the row that *text* finds, or None.
        """
        if self._written is None:
            self._written = self._write()
        statement, converters = self._written
        row = self._database.one(statement, [text])
        if row is None:
            return None
        values, connection = list(row), self._database.connection
        for position, (steps, expression) in converters.items():
            for step in steps:
                values[position] = step(values[position], expression, connection)
        return values

    def _write(self) -> tuple[str, Any]:
        compiler = self._query.query.get_compiler(self._database.using)
        statement, _ = compiler.as_sql()
        return statement, compiler.get_converters([one for one, *_ in compiler.select])

"""
Statements as the driver takes them: built by SQLAlchemy once, run without it.

SQLAlchemy's own way through a statement, its context and its result costs two to ten
times what the driver needs to run it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import attrs
from sqlalchemy import BindParameter, Dialect, Executable


Parameters: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Sequence[Any]]
# Runs a statement; returns its rows, or how many rows it changed.
Send: TypeAlias = Callable[[Executable, Parameters], tuple[Rows, int]]

_Convert: TypeAlias = Callable[[Any], Any]

NO_ROWS: Final[Rows] = ()


@attrs.frozen(kw_only=True)
class Prepared:
    """
    One statement for one kind of database.

    Attributes:
        text: With the driver's own placeholders.

        given: The parameters' names, and what each value becomes.

        fixed: The values that stand in the statement itself.

        order: The names by position; None where the driver takes them by name.

        columns: Those whose values are converted, by position; None: returns no rows.
    """

    text: str
    given: tuple[tuple[str, _Convert | None], ...]
    fixed: dict[str, Any] = attrs.field(repr=False)
    order: tuple[str, ...] | None
    columns: tuple[tuple[int, _Convert], ...] | None

    def run(self, connection: Any, parameters: Parameters, /) -> tuple[Rows, int]:
        """
        Run it on the driver's *connection*; return its rows, and how many there were.
        """
        cursor = connection.cursor()
        cursor.execute(self.text, self._bound(parameters))
        if self.columns is None:
            return NO_ROWS, cursor.rowcount
        # To the end: SQLite ends a step when no more rows are there.
        rows = [self._converted(row, self.columns) for row in cursor.fetchall()]
        return rows, len(rows)

    def _bound(self, parameters: Parameters) -> Any:
        values = self.fixed.copy()
        for name, convert in self.given:
            value = parameters[name]
            values[name] = value if convert is None else convert(value)
        return values if self.order is None else [values[name] for name in self.order]

    def _converted(
        self, row: Sequence[Any], columns: tuple[tuple[int, _Convert], ...]
    ) -> Sequence[Any]:
        values = list(row)
        for position, convert in columns:
            values[position] = convert(values[position])
        return values


def prepare(
    statement: Executable, names: Collection[str], dialect: Dialect, /
) -> Prepared:
    """
    Return *statement*, to be run with parameters of these names.
    """
    # Its types do not say that what can be executed can be compiled.
    compiled: Any = cast(Any, statement).compile(
        dialect=dialect, column_keys=list(names)
    )
    binds: dict[str, BindParameter[Any]] = compiled.binds
    converts: dict[str, _Convert | None] = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bind in binds.items()
    }
    fixed = {
        name: bind.effective_value for name, bind in binds.items() if not bind.required
    }
    return Prepared(
        text=_text(compiled),
        given=tuple(
            (name, convert) for name, convert in converts.items() if name not in fixed
        ),
        fixed={
            name: value if (convert := converts[name]) is None else convert(value)
            for name, value in fixed.items()
        },
        order=tuple(compiled.positiontup) if compiled.positiontup is not None else None,
        columns=_columns(statement, dialect),
    )


def _text(compiled: Any) -> str:
    # MariaDB's LIMIT is no ordinary parameter to SQLAlchemy, which would write each
    # value into the text; PyMySQL does that with all of them.
    text = str(compiled)
    for bind in compiled.literal_execute_params:
        name = compiled.bind_names[bind]
        place = compiled.bindtemplate % {"name": name}
        text = text.replace(f"__[POSTCOMPILE_{name}]", place)
    return text


def _columns(
    statement: Any, dialect: Dialect
) -> tuple[tuple[int, _Convert], ...] | None:
    if not statement.is_select and not statement._returning:  # noqa: SLF001 - there is no public word
        return None
    converts = [
        column.type.dialect_impl(dialect).result_processor(dialect, None)
        for column in statement.exported_columns
    ]
    return tuple(
        (position, convert)
        for position, convert in enumerate(converts)
        if convert is not None
    )

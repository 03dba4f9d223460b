"""
The statements about our own tables, in the words of each database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from django.db.models import Model

from .database import Database


# MariaDB looks an inner SELECT up again for each row of the table, but has a LIMIT.
# PostgreSQL looks one up again unless it is a CTE, and there passes over what somebody
# else removes or renews, instead of waiting for it.
_PURGES: Final = {
    "sqlite": (
        "DELETE FROM {table} WHERE {key} IN "
        "(SELECT {key} FROM {table} WHERE {over} LIMIT %s)"
    ),
    "postgresql": (
        "WITH over AS (SELECT {key} FROM {table} WHERE {over} LIMIT %s "
        "FOR UPDATE SKIP LOCKED) "
        "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM over)"
    ),
    "mysql": "DELETE FROM {table} WHERE {over} LIMIT %s",
}


@attrs.frozen
class Table:
    """
    The table of one model, without the signals and the collectors of its manager.
    """

    database: Database
    model: type[Model]

    @property
    def name(self) -> str:
        """
        The name of the table.
        """
        return self.model._meta.db_table

    @property
    def columns(self) -> list[str]:
        """
        The names of its columns, in the order of the model's fields.
        """
        return [str(field.column) for field in self.model._meta.concrete_fields]

    @property
    def key(self) -> str:
        """
        The column of its primary key.
        """
        return str(self.model._meta.pk.column)

    def add(
        self, doing: str, values: Mapping[str, Any], /, *, is_final: bool = False
    ) -> None:
        """
        Write a row.

        Raises:
            TakenError: If one with its key is there.
        """
        marks = ", ".join(["%s"] * len(self.columns))
        statement = (
            f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
        )

        def work() -> int:
            row = [
                field.get_db_prep_save(
                    values.get(field.attname), self.database.connection
                )
                for field in self.model._meta.concrete_fields
            ]
            return self.database.execute(statement, row)

        _ = self.database.write(doing, work, is_final=is_final)

    def remove(self, doing: str, key: str, /, *, is_final: bool = False) -> bool:
        """
        Remove the row, and say whether this call was the one that did.
        """
        statement = f"DELETE FROM {self.name} WHERE {self.key} = %s"  # noqa: S608 - as above
        return (
            self.database.write(
                doing,
                lambda: self.database.execute(statement, [key]),
                is_final=is_final,
            )
            == 1
        )

    def purge(
        self,
        doing: str,
        end: str,
        before: datetime,
        limit: int,
        /,
        **among: Sequence[str],
    ) -> int:
        """
        Remove up to *limit* rows whose *end* is before *before*; return how many.

        Args:
            among: Of each of these columns, the values that the rows may have.
        """
        terms = [f"{end} < %s"]
        parameters: list[Any] = [seconds(before)]
        for column, values in among.items():
            terms.append(f"{column} IN ({', '.join(['%s'] * len(values))})")
            parameters += values
        statement = _PURGES[self.database.vendor].format(
            table=self.name, key=self.key, over=" AND ".join(terms)
        )
        parameters.append(limit)
        return self.database.write(
            doing, lambda: self.database.execute(statement, parameters)
        )


def seconds(instant: datetime, /) -> int:
    """
    Return *instant* as its column holds it.
    """
    return int(instant.timestamp())


def is_storable(text: str, /) -> bool:
    """
    Say whether a database could hold *text*.
    """
    # What cannot be encoded was never stored, and the driver would raise; nor was a NUL,
    # which PostgreSQL refuses.
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False

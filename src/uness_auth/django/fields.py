"""
Columns that every database keeps and compares alike.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


_COLLATIONS: Final = {"postgresql": "C", "sqlite": "BINARY"}
# The plain utf8mb4_bin ignores spaces at the end.
_MARIADB: Final = "utf8mb4_nopad_bin"


class ExactCharField(models.CharField):  # type: ignore[type-arg] # the stubs alone know any
    """
    A text that is compared byte by byte.

    The collation is named, so that no database falls back to one that folds case,
    accents or trailing spaces.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """
        Return the type of the column.
        """
        if connection.vendor == "postgresql":
            # Under its short name Django would add a second index, for LIKE.
            return f"character varying({self.max_length})"
        return super().db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """
        Return the type with the collation.
        """
        collation = _COLLATIONS.get(connection.vendor, _MARIADB)
        return {**super().db_parameters(connection), "collation": collation}


class InstantField(models.Field):  # type: ignore[type-arg] # as above
    """
    An instant as whole seconds since 1970, read as aware UTC whatever ``USE_TZ`` says.

    None only where the field has ``null=True``.
    """

    def get_internal_type(self) -> str:
        """
        Return the field whose column this one has.
        """
        return "BigIntegerField"

    def to_python(self, value: Any) -> Any:
        """
        Return an instant that a fixture holds as text.
        """
        return datetime.fromisoformat(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> int | None:
        """
        Refuse an instant that does not say where it is.
        """
        if value is None and self.null:
            return None
        instant = self.to_python(value)
        if not isinstance(instant, datetime) or instant.utcoffset() is None:
            msg = "an aware datetime is needed"
            raise ValueError(msg)
        return int(instant.timestamp())

    def from_db_value(self, value: int | None, *_where: object) -> datetime | None:
        """
        Return aware UTC, or None where NULL is kept.
        """
        return None if value is None else datetime.fromtimestamp(value, UTC)

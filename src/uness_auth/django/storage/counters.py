"""
The throttles' state: texts that are swapped, numbers that are added.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ..models import CounterRow
from .database import Database, TakenError
from .tables import Table, seconds


_READ: Final = "SELECT text FROM uness_auth_counterrow WHERE counter_key = %s"
_LOOK: Final = "SELECT number FROM uness_auth_counterrow WHERE counter_key = %s"
_SWAP: Final = """
UPDATE uness_auth_counterrow SET text = %s, expires_at = %s
WHERE counter_key = %s AND text = %s
"""
# One statement writes the first row and adds to every later one.  No call's number may
# vanish before it said.
_NEW: Final = """
INSERT INTO uness_auth_counterrow (counter_key, number, expires_at)
VALUES (%s, %s, %s)
"""
_ADDED: Final = """
number = CASE WHEN {row}number + %s > 0 THEN {row}number + %s ELSE 0 END,
expires_at = CASE WHEN {row}expires_at < %s THEN %s ELSE {row}expires_at END
RETURNING number
"""
_ADD: Final = (
    _NEW
    + "ON CONFLICT (counter_key) DO UPDATE SET"
    + _ADDED.format(row="uness_auth_counterrow.")
)
_ADD_IN_MARIADB: Final = _NEW + "ON DUPLICATE KEY UPDATE" + _ADDED.format(row="")
# What asks for the server's time, in whole seconds since 1970.
_CLOCKS: Final = {
    "sqlite": "SELECT strftime('%%s', 'now')",
    "postgresql": "SELECT floor(extract(epoch FROM clock_timestamp()))",
    "mysql": "SELECT unix_timestamp()",
}


class DjangoCounters:
    """
    The `uness_auth.ports.Counters` of `uness_auth.django.storage.DjangoStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database
        self._table = Table(database, CounterRow)

    @property
    def using(self) -> str:
        """
        The alias of its database.
        """
        return self._database.using

    def read(self, key: str, /) -> str | None:
        """
        Return the text under *key*, or None.
        """
        row = self._database.read(
            "DjangoCounters.read()", lambda: self._database.one(_READ, [key])
        )
        return None if row is None else row[0]

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Write *after* where *before* stands; None means: where nothing stands.
        """
        doing = "DjangoCounters.swap()"
        if before is not None:
            parameters = [after, seconds(expires_at), key, before]
            swapped = self._database.write(
                doing, lambda: self._database.execute(_SWAP, parameters), is_final=True
            )
            return swapped == 1
        row = {"key": key, "text": after, "expires_at": expires_at}
        try:
            self._table.add(doing, row, is_final=True)
        except TakenError:
            return False
        return True

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Add *delta* and return the number afterwards, never below zero.
        """
        doing = "DjangoCounters.add()"
        if delta == 0:
            row = self._database.read(doing, lambda: self._database.one(_LOOK, [key]))
        else:
            until = seconds(expires_at)
            new = [key, max(delta, 0), until]
            added = [delta, delta, until, until]
            add = _ADD_IN_MARIADB if self._database.vendor == "mysql" else _ADD
            row = self._database.write(
                doing, lambda: self._database.one(add, new + added), is_final=True
            )
        return 0 if row is None else int(row[0])

    def server_time(self) -> datetime:
        """
        Return the time of the database's server.
        """
        clock = _CLOCKS[self._database.vendor]
        row = self._database.read(
            "DjangoCounters.server_time()", lambda: self._database.one(clock, [])
        )
        return datetime.fromtimestamp(0 if row is None else int(row[0]), UTC)

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* rows that expired before *before*.
        """
        return self._table.purge("DjangoCounters.purge()", "expires_at", before, limit)

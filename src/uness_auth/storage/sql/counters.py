"""
The throttles' state in SQL: texts that are swapped, numbers that are added.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Select,
    bindparam,
    case,
    insert,
    literal_column,
    select,
    update,
)

from .database import Database, TakenError
from .schema import COUNTERS, Instant


_IS_IT: Final = COUNTERS.c.key == bindparam("b_key")
_DELTA: Final = bindparam("b_delta", type_=BigInteger())
_EXPIRES_AT: Final = bindparam("b_expires_at", type_=Instant())
_SUM: Final = COUNTERS.c.number + _DELTA

_READ: Final = select(COUNTERS.c.text).where(_IS_IT)
_LOOK: Final = select(COUNTERS.c.number).where(_IS_IT)
_WRITE_FIRST: Final = insert(COUNTERS).values(
    key=bindparam("b_key"), text=bindparam("b_after"), expires_at=_EXPIRES_AT
)
_SWAP: Final = (
    update(COUNTERS)
    .where(_IS_IT, COUNTERS.c.text == bindparam("b_before"))
    .values(text=bindparam("b_after"), expires_at=_EXPIRES_AT)
)
_NEW: Final[dict[str, Any]] = {
    "key": bindparam("b_key"),
    "number": case((_DELTA > 0, _DELTA), else_=0),
    "expires_at": _EXPIRES_AT,
}
_ADDED: Final[dict[str, Any]] = {
    "number": case((_SUM > 0, _SUM), else_=0),
    # No call's number may vanish before it said.
    "expires_at": case(
        (COUNTERS.c.expires_at < _EXPIRES_AT, _EXPIRES_AT),
        else_=COUNTERS.c.expires_at,
    ),
}


class SQLCounters:
    """
    The `uness_auth.ports.Counters` of `uness_auth.storage.sql.SQLStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database
        self._add = database.backend.upsert(COUNTERS, _NEW, _ADDED, COUNTERS.c.number)
        self._clock: Select[Any] = select(literal_column(database.backend.clock))
        self._purge = database.backend.purging(COUNTERS.c.key, COUNTERS.c.expires_at)

    def read(self, key: str, /) -> str | None:
        """
        Return the text under *key*, or None.
        """
        row = self._database.one("SQLCounters.read()", _READ, {"b_key": key})
        return None if row is None else row[0]

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Write *after* where *before* stands; None means: where nothing stands.
        """
        doing = "SQLCounters.swap()"
        new = {"b_key": key, "b_after": after, "b_expires_at": expires_at}
        if before is not None:
            return self._database.write(doing, _SWAP, new | {"b_before": before})
        try:
            self._database.add(doing, _WRITE_FIRST, new)
        except TakenError:
            return False
        return True

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Add *delta* and return the number afterwards, never below zero.
        """
        doing = "SQLCounters.add()"
        if delta == 0:
            row = self._database.one(doing, _LOOK, {"b_key": key})
        else:
            new = {"b_key": key, "b_delta": delta, "b_expires_at": expires_at}
            row = self._database.tell(doing, self._add, new)
        return 0 if row is None else int(row[0])

    def server_time(self) -> datetime:
        """
        Return the time of the database's server.
        """
        row = self._database.one("SQLCounters.server_time()", self._clock, {})
        return datetime.fromtimestamp(0 if row is None else int(row[0]), UTC)

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* rows that expired before *before*.
        """
        return self._database.purge("SQLCounters.purge()", self._purge, before, limit)

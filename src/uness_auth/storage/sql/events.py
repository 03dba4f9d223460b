"""
What happened, in SQL: written once, listed for the helpdesk, emptied and purged.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from ...events import Event, EventKind
from .database import Database
from .schema import EVENTS


# Inline: nobody asks which number the database gave.
_ADD: Final = insert(EVENTS).inline()
_WRITTEN: Final = [column for column in EVENTS.c if column.name != "id"]
_NAMES: Final = [column.name for column in _WRITTEN]
_IS_OF_ACCOUNT: Final = EVENTS.c.account_id == bindparam("b_account")
_OF_ACCOUNT: Final = (
    select(*_WRITTEN)
    .where(_IS_OF_ACCOUNT)
    .order_by(EVENTS.c.at.desc(), EVENTS.c.id.desc())
    .limit(bindparam("b_most"))
)
_ERASE: Final = (
    update(EVENTS)
    .where(_IS_OF_ACCOUNT)
    .values(account_id="", address="", network="", reason="")
)
_IS_OF_KINDS: Final = EVENTS.c.kind.in_(bindparam("kinds", expanding=True))
# Of a later version of the library, which another process may run already.
_KNOWN: Final = frozenset(EventKind)


class SQLEvents:
    """
    The `uness_auth.ports.Events` of `uness_auth.storage.sql.SQLStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database
        self._purge = database.backend.purging(EVENTS.c.id, EVENTS.c.at, _IS_OF_KINDS)

    def add(self, events: Sequence[Event], /) -> None:
        """
        Store *events*, in their order.
        """
        doing = "SQLEvents.add()"
        # Not attrs.asdict(), which for thousands takes as long as the database.
        rows = [
            {name: getattr(one, name) for name in _NAMES} | {"kind": str(one.kind)}
            for one in events
        ]
        if len(rows) == 1:
            self._database.add(doing, _ADD, rows[0])
        elif rows:

            def work(connection: Connection) -> None:
                _ = connection.execute(_ADD, rows)

            self._database.transaction(doing, work)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        """
        Return up to *limit* events of the account, the newest first.
        """
        if account_id == "":
            return []
        rows = self._database.all(
            "SQLEvents.of_account()",
            _OF_ACCOUNT,
            {"b_account": account_id, "b_most": limit},
        )
        return [_event_from(row) for row in rows if row[0] in _KNOWN]

    def erase(self, account_id: str, /) -> int:
        """
        Empty account id, address, network and reason of the account's events.
        """
        if account_id == "":
            return 0
        return self._database.rewrite(
            "SQLEvents.erase()", _ERASE, {"b_account": account_id}
        )

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        """
        Remove up to *limit* events of these kinds that happened before *before*.
        """
        parameters = {"kinds": [*map(str, kinds)], "before": before, "limit": limit}

        def work(connection: Connection) -> int:
            return connection.execute(self._purge, parameters).rowcount

        return self._database.transaction("SQLEvents.purge()", work)


def _event_from(row: Sequence[Any]) -> Event:
    # By position: a name per value costs as much as the query.
    kind, at, account, address, network, method, reason = row
    return Event(
        kind=EventKind(kind),
        at=at,
        account_id=account,
        address=address,
        network=network,
        method=method,
        reason=reason,
    )

"""
What happened: written once, listed for the helpdesk, emptied and purged.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from ...events import Event, EventKind
from ..models import EventRow
from .database import Database, Row
from .tables import Table, seconds


# In the order in which they are written and read; the number is the database's.
OWN: Final = ("kind", "at", "account_id", "address", "network", "method", "reason")
NEWEST_FIRST: Final = ("-at", "-id")
_ADD: Final = """
INSERT INTO uness_auth_eventrow
(kind, at, account_id, address, network, method, reason)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_ERASE: Final = """
UPDATE uness_auth_eventrow
SET account_id = '', address = '', network = '', reason = ''
WHERE account_id = %s
"""
# Of a later version of the library, which another process may run already.
_KNOWN: Final = frozenset(EventKind)


class DjangoEvents:
    """
    The `uness_auth.ports.Events` of `uness_auth.django.storage.DjangoStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database
        self._table = Table(database, EventRow)
        rows = EventRow.objects.using(database.using)
        self._listed = rows.order_by(*NEWEST_FIRST).values_list(*OWN)

    def add(self, events: Sequence[Event], /) -> None:
        """
        Store *events*, in their order.
        """
        doing, database = "DjangoEvents.add()", self._database
        rows = [_row_of(event) for event in events]
        if len(rows) == 1:
            _ = database.write(doing, lambda: database.execute(_ADD, rows[0]))
        elif rows:
            database.transaction(doing, lambda: database.execute_each(_ADD, rows))

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        """
        Return up to *limit* events of the account, the newest first.
        """
        if account_id == "":
            return []
        found = self._listed.filter(account_id=account_id)[:limit]
        rows = self._database.read("DjangoEvents.of_account()", lambda: list(found))
        return [
            Event(
                kind=EventKind(kind),
                at=at,
                account_id=account,
                address=address,
                network=network,
                method=method,
                reason=reason,
            )
            for kind, at, account, address, network, method, reason in rows
            if kind in _KNOWN
        ]

    def erase(self, account_id: str, /) -> int:
        """
        Empty account id, address, network and reason of the account's events.
        """
        if account_id == "":
            return 0
        return self._database.write(
            "DjangoEvents.erase()",
            lambda: self._database.execute(_ERASE, [account_id]),
        )

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        """
        Remove up to *limit* events of these kinds that happened before *before*.
        """
        if not kinds:
            return 0
        return self._table.purge(
            "DjangoEvents.purge()", "at", before, limit, kind=[*map(str, kinds)]
        )


def _row_of(event: Event) -> Row:
    values = (getattr(event, name) for name in OWN[2:])
    return [str(event.kind), seconds(event.at), *values]

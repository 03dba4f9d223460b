"""
Creates, changes and erases accounts in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, update

from ...model import Account
from .accounts import IS_UNDER, account_from
from .database import Database, TakenError
from .schema import ACCOUNTS


_NAMES: Final = [column.name for column in ACCOUNTS.c]
_WRITTEN: Final = [
    column
    for column in ACCOUNTS.c
    if column.name not in {"id", "is_password_suspended"}
]

_PAGE: Final = (
    select(*ACCOUNTS.c)
    .where(ACCOUNTS.c.id > bindparam("after"))
    .order_by(ACCOUNTS.c.id)
    .limit(bindparam("most"))
)
_REPLACE: Final = (
    update(ACCOUNTS)
    .where(IS_UNDER)
    .values({column: bindparam(f"new_{column.name}") for column in _WRITTEN})
)
_ERASE: Final = delete(ACCOUNTS).where(ACCOUNTS.c.id == bindparam("b_id"))


class SQLRegistry:
    """
    The `uness_auth.ports.Registry` of `uness_auth.storage.sql.SQLStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        """
        Return up to *limit* accounts whose id is greater than *after*, by id.
        """

        def work(connection: Connection) -> Sequence[Account]:
            rows = connection.execute(_PAGE, {"after": after, "most": limit})
            return [account_from(row) for row in rows]

        return self._database.read("SQLRegistry.page()", work)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        """
        Add those whose keys are new; return the ids of those added.
        """
        if not accounts:
            return frozenset()
        # Not attrs.asdict(), which for thousands takes as long as the database.
        rows = [{name: getattr(one, name) for name in _NAMES} for one in accounts]

        def work(connection: Connection) -> frozenset[str]:
            return self._database.backend.add_new(connection, ACCOUNTS, rows)

        return self._database.transaction("SQLRegistry.apply()", work)

    def replace(self, account: Account, version: int, /) -> bool:
        """
        Write every field of *account* except `is_password_suspended`.
        """
        try:
            return self._database.write(
                "SQLRegistry.replace()", _REPLACE, _replacing(account, version)
            )
        except TakenError:
            return False

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        """
        Replace each account under the version beside it; return the ids of those written.
        """

        def work(connection: Connection) -> frozenset[str]:
            # In one order, so that two of these do not lock each other out.
            return frozenset(
                account.id
                for account, version in sorted(changes, key=lambda one: one[0].id)
                if connection.execute(_REPLACE, _replacing(account, version)).rowcount
            )

        try:
            return self._database.transaction("SQLRegistry.replace_many()", work)
        except TakenError:
            # Somebody has a key that one of them is to get: which one is found singly.
            return frozenset(
                account.id
                for account, version in changes
                if self.replace(account, version)
            )

    def erase(self, account_id: str, /) -> bool:
        """
        Remove the account and say whether this call was the one that did.
        """
        return self._database.write("SQLRegistry.erase()", _ERASE, {"b_id": account_id})


def _replacing(account: Account, version: int) -> dict[str, Any]:
    values = {
        f"new_{column.name}": getattr(account, column.name) for column in _WRITTEN
    }
    return {"b_id": account.id, "b_version": version, **values}

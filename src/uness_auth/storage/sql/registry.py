"""
Creates, changes and erases accounts in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from sqlalchemy import Connection, bindparam, delete, select, update

from ...model import Account
from .accounts import IS_UNDER, account_from
from .database import Database, TakenError
from .schema import ACCOUNTS


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
        rows = [attrs.asdict(account) for account in accounts]

        def work(connection: Connection) -> frozenset[str]:
            return self._database.backend.add_new(connection, ACCOUNTS, rows)

        return self._database.transaction("SQLRegistry.apply()", work)

    def replace(self, account: Account, version: int, /) -> bool:
        """
        Write every field of *account* except `is_password_suspended`.
        """
        values = {
            f"new_{column.name}": getattr(account, column.name) for column in _WRITTEN
        }
        found = {"b_id": account.id, "b_version": version}
        try:
            return self._database.write(
                "SQLRegistry.replace()", _REPLACE, found | values
            )
        except TakenError:
            return False

    def erase(self, account_id: str, /) -> bool:
        """
        Remove the account and say whether this call was the one that did.
        """
        return self._database.write("SQLRegistry.erase()", _ERASE, {"b_id": account_id})

"""
Accounts, and their password hashes, in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    false,
    select,
    true,
    update,
)

from ...model import Account
from .database import Database
from .schema import ACCOUNTS


IS_UNDER: Final = and_(
    ACCOUNTS.c.id == bindparam("b_id"),
    ACCOUNTS.c.credential_version == bindparam("b_version"),
)

_BY_ID: Final = select(*ACCOUNTS.c).where(ACCOUNTS.c.id == bindparam("b_text"))
_BY_ADDRESS: Final = select(*ACCOUNTS.c).where(
    ACCOUNTS.c.address == bindparam("b_text")
)
_SET_PASSWORD: Final = (
    update(ACCOUNTS)
    .where(IS_UNDER, ACCOUNTS.c.is_disabled == false())
    .values(
        password_hash=bindparam("b_hash"),
        credential_version=ACCOUNTS.c.credential_version + 1,
        is_password_suspended=false(),
    )
)
_REHASH: Final = (
    update(ACCOUNTS).where(IS_UNDER).values(password_hash=bindparam("b_hash"))
)
_DISABLE_PASSWORD: Final = (
    update(ACCOUNTS).where(IS_UNDER).values(is_password_suspended=true())
)


class SQLAccounts:
    """
    The `uness_auth.ports.Accounts` of `uness_auth.storage.sql.SQLStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database

    def by_id(self, account_id: str, /) -> Account | None:
        """
        Return the account, or None.
        """
        return self._find("SQLAccounts.by_id()", _BY_ID, account_id)

    def by_address(self, address: str, /) -> Account | None:
        """
        Return the account with exactly this address, or None.
        """
        return self._find("SQLAccounts.by_address()", _BY_ADDRESS, address)

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        """
        Set the hash, add one to the version, lift the suspension.
        """
        return self._database.write(
            "SQLAccounts.set_password()",
            _SET_PASSWORD,
            {"b_id": account_id, "b_version": version, "b_hash": password_hash},
        )

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        """
        Replace the hash and leave the version alone.
        """
        return self._database.write(
            "SQLAccounts.rehash()",
            _REHASH,
            {"b_id": account_id, "b_version": version, "b_hash": password_hash},
        )

    def disable_password(self, account_id: str, version: int, /) -> bool:
        """
        Suspend the password and leave the version alone.
        """
        return self._database.write(
            "SQLAccounts.disable_password()",
            _DISABLE_PASSWORD,
            {"b_id": account_id, "b_version": version},
        )

    def _find(self, doing: str, statement: Select[Any], text: str) -> Account | None:
        if not _is_storable(text):
            return None
        row = self._database.one(doing, statement, {"b_text": text})
        return None if row is None else account_from(row)


def account_from(row: Sequence[Any], /) -> Account:
    """
    Return the account in *row*, the columns of `ACCOUNTS` in their order.
    """
    # By position: a name per value costs as much as the query.
    id_, address, version, created, name, language, hash_, *more = row
    disabled, suspended, registrar, external_id, opens, ends = more
    return Account(
        id=id_,
        address=address,
        credential_version=version,
        created_at=created,
        display_name=name,
        language=language,
        password_hash=hash_,
        is_disabled=disabled,
        is_password_suspended=suspended,
        provisioned_by=registrar,
        external_id=external_id,
        valid_from=opens,
        valid_until=ends,
    )


def _is_storable(text: str) -> bool:
    # What cannot be encoded was never stored, and the driver would raise; nor was a NUL,
    # which PostgreSQL refuses and no address holds.
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False

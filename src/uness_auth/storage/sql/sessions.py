"""
Open sessions in SQL, read together with their account, and listed for their owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import (
    BigInteger,
    bindparam,
    case,
    delete,
    insert,
    literal_column,
    select,
    type_coerce,
    update,
)

from ...model import Account, Session
from .accounts import SQLAccounts, account_from
from .database import Database
from .schema import ACCOUNTS, SESSIONS, Instant


_IS_IT: Final = SESSIONS.c.digest == bindparam("b_digest")
_SEEN_AT: Final = bindparam("b_seen_at", type_=Instant())

_ADD: Final = insert(SESSIONS)
_BY_DIGEST: Final = select(*SESSIONS.c).where(_IS_IT)
_WITH_ACCOUNT: Final = (
    select(*SESSIONS.c, *ACCOUNTS.c)
    .join_from(SESSIONS, ACCOUNTS, ACCOUNTS.c.id == SESSIONS.c.account_id)
    .where(_IS_IT)
)
_TOUCH: Final = (
    update(SESSIONS)
    .where(_IS_IT)
    .values(
        last_seen_at=case(
            (SESSIONS.c.last_seen_at < _SEEN_AT, _SEEN_AT),
            else_=SESSIONS.c.last_seen_at,
        )
    )
)
_CLOSE: Final = delete(SESSIONS).where(_IS_IT)
_IS_OF_ACCOUNT: Final = SESSIONS.c.account_id == bindparam("b_account")
# By a sum, which no index holds: of an account with thousands of sessions PostgreSQL and
# MariaDB would rather walk everybody's, from the last used on, until enough are found.
_LAST_USED: Final = type_coerce(SESSIONS.c.last_seen_at, BigInteger) + literal_column(
    "0"
)
_OF_ACCOUNT: Final = (
    select(*SESSIONS.c)
    .where(_IS_OF_ACCOUNT)
    .order_by(_LAST_USED.desc())
    .limit(bindparam("b_most"))
)
_CLOSE_OTHERS: Final = delete(SESSIONS).where(
    _IS_OF_ACCOUNT, SESSIONS.c.digest != bindparam("b_kept")
)
_WIDTH: Final = len(SESSIONS.c)


class SQLSessions:
    """
    The `uness_auth.ports.Sessions` of `uness_auth.storage.sql.SQLStorage`.

    Fills `uness_auth.ports.SessionLists`, too.

    Attributes:
        joins: The account store of the same database: see
            `uness_auth.ports.JoinedSessions`.
    """

    def __init__(self, database: Database, joins: SQLAccounts, /) -> None:
        self._database = database
        self._purge = database.backend.purging(
            SESSIONS.c.digest, SESSIONS.c.last_seen_at
        )
        self.joins = joins

    def add(self, session: Session, /) -> None:
        """
        Store *session*.
        """
        self._database.add("SQLSessions.add()", _ADD, attrs.asdict(session))

    def by_digest(self, digest: str, /) -> Session | None:
        """
        Return the session, or None.
        """
        row = self._database.one(
            "SQLSessions.by_digest()", _BY_DIGEST, {"b_digest": digest}
        )
        return None if row is None else _session_from(row)

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        """
        Return the session and its account, or None.
        """
        row = self._database.one(
            "SQLSessions.with_account()", _WITH_ACCOUNT, {"b_digest": digest}
        )
        if row is None:
            return None
        return _session_from(row[:_WIDTH]), account_from(row[_WIDTH:])

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        """
        Note that the session was used.  Never moves `last_seen_at` back.
        """
        return self._database.write(
            "SQLSessions.touch()", _TOUCH, {"b_digest": digest, "b_seen_at": seen_at}
        )

    def close(self, digest: str, /) -> bool:
        """
        Remove the session and say whether this call was the one that did.
        """
        return self._database.write("SQLSessions.close()", _CLOSE, {"b_digest": digest})

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        """
        Return up to *limit* sessions of the account, the last used first.
        """
        rows = self._database.all(
            "SQLSessions.of_account()",
            _OF_ACCOUNT,
            {"b_account": account_id, "b_most": limit},
        )
        return [_session_from(row) for row in rows]

    def close_others(self, account_id: str, kept: str, /) -> int:
        """
        Remove all sessions of the account but the one whose digest is *kept*.
        """
        return self._database.remove(
            "SQLSessions.close_others()",
            _CLOSE_OTHERS,
            {"b_account": account_id, "b_kept": kept},
        )

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* sessions last seen before *before*.
        """
        return self._database.purge("SQLSessions.purge()", self._purge, before, limit)


def _session_from(row: Sequence[Any]) -> Session:
    # By position: a name per value costs as much as the query.
    digest, account, version, opened, seen, remembered, proved, browser, network = row
    return Session(
        digest=digest,
        account_id=account,
        credential_version=version,
        opened_at=opened,
        last_seen_at=seen,
        is_remembered=remembered,
        authenticated_at=proved,
        browser=browser,
        network=network,
    )

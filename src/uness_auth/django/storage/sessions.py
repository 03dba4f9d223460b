"""
Open sessions, read together with their account and its user, and listed for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, cast

import attrs
from django.db.models import BigIntegerField, F, Func

from ...model import Account, Session
from ..models import SessionRow
from .accounts import Directory, DjangoAccounts
from .prepared import ANYTHING, Prepared
from .tables import Table, seconds


# In the order in which they are read.
OWN: Final = (
    "digest",
    "account_id",
    "credential_version",
    "opened_at",
    "last_seen_at",
    "is_remembered",
    "authenticated_at",
    "browser",
    "network",
)
# By a sum, which no index holds: of an account with thousands of sessions PostgreSQL and
# MariaDB would rather walk everybody's, from the last used on, until enough are found.
_NUMBER: Final = cast("Any", BigIntegerField())
LAST_USED_FIRST: Final = Func(
    F("last_seen_at"), template="%(expressions)s + 0", output_field=_NUMBER
).desc()
_TOUCH: Final = """
UPDATE uness_auth_sessionrow
SET last_seen_at = CASE WHEN last_seen_at < %s THEN %s ELSE last_seen_at END
WHERE digest = %s
"""
_CLOSE_OTHERS: Final = """
DELETE FROM uness_auth_sessionrow WHERE account_id = %s AND digest <> %s
"""


class DjangoSessions:
    """
    The `uness_auth.ports.Sessions` of `uness_auth.django.storage.DjangoStorage`.

    Fills `uness_auth.ports.SessionLists`, too.

    Attributes:
        joins: The account store of the same database: see
            `uness_auth.ports.JoinedSessions`.
    """

    def __init__(self, directory: Directory, joins: DjangoAccounts, /) -> None:
        self._directory = directory
        self._database = directory.database
        self._table = Table(directory.database, SessionRow)
        rows = SessionRow.objects.using(directory.database.using)
        found = rows.filter(digest=ANYTHING)
        account = [f"account__{name}" for name in directory.columns]
        self._alone = Prepared(directory.database, found.values_list(*OWN))
        self._joined = Prepared(directory.database, found.values_list(*OWN, *account))
        self._listed = rows.order_by(LAST_USED_FIRST).values_list(*OWN)
        self.joins = joins

    def add(self, session: Session, /) -> None:
        """
        Store *session*.
        """
        self._table.add("DjangoSessions.add()", attrs.asdict(session))

    def by_digest(self, digest: str, /) -> Session | None:
        """
        Return the session, or None.
        """
        values = self._database.read(
            "DjangoSessions.by_digest()", partial(self._alone.first, digest)
        )
        return None if values is None else _session_from(values)

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        """
        Return the session and its account, or None.
        """
        doing = "DjangoSessions.with_account()"
        values = self._database.read(doing, partial(self._joined.first, digest))
        if values is None:
            return None
        found = self._directory.found(values[len(OWN) :])
        if not found.is_current:
            self._directory.follow(doing, found)
            return self.with_account(digest)
        account = found.account
        return None if account is None else (_session_from(values[: len(OWN)]), account)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        """
        Note that the session was used.  Never moves `last_seen_at` back.
        """
        at = seconds(seen_at)
        touched = self._database.write(
            "DjangoSessions.touch()",
            lambda: self._database.execute(_TOUCH, [at, at, digest]),
        )
        return touched == 1

    def close(self, digest: str, /) -> bool:
        """
        Remove the session and say whether this call was the one that did.
        """
        return self._table.remove("DjangoSessions.close()", digest)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        """
        Return up to *limit* sessions of the account, the last used first.
        """
        found = self._listed.filter(account_id=account_id)[:limit]
        rows = self._database.read("DjangoSessions.of_account()", lambda: list(found))
        return [_session_from(values) for values in rows]

    def close_others(self, account_id: str, kept: str, /) -> int:
        """
        Remove all sessions of the account but the one whose digest is *kept*.
        """
        return self._database.write(
            "DjangoSessions.close_others()",
            lambda: self._database.execute(_CLOSE_OTHERS, [account_id, kept]),
        )

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* sessions last seen before *before*.
        """
        return self._table.purge(
            "DjangoSessions.purge()", "last_seen_at", before, limit
        )


def _session_from(values: Sequence[Any]) -> Session:
    digest, account, version, opened, seen, remembered, proved, browser, network = (
        values
    )
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

"""
Keeps everything beside Django's own users, in one of the project's databases.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from ...errors import ConfigurationError
from ...ports import Stores
from .accounts import Directory, DjangoAccounts
from .code_challenges import DjangoCodeChallenges
from .counters import DjangoCounters
from .database import Database
from .events import DjangoEvents
from .newcomers import Newcomers, NewUser, nothing_more
from .registry import DjangoRegistry
from .sessions import DjangoSessions
from .users import users


__all__ = [
    "DjangoAccounts",
    "DjangoCodeChallenges",
    "DjangoCounters",
    "DjangoEvents",
    "DjangoRegistry",
    "DjangoSessions",
    "DjangoStorage",
]

VENDORS: Final = frozenset({"sqlite", "postgresql"})


class DjangoStorage:
    """
    Every store of a site, in a database of the project's, where its users are.

    Uses Django's own connections, one per thread.  What a step did is there when its
    method returns, unless the host encloses it in a transaction of its own: then it is
    there when that is committed.  Attempts are never spent in such a one: see
    {doc}`/reference/django`.

    Args:
        using: The database's alias in ``DATABASES``: where the users are.

        new_user:
            Returns, for an account, what else a new user of this project needs, by
            field: what the user model asks for besides password, address and name.

    Attributes:
        stores: The stores, for `uness_auth.UnessAuth`.

    Raises:
        uness_auth.errors.ConfigurationError:
            If there is no such database, or it is neither SQLite, PostgreSQL nor
            MariaDB, or the user model has no address.  Connects to nothing yet.
    """

    def __init__(
        self, using: str = "default", /, *, new_user: NewUser = nothing_more
    ) -> None:
        _check(using)
        database = Database(using)
        self._directory = Directory(database, users())
        accounts = DjangoAccounts(self._directory)
        sessions = DjangoSessions(self._directory, accounts)
        self.stores: Stores = Stores(
            accounts=accounts,
            registry=DjangoRegistry(
                self._directory, Newcomers(self._directory, new_user)
            ),
            code_challenges=DjangoCodeChallenges(database),
            sessions=sessions,
            session_lists=sessions,
            counters=DjangoCounters(database),
            events=DjangoEvents(database),
        )

    def follow(self, user_key: Any, /) -> None:
        """
        Let the account of this user, if it is one, take over what Django changed.

        The next look at it would do the same.
        """
        _ = self._directory.find("DjangoStorage.follow()", "user_id", user_key)


def _check(using: str) -> None:
    try:
        connection = connections[using]
    except ConnectionDoesNotExist as exc:
        msg = (
            f"DjangoStorage({using!r}): DATABASES has no such alias: name the one that "
            f"the users are in, or leave it out for 'default'"
        )
        raise ConfigurationError(msg) from exc
    if connection.vendor not in VENDORS | {"mysql"}:
        msg = (
            f"DjangoStorage({using!r}) is {connection.display_name}: SQLite, PostgreSQL "
            f"and MariaDB are known"
        )
        raise ConfigurationError(msg)

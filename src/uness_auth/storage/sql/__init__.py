"""
Keeps everything in a database, through SQLAlchemy Core: here SQLite, in a file.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import URL, Engine

from ...errors import ConfigurationError
from ...ports import Stores
from . import schema, sqlite
from .accounts import SQLAccounts
from .code_challenges import SQLCodeChallenges
from .counters import SQLCounters
from .database import Database
from .registry import SQLRegistry
from .sessions import SQLSessions


__all__ = [
    "SQLAccounts",
    "SQLCodeChallenges",
    "SQLCounters",
    "SQLRegistry",
    "SQLSessions",
    "SQLStorage",
]


class SQLStorage:
    """
    Every store of a site, in one database.

    Opens connections of its own, so that no transaction of the host's encloses a step:
    a step is decided when its method returns, whatever the host rolls back.  Threads
    and forked processes may share it.

    Args:
        engine_or_url:
            ``sqlite:///portal.db``, or an engine, which lends its URL and nothing else.

        longest_wait:
            For other writers, or for a free connection; then `StorageError`.

    Attributes:
        engine: Its own engine, for those who measure or trace.

    Raises:
        uness_auth.errors.ConfigurationError:
            If it is no URL, no SQLite, or in memory.  Connects to nothing yet.
    """

    def __init__(
        self,
        engine_or_url: Engine | URL | str,
        /,
        *,
        longest_wait: timedelta = timedelta(seconds=5),
    ) -> None:
        self.engine: Engine = sqlite.make_engine(engine_or_url, longest_wait)
        self._database = Database(self.engine, longest_wait)
        self._longest_wait = longest_wait
        self._is_checked = False
        accounts = SQLAccounts(self._database)
        self._stores = Stores(
            accounts=accounts,
            registry=SQLRegistry(self._database),
            code_challenges=SQLCodeChallenges(self._database),
            sessions=SQLSessions(self._database, accounts),
            counters=SQLCounters(self._database),
        )

    @property
    def stores(self) -> Stores:
        """
        The stores, for `uness_auth.UnessAuth`.  The first look checks the schema.

        Raises:
            uness_auth.errors.ConfigurationError:
                If there are no tables yet, or a newer version of the library made them.

            uness_auth.errors.StorageError: If the database cannot be reached.
        """
        if not self._is_checked:
            self._check(self.schema_version())
            self._is_checked = True
        return self._stores

    def create_schema(self) -> None:
        """
        Create what is missing, in one transaction; may be called at every start.

        Of several processes that call at once one creates, and the others find it done.

        Raises:
            uness_auth.errors.ConfigurationError:
                If a newer version of the library made the tables.
        """
        doing = "SQLStorage.create_schema()"
        with self._database.connection(doing) as connection:
            sqlite.use_write_ahead_log(connection, self._longest_wait)
        with self._database.transaction(doing) as connection:
            found = schema.read_version(connection)
            if found == schema.NO_TABLES:
                schema.create(connection)
        self._check(found or schema.VERSION)

    def schema_version(self) -> int:
        """
        Return the version of the tables, 0 where there are none.
        """
        with self._database.connection("SQLStorage.schema_version()") as connection:
            return schema.read_version(connection)

    def close(self) -> None:
        """
        Close the connections nobody is using.  The next call opens new ones.
        """
        self._database.close()

    def _check(self, found: int) -> None:
        if found == schema.VERSION:
            return
        where = self.engine.url.render_as_string(hide_password=True)
        ways_out = (
            "call SQLStorage.create_schema() once, before the site starts"
            if found == schema.NO_TABLES
            else "upgrade uness-auth, or name another database"
        )
        msg = (
            f"{where} has schema version {found}, this uness-auth needs "
            f"{schema.VERSION}: {ways_out}"
        )
        raise ConfigurationError(msg)

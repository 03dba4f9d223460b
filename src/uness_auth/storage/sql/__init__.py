"""
Keeps everything in a database, through SQLAlchemy Core: SQLite, PostgreSQL or MariaDB.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs
from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from ...errors import ConfigurationError
from ...ports import Stores
from . import mariadb, postgresql, schema, sqlite
from .accounts import SQLAccounts
from .backend import Backend, Waits
from .code_challenges import SQLCodeChallenges
from .counters import SQLCounters
from .database import Database
from .events import SQLEvents
from .registry import SQLRegistry
from .schema import METADATA
from .sessions import SQLSessions


__all__ = [
    "METADATA",
    "SQLAccounts",
    "SQLCodeChallenges",
    "SQLCounters",
    "SQLEvents",
    "SQLRegistry",
    "SQLSessions",
    "SQLStorage",
]


_BACKENDS: Final = (
    (sqlite.DRIVERS, sqlite.SQLITE),
    (postgresql.DRIVERS, postgresql.POSTGRESQL),
    (mariadb.DRIVERS, mariadb.MARIADB),
)
_WAYS: Final = (
    "write sqlite:///portal.db, postgresql://user:password@host/portal or "
    "mariadb://user:password@host/portal"
)
_UPGRADE: Final = (
    "call SQLStorage.create_schema(), run `uness-auth database upgrade`, or "
    "`alembic upgrade uness_auth@head`, before the site starts"
)
# For an answer of the database while the tables are changed: a step takes the time it
# needs, but a server that was lost does not keep the site from starting for ever.
_LONGEST_STEP: Final = timedelta(days=1)


class SQLStorage:
    """
    Every store of a site, in one database.

    Opens connections of its own, so that no transaction of the host's encloses a step:
    a step is decided when its method returns, whatever the host rolls back.  Threads
    and forked processes may share it.

    Args:
        engine_or_url:
            ``sqlite:///portal.db``, ``postgresql://…`` (by psycopg 3) or ``mariadb://…``
            (10.5 or newer, by PyMySQL).  Or an engine, which lends its URL and nothing
            else: what else it was made with belongs into the URL.

        longest_wait:
            For a connection, for other writers and for the answer, all together; then
            `StorageError`.  PostgreSQL's driver waits 2 seconds at least for a
            connection.

    Attributes:
        engine:
            Its own engine, for those who measure or trace.  While somebody listens to
            its statements, each takes SQLAlchemy's own way, and costs more.

    Raises:
        uness_auth.errors.ConfigurationError:
            If it is no URL, no such database, or its driver is not installed.  Connects
            to nothing yet.
    """

    def __init__(
        self,
        engine_or_url: Engine | URL | str,
        /,
        *,
        longest_wait: timedelta = timedelta(seconds=5),
    ) -> None:
        url = _url(engine_or_url)
        self._backend = _backend(url)
        self._waits = Waits.of(longest_wait)
        self.engine: Engine = _engine(self._backend, url, self._waits)
        self._database = Database(self.engine, self._backend, self._waits)
        self._is_checked = False
        accounts = SQLAccounts(self._database)
        sessions = SQLSessions(self._database, accounts)
        self._stores = Stores(
            accounts=accounts,
            registry=SQLRegistry(self._database),
            code_challenges=SQLCodeChallenges(self._database),
            sessions=sessions,
            session_lists=sessions,
            counters=SQLCounters(self._database),
            events=SQLEvents(self._database),
        )

    @property
    def stores(self) -> Stores:
        """
        The stores, for `uness_auth.UnessAuth`.  The first look checks the schema.

        Raises:
            uness_auth.errors.ConfigurationError:
                If there are no tables yet, or those of another version of the library.

            uness_auth.errors.StorageError: If the database cannot be reached.
        """
        if not self._is_checked:
            self._check(self.schema_version())
            self._is_checked = True
        return self._stores

    def create_schema(self, *, longest_wait: timedelta = timedelta(minutes=1)) -> None:
        """
        Create the tables, or bring them to this version; may be called at every start.

        In one transaction: where it fails, the tables are as they were.  MariaDB cannot
        take changes of tables back; there the next call goes on where this one failed.
        Of several processes that call at once one does the work, and the others find
        it done.  Where nothing is to be done, it is two short questions.

        Args:
            longest_wait:
                For another process that is at it; then `StorageError`.  The work itself
                takes the time it needs, but waits for other locks no longer than any
                step.

        Raises:
            uness_auth.errors.ConfigurationError:
                If a newer version of the library made the tables.

            uness_auth.errors.StorageError: If it failed.  It may be called again.
        """
        doing = "SQLStorage.create_schema()"

        def prepare(connection: Connection) -> int:
            self._backend.prepare(connection, self._waits)
            return schema.read_version(connection)

        if self._database.read(doing, prepare) < schema.VERSION:
            self._migrate(doing, longest_wait)
        self._check(self.schema_version())

    def schema_version(self) -> int:
        """
        Return the version of the tables, 0 where there are none.
        """
        return self._database.read("SQLStorage.schema_version()", schema.read_version)

    def close(self) -> None:
        """
        Close the connections nobody is using.  The next call opens new ones.
        """
        self._database.close()

    def _migrate(self, doing: str, longest_wait: timedelta) -> None:
        # Here, because few starts need Alembic, and all would wait for its import.
        from . import migrations  # noqa: PLC0415

        waits = attrs.evolve(self._waits, for_sign=_LONGEST_STEP.total_seconds())
        engine = _engine(self._backend, self.engine.url, waits)
        database = Database(engine, self._backend, waits)
        try:
            database.migrate(doing, migrations.run, longest_wait.total_seconds())
        finally:
            database.close()

    def _check(self, found: int) -> None:
        if found == schema.VERSION:
            return
        state = (
            "has no tables yet"
            if found == schema.NO_TABLES
            else f"has schema version {found}, this uness-auth needs {schema.VERSION}"
        )
        ways_out = (
            _UPGRADE
            if found < schema.VERSION
            else "upgrade uness-auth, or name another database"
        )
        msg = f"{_shown(self.engine.url)} {state}: {ways_out}"
        raise ConfigurationError(msg)


def _url(given: Engine | URL | str) -> URL:
    try:
        return given.url if isinstance(given, Engine) else make_url(given)
    except ArgumentError as exc:
        # The text is not repeated: what is no URL may still hold a password.
        msg = f"SQLStorage() was given no database URL: {_WAYS}"
        raise ConfigurationError(msg) from exc


def _backend(url: URL) -> Backend:
    for drivers, backend in _BACKENDS:
        if url.drivername in drivers:
            return backend
    msg = f"SQLStorage({_shown(url)!r}) is no database that it knows: {_WAYS}"
    raise ConfigurationError(msg)


def _shown(url: URL) -> str:
    # Without its options: some drivers take a password there.
    return url.set(query={}).render_as_string(hide_password=True)


def _engine(backend: Backend, url: URL, waits: Waits) -> Engine:
    try:
        return backend.make_engine(url, waits)
    except ModuleNotFoundError as exc:
        msg = (
            f"SQLStorage() has no driver for {backend.name}: "
            f"pip install 'uness-auth[{backend.extra}]'"
        )
        raise ConfigurationError(msg) from exc

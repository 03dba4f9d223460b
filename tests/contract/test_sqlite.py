"""
What the storage in SQL does on SQLite, beside the contracts: files, writers, forks.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import Final

import attrs
import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from uness_auth.errors import ConfigurationError, StorageError
from uness_auth.model import Session
from uness_auth.ports import Stores
from uness_auth.storage.sql import SQLAccounts, SQLSessions, SQLStorage, schema
from uness_auth.storage.sql.backend import Waits
from uness_auth.storage.sql.database import Database, forget_all
from uness_auth.storage.sql.sqlite import SQLITE


NOW: Final = datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC)
SESSION: Final = Session(
    digest="c0" * 32,
    account_id="4711",
    credential_version=7,
    opened_at=NOW,
    last_seen_at=NOW,
)
WAITS: Final = Waits.of(timedelta(seconds=1))


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "portal.db"


@pytest.fixture(name="storage")
def _storage(file: Path) -> Iterator[SQLStorage]:
    storage = SQLStorage(f"sqlite:///{file}", longest_wait=timedelta(seconds=0.1))
    yield storage
    storage.close()


@pytest.fixture(name="stores")
def _stores(storage: SQLStorage) -> Stores:
    storage.create_schema()
    return storage.stores


class TestSQLStorage:
    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite:///file::memory:?uri=true",
            "sqlite:///file:portal?mode=memory&uri=true",
        ],
    )
    def test_memory_is_refused(self, url: str) -> None:
        """
        A database in memory would be another one for each thread.
        """
        with pytest.raises(ConfigurationError, match=r"sqlite:///portal.db.*Memory"):
            _ = SQLStorage(url)

    def test_old_library_is_refused(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        SQLite before 3.35 cannot tell what an update wrote.
        """
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

        with pytest.raises(ConfigurationError, match=r"is too old: 3\.35 or newer"):
            _ = SQLStorage(f"sqlite:///{file}")

    def test_an_engine_lends_its_url(self, file: Path) -> None:
        """
        A host's engine is not connected: its transactions are its own.
        """
        engine = create_engine(f"sqlite:///{file}")
        opened = opened_connections_of(engine)

        with closing(SQLStorage(engine)) as storage:
            storage.create_schema()

        assert [] == opened
        assert file.exists()

    def test_nothing_is_opened_yet(self, storage: SQLStorage, file: Path) -> None:
        """
        Making the storage touches no file.
        """
        assert storage.engine.url.database == str(file)
        assert not file.exists()


class TestSchema:
    def test_created_once(self, storage: SQLStorage) -> None:
        """
        One call creates the tables; the next finds them.
        """
        assert 0 == storage.schema_version()

        storage.create_schema()
        storage.create_schema()

        assert schema.VERSION == storage.schema_version()

    def test_records_outlive_the_storage(self, storage: SQLStorage, file: Path) -> None:
        """
        Another storage on the same file finds what was written, and creates nothing.
        """
        storage.create_schema()
        storage.stores.sessions.add(SESSION)

        with closing(SQLStorage(f"sqlite:///{file}")) as other:
            other.create_schema()

            assert SESSION == other.stores.sessions.by_digest(SESSION.digest)

    def test_stores_without_schema_are_refused(self, storage: SQLStorage) -> None:
        """
        An empty database is told at start, with the call that helps.
        """
        with pytest.raises(ConfigurationError, match=r"call SQLStorage.create_schema"):
            _ = storage.stores

    def test_newer_schema_is_refused(self, storage: SQLStorage) -> None:
        """
        Tables of a newer version are neither used nor changed.
        """
        storage.create_schema()
        with storage.engine.connect() as connection:
            newer = schema.SCHEMA.update().values(version=schema.VERSION + 1)
            _ = connection.execute(newer)
        told = rf"version {schema.VERSION + 1}.*upgrade uness-auth"

        with pytest.raises(ConfigurationError, match=told):
            _ = storage.stores
        with pytest.raises(ConfigurationError, match=told):
            storage.create_schema()

    def test_stores_are_the_same_each_time(self, storage: SQLStorage) -> None:
        """
        The session store joins the very account store that is given out.
        """
        storage.create_schema()

        assert storage.stores is storage.stores

    def test_readers_do_not_wait_for_a_writer(self, stores: Stores, file: Path) -> None:
        """
        The file is in WAL mode: what was committed is read while somebody writes.
        """
        stores.sessions.add(SESSION)

        with writing(file):
            found = stores.sessions.by_digest(SESSION.digest)

        assert SESSION == found

    def test_a_writer_does_not_wait_for_readers(
        self, stores: Stores, file: Path
    ) -> None:
        """
        What is written is committed while somebody reads.
        """
        with closing(connect(file)) as reader:
            _ = reader.execute("BEGIN")
            _ = reader.execute("SELECT * FROM uness_auth_sessions").fetchall()

            stores.sessions.add(SESSION)

            assert SESSION == stores.sessions.by_digest(SESSION.digest)

    def test_schema_waits_for_a_writer(self, file: Path) -> None:
        """
        Where a host is writing to the file, the schema comes after it.
        """
        with (
            closing(SQLStorage(f"sqlite:///{file}")) as storage,
            closing(connect(file)) as host,
        ):
            _ = host.execute("BEGIN IMMEDIATE")
            end = Timer(0.1, host.rollback)
            end.start()

            storage.create_schema()
            end.join()

            assert schema.VERSION == storage.schema_version()

    def test_schema_does_not_wait_for_ever(
        self, storage: SQLStorage, file: Path
    ) -> None:
        """
        A writer that does not end is told, as what was being done.
        """
        with (
            writing(file),
            pytest.raises(StorageError, match=r"SQLStorage.create_schema\(\) failed"),
        ):
            storage.create_schema()

    def test_commits_outlive_a_power_cut(self, storage: SQLStorage) -> None:
        """
        Every connection syncs each commit, whatever the build's default.
        """
        with storage.engine.connect() as connection:
            level = connection.execute(text("PRAGMA synchronous")).scalar_one()

        assert 2 == level


class TestFailures:
    def test_missing_folder_is_told(self, tmp_path: Path) -> None:
        """
        A file that cannot be opened is told.
        """
        storage = SQLStorage(f"sqlite:///{tmp_path}/missing/portal.db")

        with pytest.raises(StorageError, match=r"SQLStorage.schema_version\(\) failed"):
            _ = storage.stores

    def test_what_sqlite_cannot_keep_is_refused(self, stores: Stores) -> None:
        """
        A lone surrogate and a number over 64 bits are told like any other fault.
        """
        with pytest.raises(StorageError):
            stores.sessions.add(attrs.evolve(SESSION, account_id="\ud800"))
        with pytest.raises(StorageError):
            stores.sessions.add(attrs.evolve(SESSION, credential_version=2**63))

    def test_writers_of_others_are_waited_for(self, stores: Stores, file: Path) -> None:
        """
        A writer that another process keeps waiting gives up, and says so.
        """
        with (
            writing(file),
            pytest.raises(StorageError, match=r"SQLSessions.add\(\) failed") as told,
        ):
            stores.sessions.add(SESSION)

        assert "locked" in str(told.value.__cause__)

    def test_writers_of_this_process_are_waited_for(self, storage: SQLStorage) -> None:
        """
        A writer that other threads keep waiting gives up, and says so.
        """
        storage.create_schema()
        database = Database(storage.engine, SQLITE, Waits(0.01, 0.01, 0.01))
        sessions = SQLSessions(database, SQLAccounts(database))

        def write_beside(_connection: Connection) -> None:
            sessions.add(SESSION)

        with pytest.raises(StorageError, match=r"took over 0\.01 s"):
            database.transaction("a long transaction", write_beside)

    def test_failed_transaction_leaves_nothing(
        self, stores: Stores, storage: SQLStorage
    ) -> None:
        """
        What is broken off in the middle was never there, and keeps nobody waiting.
        """
        database = Database(storage.engine, SQLITE, WAITS)
        stores.sessions.add(SESSION)

        with pytest.raises(KeyboardInterrupt):
            close_and_break_off(database)

        assert stores.sessions.close(SESSION.digest)


class TestFork:
    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    def test_parent_and_child_go_on(self, stores: Stores, storage: SQLStorage) -> None:
        """
        Nothing is open during a fork, and after it both write, each on its own.
        """
        _ = stores.counters.add("5e", 1, NOW)
        closed = closed_connections_of(storage.engine)

        with warnings.catch_warnings():
            # Python warns where another test has left a thread.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            number = stores.counters.add("5e", 1, NOW)
            os._exit(0 if number in {2, 3} else 1)
        closed_before_fork = len(closed)
        _ = stores.counters.add("5e", 1, NOW)
        _, status = os.waitpid(child, 0)

        assert 1 == closed_before_fork
        assert 0 == status
        assert 4 == stores.counters.add("5e", 1, NOW)

    def test_child_waits_for_no_thread_of_its_parent(self, storage: SQLStorage) -> None:
        """
        A child forgets who was writing: that thread is not there to end it.
        """
        storage.create_schema()
        storage.close()
        database = Database(storage.engine, SQLITE, WAITS)
        sessions = SQLSessions(database, SQLAccounts(database))

        with pytest.raises(KeyboardInterrupt):
            add_as_a_child(database, sessions)

        assert SESSION == sessions.by_digest(SESSION.digest)


def connect(file: Path) -> sqlite3.Connection:
    """
    Return a connection of somebody else's.
    """
    return sqlite3.connect(file, isolation_level=None, check_same_thread=False)


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """
    Let somebody else be in the middle of writing.
    """
    with closing(connect(file)) as other:
        _ = other.execute("BEGIN IMMEDIATE")
        yield


def opened_connections_of(engine: Engine) -> list[object]:
    """
    Return a list that grows with each connection that is opened from now on.
    """
    opened: list[object] = []
    event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    return opened


def closed_connections_of(engine: Engine) -> list[object]:
    """
    Return a list that grows with each connection that is closed from now on.
    """
    closed: list[object] = []
    event.listen(engine, "close", lambda connection, _: closed.append(connection))
    return closed


def close_and_break_off(database: Database) -> None:
    """
    Delete every session, and be interrupted before the end of the transaction.
    """

    def work(connection: Connection) -> None:
        _ = connection.execute(text("DELETE FROM uness_auth_sessions"))
        raise KeyboardInterrupt

    database.transaction("test", work)


def add_as_a_child(database: Database, sessions: SQLSessions) -> None:
    """
    Add a session as a child does that was forked while somebody was writing.
    """

    def work(connection: Connection) -> None:
        _ = connection.exec_driver_sql("ROLLBACK")
        forget_all()
        sessions.add(SESSION)
        raise KeyboardInterrupt

    database.transaction("a thread of the parent's", work)

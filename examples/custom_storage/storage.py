"""
Every store of a site on the driver that comes with Python: `sqlite3`, and nothing else.

One class per port: `uness_auth.ports` says what each method promises, and here is how.
Needs SQLite 3.35 or newer, for RETURNING.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Generator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from uness_auth import StorageError
from uness_auth.events import Event, EventKind
from uness_auth.model import Account, CodeChallenge, Session
from uness_auth.ports import Stores


Record = TypeVar("Record", Account, CodeChallenge, Session, Event)
Row: TypeAlias = Sequence[Any]

LONGEST_WAIT: Final = 5.0

# Columns stand in the order of the record's fields.  Texts are compared byte by byte:
# SQLite does by itself, elsewhere name a binary collation.  Instants are whole seconds
# since 1970: of a database's own types one drops the zone, another adds microseconds.
TABLES: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE, credential_version INTEGER,
    created_at INTEGER, display_name TEXT, language TEXT, password_hash TEXT,
    is_disabled INTEGER, is_password_suspended INTEGER, provisioned_by TEXT,
    external_id TEXT, valid_from INTEGER, valid_until INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_by_external_id
    ON accounts (provisioned_by, external_id) WHERE external_id <> '';
CREATE TABLE IF NOT EXISTS challenges (
    id TEXT PRIMARY KEY, account_id TEXT, credential_version INTEGER, key_id TEXT,
    browser_digest TEXT, sent_at INTEGER, expires_at INTEGER, window_ends_at INTEGER,
    attempts_left INTEGER, is_certain INTEGER);
CREATE TABLE IF NOT EXISTS sessions (
    digest TEXT PRIMARY KEY, account_id TEXT, credential_version INTEGER,
    opened_at INTEGER, last_seen_at INTEGER, is_remembered INTEGER,
    authenticated_at INTEGER, browser TEXT, network TEXT);
CREATE TABLE IF NOT EXISTS counters (
    key TEXT PRIMARY KEY, text TEXT, number INTEGER, expires_at INTEGER);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, kind TEXT, at INTEGER, account_id TEXT, address TEXT,
    network TEXT, method TEXT, reason TEXT);
CREATE INDEX IF NOT EXISTS events_by_account ON events (account_id, at);
CREATE INDEX IF NOT EXISTS events_by_kind ON events (kind, at);
CREATE INDEX IF NOT EXISTS challenges_by_end ON challenges (window_ends_at);
CREATE INDEX IF NOT EXISTS sessions_by_last_seen ON sessions (last_seen_at);
CREATE INDEX IF NOT EXISTS sessions_by_account ON sessions (account_id);
CREATE INDEX IF NOT EXISTS counters_by_end ON counters (expires_at);
"""


class Database:
    """
    The one place where statements meet connections, and faults become `StorageError`.

    A connection per call: nothing is open between two calls, so that threads and forked
    processes may share the stores.  It costs SQLite a tenth of a millisecond; a driver
    that pays more lends them from a pool, here.
    """

    def __init__(self, path: Path | str, /) -> None:
        self._path = path
        self._turn = Lock()

    def read(self, statement: str, /, *values: object) -> list[Row]:
        """
        Return what one SELECT finds.
        """
        with self._connection(statement, LONGEST_WAIT) as connection:
            return connection.execute(statement, _stored(values)).fetchall()

    def write(self, statement: str, /, *values: object) -> int:
        """
        Run one statement, which is one atomic step; return how many rows it changed.
        """
        with self.writer(statement) as connection:
            return connection.execute(statement, _stored(values)).rowcount

    def write_returning(self, statement: str, /, *values: object) -> list[Row]:
        """
        Run one statement, which is one atomic step; return what it wrote.
        """
        with self.writer(statement) as connection:
            # Fetched to the end: SQLite commits when no more rows are there.
            return connection.execute(statement, _stored(values)).fetchall()

    @contextmanager
    def writer(self, doing: str, /) -> Generator[sqlite3.Connection]:
        """
        Lend a connection to one writer at a time; *doing* is for `StorageError`.

        SQLite lets writers wait by sleeping longer and longer, and whoever comes
        meanwhile goes first.  So those of one process form a queue.
        """
        deadline = monotonic() + LONGEST_WAIT
        if not self._turn.acquire(timeout=LONGEST_WAIT):
            msg = f"SQLite is busy: {doing}"
            raise StorageError(msg)
        try:
            with self._connection(doing, deadline - monotonic()) as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def _connection(self, doing: str, wait: float) -> Generator[sqlite3.Connection]:
        try:
            # No isolation level: each statement is committed by itself, as it ends.
            opened = sqlite3.connect(self._path, timeout=wait, isolation_level=None)
            with closing(opened) as connection:
                # Under NORMAL a power cut takes the last commits back, and a used link
                # or a closed session returns.
                _ = connection.execute("PRAGMA synchronous = FULL")
                yield connection
        except (sqlite3.Error, UnicodeEncodeError, OverflowError) as exc:
            # The statement without its values, which may be digests.
            msg = f"SQLite failed: {doing}"
            raise StorageError(msg) from exc


def _stored(values: Sequence[object]) -> list[object]:
    return [int(v.timestamp()) if isinstance(v, datetime) else v for v in values]


def _record(kind: type[Record], row: Row) -> Record:
    fields = [field.name for field in attrs.fields(kind)]
    return kind(**dict(map(_field, fields, row)))


def _field(name: str, stored: Any) -> tuple[str, Any]:
    # The names tell: instants end in at or begin with valid_, booleans with is_.
    is_instant = f"_{name}".endswith("_at") or name.startswith("valid_")
    if is_instant and stored is not None:
        return name, datetime.fromtimestamp(stored, UTC)
    return name, bool(stored) if name.startswith("is_") else stored


@attrs.frozen(eq=False)
class SQLiteAccounts:
    """
    Accounts and their password hashes.
    """

    _database: Database

    def by_id(self, account_id: str, /) -> Account | None:
        return self._find("SELECT * FROM accounts WHERE id = ?", account_id)

    def by_address(self, address: str, /) -> Account | None:
        return self._find("SELECT * FROM accounts WHERE address = ?", address)

    def set_password(self, account_id: str, hash_: str, version: int, /) -> bool:
        set_password = (
            "UPDATE accounts SET password_hash = ?, is_password_suspended = FALSE,"
            " credential_version = credential_version + 1"
            " WHERE id = ? AND credential_version = ? AND NOT is_disabled"
        )
        return self._database.write(set_password, hash_, account_id, version) == 1

    def rehash(self, account_id: str, hash_: str, version: int, /) -> bool:
        rehash = (
            "UPDATE accounts SET password_hash = ?"
            " WHERE id = ? AND credential_version = ?"
        )
        return self._database.write(rehash, hash_, account_id, version) == 1

    def disable_password(self, account_id: str, version: int, /) -> bool:
        suspend = (
            "UPDATE accounts SET is_password_suspended = TRUE"
            " WHERE id = ? AND credential_version = ?"
        )
        return self._database.write(suspend, account_id, version) == 1

    def _find(self, statement: str, text: str) -> Account | None:
        # What cannot be encoded was never stored, and the driver would raise.
        if text.encode(errors="ignore").decode() != text:
            return None
        rows = self._database.read(statement, text)
        return _record(Account, rows[0]) if rows else None


@attrs.frozen(eq=False)
class SQLiteCodeChallenges:
    """
    Sign-ins by code that wait for their code.
    """

    _database: Database

    def add(self, challenge: CodeChallenge, /) -> None:
        add = "INSERT INTO challenges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        _ = self._database.write(add, *attrs.astuple(challenge))

    def renew(
        self, id_: str, not_sent_after: datetime, sent_at: datetime, ends: datetime, /
    ) -> tuple[CodeChallenge, bool] | None:
        renew = (
            "UPDATE challenges SET sent_at = ?, expires_at = ? WHERE sent_at <= ?"
            " AND id = ? AND attempts_left > 0 AND window_ends_at > ? RETURNING *"
        )
        look = (
            "SELECT * FROM challenges"
            " WHERE id = ? AND attempts_left > 0 AND window_ends_at > ?"
        )
        is_open = (id_, sent_at)
        renewed = self._database.write_returning(
            renew, sent_at, ends, not_sent_after, *is_open
        )
        # Where nothing was due, the look tells what is true when it looks.
        rows = renewed or self._database.read(look, *is_open)
        return (_record(CodeChallenge, rows[0]), bool(renewed)) if rows else None

    def spend_attempt(self, id_: str, /) -> CodeChallenge | None:
        spend = (
            "UPDATE challenges SET attempts_left = attempts_left - 1"
            " WHERE id = ? AND attempts_left > 0 RETURNING *"
        )
        rows = self._database.write_returning(spend, id_)
        return _record(CodeChallenge, rows[0]) if rows else None

    def consume(self, id_: str, /) -> bool:
        consume = "DELETE FROM challenges WHERE id = ?"
        return self._database.write(consume, id_) == 1

    def purge(self, before: datetime, limit: int, /) -> int:
        purge = (
            "DELETE FROM challenges WHERE id IN (SELECT id FROM challenges"
            " WHERE window_ends_at < ? LIMIT ?)"
        )
        return self._database.write(purge, before, limit)


@attrs.frozen(eq=False)
class SQLiteSessions:
    """
    Open sessions, which can be read together with their account, and listed.
    """

    _database: Database
    joins: SQLiteAccounts

    def add(self, session: Session, /) -> None:
        add = "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        _ = self._database.write(add, *attrs.astuple(session))

    def by_digest(self, digest: str, /) -> Session | None:
        rows = self._database.read("SELECT * FROM sessions WHERE digest = ?", digest)
        return _record(Session, rows[0]) if rows else None

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        join = (
            "SELECT accounts.*, sessions.* FROM sessions JOIN accounts"
            " ON accounts.id = sessions.account_id WHERE digest = ?"
        )
        rows = self._database.read(join, digest)
        if not rows:
            return None
        width = len(attrs.fields(Account))
        return _record(Session, rows[0][width:]), _record(Account, rows[0])

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        touch = (
            "UPDATE sessions SET last_seen_at = max(last_seen_at, ?) WHERE digest = ?"
        )
        return self._database.write(touch, seen_at, digest) == 1

    def close(self, digest: str, /) -> bool:
        close = "DELETE FROM sessions WHERE digest = ?"
        return self._database.write(close, digest) == 1

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        own = (
            "SELECT * FROM sessions WHERE account_id = ?"
            " ORDER BY last_seen_at DESC LIMIT ?"
        )
        rows = self._database.read(own, account_id, limit)
        return [_record(Session, row) for row in rows]

    def close_others(self, account_id: str, kept: str, /) -> int:
        close = "DELETE FROM sessions WHERE account_id = ? AND digest <> ?"
        return self._database.write(close, account_id, kept)

    def purge(self, before: datetime, limit: int, /) -> int:
        purge = (
            "DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions"
            " WHERE last_seen_at < ? LIMIT ?)"
        )
        return self._database.write(purge, before, limit)


@attrs.frozen(eq=False)
class SQLiteCounters:
    """
    The throttles' state: texts that are swapped, numbers that are added.
    """

    _database: Database

    def read(self, key: str, /) -> str | None:
        rows = self._database.read("SELECT text FROM counters WHERE key = ?", key)
        return rows[0][0] if rows else None

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        first = (
            "INSERT INTO counters (text, expires_at, key) VALUES (?, ?, ?)"
            " ON CONFLICT DO NOTHING"
        )
        swap = "UPDATE counters SET text = ?, expires_at = ? WHERE key = ? AND text = ?"
        if before is None:
            return self._database.write(first, after, expires_at, key) == 1
        return self._database.write(swap, after, expires_at, key, before) == 1

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        look = "SELECT number FROM counters WHERE key = ?"
        add = (
            "INSERT INTO counters (key, number, expires_at) VALUES (?, max(0, ?), ?)"
            " ON CONFLICT (key) DO UPDATE SET number = max(0, number + ?),"
            " expires_at = max(expires_at, excluded.expires_at) RETURNING number"
        )
        if delta == 0:
            rows = self._database.read(look, key)
        else:
            rows = self._database.write_returning(add, key, delta, expires_at, delta)
        return rows[0][0] if rows else 0

    def purge(self, before: datetime, limit: int, /) -> int:
        purge = (
            "DELETE FROM counters WHERE key IN (SELECT key FROM counters"
            " WHERE expires_at < ? LIMIT ?)"
        )
        return self._database.write(purge, before, limit)


@attrs.frozen(eq=False)
class SQLiteEvents:
    """
    What happened, numbered as it was written.
    """

    _database: Database

    def add(self, events: Sequence[Event], /) -> None:
        add = "INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
        with self._database.writer(add) as connection:
            _ = connection.execute("BEGIN IMMEDIATE")
            for event in events:
                _ = connection.execute(add, _stored(attrs.astuple(event)))
            _ = connection.execute("COMMIT")

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        # Under no id stands what concerns nobody, or was erased.
        own = (
            "SELECT kind, at, account_id, address, network, method, reason FROM events"
            " WHERE account_id = ? AND account_id <> ''"
            " ORDER BY at DESC, number DESC LIMIT ?"
        )
        rows = self._database.read(own, account_id, limit)
        return [_record(Event, (EventKind(kind), *row)) for kind, *row in rows]

    def erase(self, account_id: str, /) -> int:
        erase = (
            "UPDATE events SET account_id = '', address = '', network = '', reason = ''"
            " WHERE account_id = ? AND account_id <> ''"
        )
        return self._database.write(erase, account_id)

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        marks = ", ".join("?" * len(kinds))
        old = f"SELECT number FROM events WHERE kind IN ({marks}) AND at < ? LIMIT ?"  # noqa: S608 - marks alone
        purge = f"DELETE FROM events WHERE number IN ({old})"  # noqa: S608 - as above
        return self._database.write(purge, *kinds, before, limit)


@attrs.frozen(eq=False)
class SQLiteRegistry:
    """
    Creates and changes accounts, for provisioning.
    """

    _database: Database

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        page = "SELECT * FROM accounts WHERE id > ? ORDER BY id LIMIT ?"
        rows = self._database.read(page, after, limit)
        return [_record(Account, row) for row in rows]

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        add = (
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING id"
        )
        rows: list[Row] = []
        with self._database.writer(add) as connection:
            # The one step of several statements.  IMMEDIATE: or it would ask for the
            # write lock late, and fail where somebody else had it meanwhile.
            _ = connection.execute("BEGIN IMMEDIATE")
            for account in accounts:
                rows += connection.execute(add, _stored(attrs.astuple(account)))
            _ = connection.execute("COMMIT")
        return frozenset(row[0] for row in rows)

    def replace(self, account: Account, version: int, /) -> bool:
        written = attrs.asdict(account)
        del written["id"], written["is_password_suspended"]
        # OR IGNORE: an address or external id that belongs to another changes nothing.
        replace = (
            f"UPDATE OR IGNORE accounts SET {' = ?, '.join(written)} = ?"  # noqa: S608 - names of ours
            " WHERE id = ? AND credential_version = ?"
        )
        done = self._database.write(replace, *written.values(), account.id, version)
        return done == 1

    def erase(self, account_id: str, /) -> bool:
        erase = "DELETE FROM accounts WHERE id = ?"
        return self._database.write(erase, account_id) == 1


class SQLiteStorage:
    """
    Every store of a site, in one file.

    Attributes:
        stores: For `uness_auth.UnessAuth`.
    """

    def __init__(self, path: Path | str, /) -> None:
        self._database = Database(path)
        accounts = SQLiteAccounts(self._database)
        sessions = SQLiteSessions(self._database, accounts)
        self.stores: Stores = Stores(
            accounts=accounts,
            registry=SQLiteRegistry(self._database),
            code_challenges=SQLiteCodeChallenges(self._database),
            sessions=sessions,
            session_lists=sessions,
            counters=SQLiteCounters(self._database),
            events=SQLiteEvents(self._database),
        )

    def create_tables(self) -> None:
        """
        Create what is missing; call it once, before the site starts.
        """
        with self._database.writer("CREATE TABLE") as connection:
            _ = connection.executescript(TABLES)

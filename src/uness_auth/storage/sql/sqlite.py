"""
What only SQLite needs: connections that are safe to share, and its own ways to write.

Another database gets a module like this one.
"""

from __future__ import annotations

import sqlite3
import time
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    QueuePool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import ArgumentError, OperationalError

from ...errors import ConfigurationError


__all__ = ["BEGIN", "insert", "make_engine", "use_write_ahead_log"]

# A plain BEGIN takes the write lock only at the first write, and where somebody else
# wrote since the first read, that fails at once, however long the time-out.
BEGIN: Final = "BEGIN IMMEDIATE"

# Connections kept open, and opened besides when all are lent.  Each is lent for one
# step, well under a millisecond, unless it waits for another writer.
POOL_SIZE: Final = 16
POOL_OVERFLOW: Final = 16


def make_engine(given: Engine | URL | str, longest_wait: timedelta, /) -> Engine:
    """
    Return an engine of our own for the file that *given* names.

    Raises:
        uness_auth.errors.ConfigurationError: If it is no file of SQLite's.
    """
    url = _url(given)
    seconds = longest_wait.total_seconds()
    engine = create_engine(
        url,
        # The driver never begins by itself: one statement is one step.
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        # Parameters are digests, hashes and addresses: no place for them in messages.
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=seconds,
        connect_args={"timeout": seconds},
    )
    event.listen(engine, "connect", _on_connect)
    return engine


def use_write_ahead_log(connection: Connection, longest_wait: timedelta, /) -> None:
    """
    Let readers and a writer go on beside each other.  The file remembers it.

    Tried again while another process writes: of all statements this one alone does not
    wait for the lock.
    """
    deadline = time.monotonic() + longest_wait.total_seconds()
    while True:
        try:
            _ = connection.exec_driver_sql("PRAGMA journal_mode = WAL").all()
        except OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _url(given: Engine | URL | str) -> URL:
    try:
        url = given.url if isinstance(given, Engine) else make_url(given)
    except ArgumentError as exc:
        # The text is not repeated: what is no URL may still hold a password.
        msg = "SQLStorage() was given no database URL: write sqlite:///portal.db"
        raise ConfigurationError(msg) from exc
    shown = url.render_as_string(hide_password=True)
    if url.drivername not in {"sqlite", "sqlite+pysqlite"}:
        msg = f"SQLStorage({shown!r}) is no SQLite: write sqlite:///portal.db"
        raise ConfigurationError(msg)
    if not _is_file(url):
        msg = (
            f"SQLStorage({shown!r}) is in memory, where each connection would see a "
            f"database of its own: name a file, sqlite:///portal.db, or use "
            f"uness_auth.storage.memory.MemoryStorage() for tests"
        )
        raise ConfigurationError(msg)
    return url


def _is_file(url: URL) -> bool:
    name = url.database or ":memory:"
    return ":memory:" not in name and url.query.get("mode") != "memory"


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    # FULL, where NORMAL is the usual advice for WAL, and the default of some builds:
    # under NORMAL a power cut takes the last commits back, which here would mean that
    # an old password, a used link or a closed session returns.  It costs one fsync per
    # write, and a sign-in writes a handful of times.
    connection.execute("PRAGMA synchronous = FULL").close()

"""
What only SQLite needs: connections that are safe to share, and writers in a row.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Final

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    QueuePool,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.dml import ReturningInsert

from ...errors import ConfigurationError
from .backend import (
    POOL_SIZE,
    Backend,
    Row,
    Waits,
    add_new_and_tell,
)


DRIVERS: Final = frozenset({"sqlite", "sqlite+pysqlite"})
# UPDATE … RETURNING.
OLDEST: Final = (3, 35)
# A plain BEGIN takes the write lock only at the first write, and where somebody else
# wrote since the first read, that fails at once, however long the time-out.
BEGIN: Final = "BEGIN IMMEDIATE"


def make_engine(url: URL, waits: Waits, /) -> Engine:
    """
    Return an engine of our own for the file that *url* names.

    Raises:
        uness_auth.errors.ConfigurationError: If it names none, or SQLite is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        msg = f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed"
        raise ConfigurationError(msg)
    if not _is_file(url):
        shown = url.render_as_string(hide_password=True)
        msg = (
            f"SQLStorage({shown!r}) is in memory, where each connection would see a "
            f"database of its own: name a file, sqlite:///portal.db, or use "
            f"uness_auth.storage.memory.MemoryStorage() for tests"
        )
        raise ConfigurationError(msg)
    engine = create_engine(
        url,
        # The driver never begins by itself: one statement is one step.
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        # Parameters are digests, hashes and addresses: no place for them in messages.
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=waits.for_turn,
        connect_args={"timeout": waits.for_answer},
    )
    event.listen(engine, "connect", _on_connect)
    return engine


def use_write_ahead_log(connection: Connection, waits: Waits, /) -> None:
    """
    Let readers and a writer go on beside each other.  The file remembers it.

    Tried again while another process writes: of all statements this one alone does not
    wait for the lock.
    """
    deadline = time.monotonic() + waits.for_answer
    while True:
        try:
            _ = connection.exec_driver_sql("PRAGMA journal_mode = WAL").all()
        except OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
        else:
            return


def add_if_new(table: Table, /) -> ReturningInsert[Any]:
    """
    Return the INSERT that passes over keys that are taken, and tells the ids added.
    """
    return insert(table).on_conflict_do_nothing().returning(table.c.id)


def upsert(
    table: Table, values: Row, changes: Row, told: Column[Any], /
) -> ReturningInsert[Any]:
    """
    Return the INSERT that changes the row where there is one.
    """
    return (
        insert(table)
        .values(values)
        .on_conflict_do_update(index_elements=table.primary_key, set_=changes)
        .returning(told)
    )


def purging(
    key: Column[Any], ends_at: Column[Any], /, *more: ColumnElement[bool]
) -> Delete:
    """
    Return the statement that removes up to ``:limit`` rows that ended before ``:before``.
    """
    is_over = ends_at < bindparam("before")
    over = select(key).where(is_over, *more).limit(bindparam("limit"))
    return delete(key.table).where(key.in_(over))


def claim(connection: Connection, /) -> bool:
    """
    Begin the transaction of a migration, unless somebody else is writing.
    """
    try:
        _ = connection.exec_driver_sql(BEGIN)
    except OperationalError as exc:
        # The low byte; the others say how it is busy.
        if getattr(exc.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


SQLITE: Final = Backend(
    name="SQLite",
    make_engine=make_engine,
    prepare=use_write_ahead_log,
    begin=BEGIN,
    claim=claim,
    # SQLite lets writers wait by sleeping longer and longer, and whoever comes while
    # they sleep goes first: of 32 threads, some waited for seconds.  So the writers of
    # one process form a queue of their own, and only processes compete there.
    writers_take_turns=True,
    add_new=add_new_and_tell(add_if_new),
    upsert=upsert,
    purging=purging,
    clock="CAST(strftime('%s', 'now') AS INTEGER)",
)


def _is_file(url: URL) -> bool:
    name = url.database or ":memory:"
    return ":memory:" not in name and url.query.get("mode") != "memory"


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    # FULL, where NORMAL is the usual advice for WAL, and the default of some builds:
    # under NORMAL a power cut takes the last commits back, which here would mean that
    # an old password, a used link or a closed session returns.  It costs one fsync per
    # write, and a sign-in writes a handful of times.
    connection.execute("PRAGMA synchronous = FULL").close()

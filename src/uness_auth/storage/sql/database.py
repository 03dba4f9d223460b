"""
Runs statements, each one a step of its own, and turns what fails into `StorageError`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Self, TypeAlias
from weakref import WeakSet

import attrs
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Executable,
    Insert,
    Row,
    Table,
    Update,
    bindparam,
    delete,
    select,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ...errors import StorageError
from . import sqlite


Parameters: TypeAlias = Mapping[str, Any]

# The driver refuses lone surrogates and integers over 64 bits in words of its own.
_FAULTS: Final = (SQLAlchemyError, UnicodeEncodeError, OverflowError)


class TakenError(StorageError):
    """
    A row with this key, or this address, is there already.
    """


@attrs.frozen
class Change:
    """
    A write to at most one row that tells how the row is afterwards.

    Attributes:
        at_once: The write with RETURNING, for databases that have it.

        write, look: The same in two statements, for those that do not.
    """

    at_once: Executable
    write: Insert | Update
    look: Executable

    @classmethod
    def of(
        cls, write: Insert | Update, table: Table, is_it: ColumnElement[bool]
    ) -> Self:
        """
        Return the change by *write* of the row of *table* that *is_it*.
        """
        return cls(write.returning(*table.c), write, select(*table.c).where(is_it))


class Database:
    """
    The one place where statements meet connections.

    Outside `transaction` the driver commits each statement by itself as it runs: that
    makes a port call of one statement an atomic step, and a read costs no BEGIN and no
    COMMIT.

    Everywhere, *doing* names the caller for `StorageError`; parameters, which may be
    digests, never do.

    Args:
        longest_wait: How long a writer waits for other writers.
    """

    def __init__(self, engine: Engine, longest_wait: timedelta, /) -> None:
        self._engine = engine
        self._longest_wait = longest_wait.total_seconds()
        self._turn = Lock()
        _databases.add(self)

    @contextmanager
    def connection(self, doing: str, /) -> Generator[Connection]:
        """
        Lend a connection on which each statement is a step.
        """
        try:
            with self._engine.connect() as connection:
                yield connection
        except IntegrityError as exc:
            msg = f"{doing} failed: the row is there already"
            raise TakenError(msg) from exc
        except _FAULTS as exc:
            msg = f"{doing} failed"
            raise StorageError(msg) from exc

    @contextmanager
    def transaction(self, doing: str, /) -> Generator[Connection]:
        """
        Lend a connection on which everything until the end is one step, or nothing is.
        """
        with self._writing(doing) as connection:
            try:
                _ = connection.exec_driver_sql(sqlite.BEGIN)
                yield connection
                _ = connection.exec_driver_sql("COMMIT")
            except BaseException:
                # Whatever state it is in, a closed connection takes it along; a
                # ROLLBACK that failed in its turn would hide the first fault.
                connection.invalidate()
                raise

    def one(
        self, doing: str, statement: Executable, parameters: Parameters, /
    ) -> Row[Any] | None:
        """
        Return the row that is there, or None.
        """
        with self.connection(doing) as connection:
            return connection.execute(statement, parameters).first()

    def add(self, doing: str, statement: Insert, parameters: Parameters, /) -> None:
        """
        Write a row.

        Raises:
            TakenError: If one with its key is there.
        """
        with self._writing(doing) as connection:
            _ = connection.execute(statement, parameters)

    def write(
        self, doing: str, statement: Update | Delete, parameters: Parameters, /
    ) -> bool:
        """
        Change or remove the one row, and say whether there was one.
        """
        with self._writing(doing) as connection:
            return connection.execute(statement, parameters).rowcount == 1

    def change(
        self, doing: str, change: Change, parameters: Parameters, /
    ) -> Sequence[Row[Any]]:
        """
        Write the one row and return it as it is afterwards; empty: there was none.
        """
        if self.has_returning:
            with self._writing(doing) as connection:
                # Fetched to the end: SQLite commits when no more rows are there.
                return connection.execute(change.at_once, parameters).all()
        with self.transaction(doing) as connection:
            if connection.execute(change.write, parameters).rowcount == 0:
                return []
            return connection.execute(change.look, parameters).all()

    def purge(self, doing: str, statement: Delete, before: datetime, limit: int) -> int:
        """
        Run a statement of `purging`, and return how many rows are gone.
        """
        with self._writing(doing) as connection:
            return connection.execute(
                statement, {"before": before, "limit": limit}
            ).rowcount

    @property
    def has_returning(self) -> bool:
        """
        Whether a write can tell what it wrote.  SQLite before 3.35 cannot.
        """
        return self._engine.dialect.update_returning

    @contextmanager
    def _writing(self, doing: str) -> Generator[Connection]:
        # SQLite lets writers wait by sleeping longer and longer, and whoever comes
        # while they sleep goes first: of 32 threads, some waited for seconds.  So the
        # writers of this process form a queue here, and only processes compete there.
        turn = self._turn
        if not turn.acquire(timeout=self._longest_wait):
            msg = f"{doing} failed: other writers took over {self._longest_wait:g} s"
            raise StorageError(msg)
        try:
            with self.connection(doing) as connection:
                yield connection
        finally:
            turn.release()

    def close(self) -> None:
        """
        Close the connections that are not lent.
        """
        self._engine.dispose()

    def forget(self) -> None:
        """
        Leave connections and queue to the process they belong to.
        """
        self._engine.dispose(close=False)
        self._turn = Lock()


def purging(key: Column[Any], ends_at: Column[Any], /) -> Delete:
    """
    Return the statement that removes up to ``:limit`` rows that ended before ``:before``.

    The inner select has a name because MariaDB takes no LIMIT without one.  The outer
    condition looks again, at the row that is really removed: where writers do not wait
    for one another, it may have been renewed since the inner select.
    """
    is_over = ends_at < bindparam("before")
    over = select(key).where(is_over).limit(bindparam("limit")).subquery("over")
    return delete(key.table).where(key.in_(select(over.c[key.name])), is_over)


# --- Forks ------------------------------------------------------------------------
#
# A process must not inherit open SQLite connections, not even to leave them alone: the
# library's own table of locks would come along, and the child would believe that it
# holds the parent's.  So idle ones are closed before a fork (a server that loads the
# application first and forks its workers then), and the child forgets those that were
# lent at that moment, together with the pool and the queue whose locks they may hold.
# https://www.sqlite.org/howtocorrupt.html, 2.6

_databases: WeakSet[Database] = WeakSet()


def close_all() -> None:
    """
    Close the idle connections of this process.
    """
    for database in list(_databases):
        database.close()


def forget_all() -> None:
    """
    Leave every connection to the parent process.
    """
    for database in list(_databases):
        database.forget()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none
    os.register_at_fork(before=close_all, after_in_child=forget_all)

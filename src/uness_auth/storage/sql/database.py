"""
Runs statements, each a step of its own, and turns what fails into `StorageError`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Any, Final, TypeAlias, TypeVar
from weakref import WeakSet

import attrs
from sqlalchemy import Connection, Delete, Engine, Executable, Insert, Row, Update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from ...errors import StorageError
from .backend import Backend, Waits


Answer = TypeVar("Answer")
Parameters: TypeAlias = Mapping[str, Any]

# The driver refuses lone surrogates and integers over 64 bits in words of its own.
_FAULTS: Final = (SQLAlchemyError, UnicodeEncodeError, OverflowError)

# Before each of the three more tries, at most: in seconds.
PAUSES: Final = (0.01, 0.03, 0.1)

# Between two looks whether another process's migration is over: in seconds.
PAUSE_OF_TURNS: Final = 0.1


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

        write, look:
            The same in two statements, for MariaDB.  Between the two others may write:
            *look* must not take their doing for ours.
    """

    at_once: Executable
    write: Update
    look: Executable


class Database:
    """
    The one place where statements meet connections.

    Outside `transaction` the driver commits each statement by itself as it runs: that
    makes a port call of one statement an atomic step, and a read costs no BEGIN and no
    COMMIT.

    Everywhere, *doing* names the caller for `StorageError`; parameters, which may be
    digests, never do.
    """

    def __init__(self, engine: Engine, backend: Backend, waits: Waits, /) -> None:
        self.backend: Backend = backend
        self._engine = engine
        self._waits = waits
        self._turn = Lock()
        _databases.add(self)

    def one(
        self, doing: str, statement: Executable, parameters: Parameters, /
    ) -> Row[Any] | None:
        """
        Return the row that is there, or None.
        """

        def work(connection: Connection) -> Row[Any] | None:
            return connection.execute(statement, parameters).first()

        return self.read(doing, work)

    def add(self, doing: str, statement: Insert, parameters: Parameters, /) -> None:
        """
        Write a row.

        Raises:
            TakenError: If one with its key is there.
        """

        def work(connection: Connection) -> None:
            _ = connection.execute(statement, parameters)

        self._write(doing, work)

    def write(
        self, doing: str, statement: Update | Delete, parameters: Parameters, /
    ) -> bool:
        """
        Change or remove the one row, and say whether there was one.
        """
        return self._count(doing, statement, parameters) == 1

    def change(
        self, doing: str, change: Change, parameters: Parameters, /
    ) -> Row[Any] | None:
        """
        Write the one row and return it as it is afterwards; None: there was none.
        """

        def in_two(connection: Connection) -> Row[Any] | None:
            if connection.execute(change.write, parameters).rowcount == 0:
                return None
            return connection.execute(change.look, parameters).first()

        if self._engine.dialect.update_returning:
            return self.tell(doing, change.at_once, parameters)
        return self._write(doing, in_two)

    def tell(
        self, doing: str, statement: Executable, parameters: Parameters, /
    ) -> Row[Any] | None:
        """
        Run a write that returns its row, which all of them can that insert.
        """

        def work(connection: Connection) -> Row[Any] | None:
            # Fetched to the end: SQLite commits when no more rows are there.
            return connection.execute(statement, parameters).one_or_none()

        return self._write(doing, work)

    def purge(self, doing: str, statement: Delete, before: datetime, limit: int) -> int:
        """
        Run a statement of `Backend.purging`, and return how many rows are gone.
        """
        return self._count(doing, statement, {"before": before, "limit": limit})

    def transaction(
        self, doing: str, work: Callable[[Connection], Answer], /
    ) -> Answer:
        """
        Do *work* as one step: all of it, or nothing.  It may be done more than once.
        """

        def in_one(connection: Connection) -> Answer:
            try:
                _ = connection.exec_driver_sql(self.backend.begin)
                answer = work(connection)
                _ = connection.exec_driver_sql("COMMIT")
            except BaseException:
                # Whatever state it is in, a closed connection takes it along; a
                # ROLLBACK that failed in its turn would hide the first fault.
                connection.invalidate()
                raise
            return answer

        return self._write(doing, in_one)

    def migrate(
        self, doing: str, work: Callable[[Connection], object], longest_wait: float, /
    ) -> None:
        """
        Do *work* while no other process migrates; all of it, or nothing, where changes
        of tables can be taken back.  It may be done more than once.

        Raises:
            uness_auth.errors.StorageError: Also after *longest_wait* seconds of others.
        """

        def in_turn(connection: Connection) -> bool:
            try:
                if is_ours := self.backend.claim(connection):
                    _ = work(connection)
                    _ = connection.exec_driver_sql("COMMIT")
            finally:
                # The claim goes with the connection, and so does what was lifted for it.
                connection.invalidate()
            return is_ours

        give_up_at = time.monotonic() + longest_wait
        while not self.read(doing, in_turn):
            if time.monotonic() >= give_up_at:
                msg = (
                    f"{doing} failed: another process is migrating the tables, or "
                    f"writes, for over {longest_wait:g} s"
                )
                raise StorageError(msg)
            time.sleep(PAUSE_OF_TURNS)

    def read(self, doing: str, work: Callable[[Connection], Answer], /) -> Answer:
        """
        Do *work*, which writes nothing, on a connection where each statement is a step.
        """
        with _told(doing):
            return self._try(work)

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

    def _count(
        self, doing: str, statement: Update | Delete, parameters: Parameters
    ) -> int:
        def work(connection: Connection) -> int:
            return connection.execute(statement, parameters).rowcount

        return self._write(doing, work)

    def _write(self, doing: str, work: Callable[[Connection], Answer]) -> Answer:
        if not self.backend.writers_take_turns:
            return self.read(doing, work)
        turn, longest_wait = self._turn, self._waits.for_turn
        if not turn.acquire(timeout=longest_wait):
            msg = f"{doing} failed: other writers took over {longest_wait:g} s"
            raise StorageError(msg)
        try:
            return self.read(doing, work)
        finally:
            turn.release()

    def _try(self, work: Callable[[Connection], Answer]) -> Answer:
        # What lost a race was rolled back by the database, so that it may be done again:
        # nothing is counted twice.  Any other fault says less, and is told.
        give_up_at = time.monotonic() + self._waits.for_answer
        for pause in PAUSES:
            try:
                return self._once(work)
            except DBAPIError as exc:
                is_lost = self.backend.is_lost_race(exc.orig)
                if not is_lost or time.monotonic() >= give_up_at:
                    raise
            # Those who stood in each other's way do not come back together.
            time.sleep(pause * random.random())  # noqa: S311 - no secret
        return self._once(work)

    def _once(self, work: Callable[[Connection], Answer]) -> Answer:
        with self._engine.connect() as connection:
            return work(connection)


@contextmanager
def _told(doing: str) -> Generator[None]:
    try:
        yield
    except IntegrityError as exc:
        msg = f"{doing} failed: the row is there already"
        raise TakenError(msg) from exc
    except _FAULTS as exc:
        msg = f"{doing} failed"
        raise StorageError(msg) from exc


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

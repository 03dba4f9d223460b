"""
Runs statements, each a step of its own, and turns what fails into `StorageError`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final, TypeVar

from django.db import (
    DatabaseError,
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from ...errors import ConfigurationError, StorageError


Answer = TypeVar("Answer")
Row = Sequence[Any]

# The drivers refuse lone surrogates, NUL and integers over 64 bits in their own words.
_FAULTS: Final = (Error, ValueError, OverflowError)

# Before each of the three more tries, at most: in seconds.
PAUSES: Final = (0.01, 0.03, 0.1)

# For the other writers of this process, on SQLite: in seconds.
LONGEST_TURN: Final = 5

# What tells that others were faster, or stood in the way, and that nothing was done:
# serialization_failure and deadlock_detected; ER_LOCK_DEADLOCK and ER_CHECKREAD.
LOST_RACES: Final = frozenset({"40001", "40P01", 1213, 1020})

KNOWN: Final = frozenset({"sqlite", "postgresql", "mysql"})


class TakenError(StorageError):
    """
    A row with this key, or this address, is there already.
    """


class Database:
    """
    The one place where statements meet Django's connections.

    A connection is Django's own, one per thread.  Outside of transactions it commits
    each statement by itself as it runs.  Inside a transaction of the host's a step is
    a savepoint, which that transaction takes along when it is rolled back; steps that
    must not be taken back refuse to run there.

    Everywhere, *doing* names the caller for `StorageError`; parameters, which may be
    digests, never do.
    """

    def __init__(self, using: str, /) -> None:
        self.using = using
        self._turns: dict[int, Lock] = {}

    @property
    def connection(self) -> Any:
        """
        This thread's connection.
        """
        return connections[self.using]

    @property
    def vendor(self) -> str:
        """
        ``sqlite``, ``postgresql`` or ``mysql``, which is MariaDB.
        """
        return str(self.connection.vendor)

    def read(self, doing: str, work: Callable[[], Answer], /) -> Answer:
        """
        Do *work*, which writes nothing and may be done again.
        """
        with _told(doing):
            try:
                return self._run(work)
            except (OperationalError, InterfaceError):
                # After a restart of the server the first step finds out.
                if self._is_enclosed():
                    raise
                return self._run(work)

    def write(
        self, doing: str, work: Callable[[], Answer], /, *, is_final: bool = False
    ) -> Answer:
        """
        Do *work*, one statement, or several of which each is right by itself.

        Args:
            is_final: No rollback may take it back.
        """
        with _told(doing):
            if self._is_enclosed():
                if is_final:
                    self._refuse_enclosed(doing)
                with transaction.atomic(self.using):
                    return work()
            with self._turn():
                return self._run(work)

    def transaction(self, doing: str, work: Callable[[], Answer], /) -> Answer:
        """
        Do *work* as one step: all of it, or nothing.  It may be done more than once.
        """

        def in_one() -> Answer:
            with transaction.atomic(self.using):
                if self.vendor == "sqlite":
                    # A transaction that read first cannot always write afterwards,
                    # however long the time-out: so it begins with a write, of nothing.
                    _ = self.execute(
                        "UPDATE uness_auth_accountrow SET id = id WHERE 1 = 0"
                    )
                return work()

        return self.write(doing, in_one)

    def execute(self, statement: str, parameters: Row = ()) -> int:
        """
        Run a statement, and return how many rows it found.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return int(cursor.rowcount)

    def execute_each(self, statement: str, rows: Sequence[Row], /) -> None:
        """
        Run a statement with each of *rows*, one after the other.
        """
        with self.connection.cursor() as cursor:
            cursor.executemany(statement, rows)

    def one(self, statement: str, parameters: Row) -> Row | None:
        """
        Run a statement, and return the row that it gives, or None.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            # To the end: SQLite commits a write when no more rows are there.
            rows: list[Row] = cursor.fetchall()
        return rows[0] if rows else None

    def attempt(self, work: Callable[[], object], /) -> bool:
        """
        Do *work* within a transaction, unless a key is taken; say whether it was done.
        """
        try:
            with transaction.atomic(self.using):
                _ = work()
        except IntegrityError:
            return False
        return True

    def _is_enclosed(self) -> bool:
        connection = self.connection
        return connection.in_atomic_block or not connection.get_autocommit()

    def _refuse_enclosed(self, doing: str) -> None:
        try:
            # Django knows the transactions of its own TestCase, and lets them pass.
            with transaction.atomic(self.using, durable=True):
                is_by_hand = not self.connection.atomic_blocks[:-1]
        except RuntimeError:
            is_by_hand = True
        if is_by_hand:
            msg = (
                f"{doing} in a transaction of the host's, whose rollback would give a "
                f"visitor the attempt back: call flows outside of transaction.atomic(), "
                f"and let ATOMIC_REQUESTS leave the view out: "
                f"@transaction.non_atomic_requests"
            )
            raise ConfigurationError(msg)

    def _run(self, work: Callable[[], Answer]) -> Answer:
        # What lost a race was rolled back by the database, so that it may be done again:
        # nothing is counted twice.  Any other fault says less, and is told.
        for pause in PAUSES:
            try:
                return self._once(work)
            except DatabaseError as exc:
                if not _is_lost_race(exc) or self._is_enclosed():
                    raise
            # Those who stood in each other's way do not come back together.
            time.sleep(pause * random.random())  # noqa: S311 - no secret
        return self._once(work)

    def _once(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except (OperationalError, InterfaceError):
            self._drop_if_lost()
            raise

    def _drop_if_lost(self) -> None:
        # Django does so between requests; a thread of ours may never have any.
        connection = self.connection
        is_open = connection.connection is not None
        if is_open and not connection.in_atomic_block and not connection.is_usable():
            connection.close()

    @contextmanager
    def _turn(self) -> Generator[None]:
        # SQLite lets writers wait by sleeping longer and longer, and whoever comes
        # while they sleep goes first: of 32 threads, some waited for seconds.  So the
        # writers of one process form a queue, and only processes compete there.
        if self.vendor != "sqlite":
            yield
            return
        # A fork copies locks as they are, taken or not.
        turn = self._turns.setdefault(os.getpid(), Lock())
        if not turn.acquire(timeout=LONGEST_TURN):
            msg = f"other writers took over {LONGEST_TURN} s"
            raise OperationalError(msg)
        try:
            yield
        finally:
            turn.release()


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


def _is_lost_race(fault: DatabaseError) -> bool:
    code = getattr(fault.__cause__, "sqlstate", None)
    return not LOST_RACES.isdisjoint({code, *fault.args[:1]})

"""
Runs statements, each a step of its own, and turns what fails into `StorageError`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, Final, TypeAlias, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Delete, Engine, Executable, Insert, Update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from ...errors import StorageError
from .backend import POOL_SIZE_FOR_STEPS, Backend, Change, Waits
from .connections import Connections
from .prepared import NO_ROWS, Parameters, Prepared, Rows, Send, prepare


Answer = TypeVar("Answer")
Line = TypeVar("Line")
Row: TypeAlias = Sequence[Any]

# What cannot be sent: an instant without a zone, a lone surrogate, an integer over 64
# bits.  The last two are refused by the driver in words of its own.
_NEVER_SENT: Final = (ValueError, OverflowError)

# Before each of the three more tries, at most: in seconds.
PAUSES: Final = (0.01, 0.03, 0.1)

# Between two looks whether another process's migration is over: in seconds.
PAUSE_OF_TURNS: Final = 0.1


class TakenError(StorageError):
    """
    A row with this key, or this address, is there already.
    """


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
        self._connections = Connections(
            engine,
            backend.is_stale,
            most=POOL_SIZE_FOR_STEPS,
            longest_wait=waits.for_turn,
        )
        self._driver: Any = engine.dialect.loaded_dbapi
        self._taken = (IntegrityError, self._driver.IntegrityError)
        self._faults = (SQLAlchemyError, self._driver.Error, *_NEVER_SENT)
        self._prepared: dict[Executable, Prepared] = {}
        _databases.add(self)

    def one(
        self, doing: str, statement: Executable, parameters: Parameters, /
    ) -> Row | None:
        """
        Return the row that is there, or None.
        """

        def work(send: Send) -> Row | None:
            rows, _ = send(statement, parameters)
            return rows[0] if rows else None

        return self._told(doing, self._step, work)

    def all(self, doing: str, statement: Executable, parameters: Parameters, /) -> Rows:
        """
        Return the rows that are there.
        """

        def work(send: Send) -> Rows:
            rows, _ = send(statement, parameters)
            return rows

        return self._told(doing, self._step, work)

    def add(self, doing: str, statement: Insert, parameters: Parameters, /) -> None:
        """
        Write a row.

        Raises:
            TakenError: If one with its key is there.
        """
        _ = self._count(doing, statement, parameters)

    def write(
        self, doing: str, statement: Update | Delete, parameters: Parameters, /
    ) -> bool:
        """
        Change or remove the one row, and say whether there was one.
        """
        return self._count(doing, statement, parameters) == 1

    def remove(self, doing: str, statement: Delete, parameters: Parameters, /) -> int:
        """
        Remove rows, and return how many are gone.
        """
        return self._count(doing, statement, parameters)

    def rewrite(self, doing: str, statement: Update, parameters: Parameters, /) -> int:
        """
        Change rows, and return how many there were.
        """
        return self._count(doing, statement, parameters)

    def change(
        self, doing: str, change: Change, parameters: Parameters, /
    ) -> Row | None:
        """
        Write the one row and return it as it is afterwards; None: there was none.
        """

        def work(send: Send) -> Row | None:
            return self.backend.change(send, change, parameters)

        return self._write(doing, self._step, work)

    def tell(
        self, doing: str, statement: Executable, parameters: Parameters, /
    ) -> Row | None:
        """
        Run a write that returns its row, which all of them can that insert.
        """

        def work(send: Send) -> Row | None:
            rows, _ = send(statement, parameters)
            return rows[0] if rows else None

        return self._write(doing, self._step, work)

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

        return self._write(doing, self._connected, in_one)

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
        return self._told(doing, self._connected, work)

    def close(self) -> None:
        """
        Close the connections that are not lent.
        """
        self._connections.close()

    def forget(self) -> None:
        """
        Leave connections and queue to the process they belong to.
        """
        self._connections.forget()
        self._turn = Lock()

    def _count(
        self, doing: str, statement: Insert | Update | Delete, parameters: Parameters
    ) -> int:
        def work(send: Send) -> int:
            _, count = send(statement, parameters)
            return count

        return self._write(doing, self._step, work)

    def _write(
        self,
        doing: str,
        once: Callable[[Callable[[Line], Answer]], Answer],
        work: Callable[[Line], Answer],
    ) -> Answer:
        if not self.backend.writers_take_turns:
            return self._told(doing, once, work)
        turn, longest_wait = self._turn, self._waits.for_turn
        if not turn.acquire(timeout=longest_wait):
            msg = f"{doing} failed: other writers took over {longest_wait:g} s"
            raise StorageError(msg)
        try:
            return self._told(doing, once, work)
        finally:
            turn.release()

    def _told(
        self,
        doing: str,
        once: Callable[[Callable[[Line], Answer]], Answer],
        work: Callable[[Line], Answer],
    ) -> Answer:
        try:
            return self._try(once, work)
        except self._taken as exc:
            msg = f"{doing} failed: the row is there already"
            raise TakenError(msg) from exc
        except self._faults as exc:
            msg = f"{doing} failed"
            raise StorageError(msg) from exc

    def _try(
        self,
        once: Callable[[Callable[[Line], Answer]], Answer],
        work: Callable[[Line], Answer],
    ) -> Answer:
        # What lost a race was rolled back by the database, so that it may be done again:
        # nothing is counted twice.  Any other fault says less, and is told.
        give_up_at = time.monotonic() + self._waits.for_answer
        for pause in PAUSES:
            try:
                return once(work)
            except (DBAPIError, self._driver.Error) as exc:
                fault = exc.orig if isinstance(exc, DBAPIError) else exc
                is_lost = self.backend.is_lost_race(fault)
                if not is_lost or time.monotonic() >= give_up_at:
                    raise
            # Those who stood in each other's way do not come back together.
            time.sleep(pause * random.random())  # noqa: S311 - no secret
        return once(work)

    def _connected(self, work: Callable[[Connection], Answer]) -> Answer:
        with self._engine.connect() as connection:
            return work(connection)

    def _step(self, work: Callable[[Send], Answer]) -> Answer:
        if _is_traced(self._engine):
            return self._connected(lambda connection: work(_traced(connection)))
        lent = self._connections.take()
        connection = lent.dbapi_connection

        def send(statement: Executable, parameters: Parameters) -> tuple[Rows, int]:
            prepared = self._prepared.get(statement)
            if prepared is None:
                # Only now: what a server can is known after the first connection.
                prepared = prepare(statement, parameters, self._engine.dialect)
                self._prepared[statement] = prepared
            return prepared.run(connection, parameters)

        try:
            answer = work(send)
        except BaseException as exc:
            if self._is_usable_after(exc, connection):
                self._connections.give_back(lent)
            else:
                self._connections.throw_away(lent)
            raise
        self._connections.give_back(lent)
        return answer

    def _is_usable_after(self, fault: BaseException, connection: Any) -> bool:
        if isinstance(fault, _NEVER_SENT):
            return True
        is_disconnect: Any = self._engine.dialect.is_disconnect
        return isinstance(fault, self._driver.Error) and not is_disconnect(
            fault, connection, None
        )


def _is_traced(engine: Engine) -> bool:
    # SQLAlchemy's own flag, set by the first listener of the engine or of all engines.
    return engine._has_events  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _traced(connection: Connection) -> Send:
    # By SQLAlchemy's own way, which tells those who listen.
    def send(statement: Executable, parameters: Parameters) -> tuple[Rows, int]:
        result = connection.execute(statement, parameters)
        if not result.returns_rows:
            return NO_ROWS, result.rowcount
        rows = result.all()
        return rows, len(rows)

    return send


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

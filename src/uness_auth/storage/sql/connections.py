"""
Lends the driver's connections for one step each, faster than the pool they come from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, TypeAlias

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import TimeoutError as TookTooLongError


# Where somebody waits: a connection comes, or the right to open one.
_Ticket: TypeAlias = SimpleQueue[PoolProxiedConnection | None]


class Connections:
    """
    Keeps connections out of the engine's pool between two steps.

    The pool's own books cost more than a look-up, and where all connections are lent
    it gives the next to whoever asks just then, not to whoever waits longest.

    Args:
        most: How many; fewer than the pool has, so that others find one there.

        longest_wait: For one of them, in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        is_stale: Callable[[Any], bool],
        /,
        *,
        most: int,
        longest_wait: float,
    ) -> None:
        self._engine = engine
        self._is_stale = is_stale
        self._most = most
        self._longest_wait = longest_wait
        self._begin()

    def take(self) -> PoolProxiedConnection:
        """
        Return a connection, to be given back or thrown away.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: None came back in time.
        """
        try:
            # The last one back goes first: those that nobody needs stay at the bottom.
            lent = self._idle.pop()
        except IndexError:
            return self._wait() or self._open()
        if self._is_stale(lent.dbapi_connection):
            lent.invalidate()
            return self._open()
        return lent

    def give_back(self, lent: PoolProxiedConnection, /) -> None:
        """
        Keep the connection for the next step.
        """
        self._idle.append(lent)
        # Looked at only now, and whoever begins to wait looks for idle ones only then:
        # one of the two sees the other.
        if self._waiting:
            self._hand_over()

    def throw_away(self, lent: PoolProxiedConnection, /) -> None:
        """
        Close the connection.
        """
        lent.invalidate()
        self._let_open()

    def close(self) -> None:
        """
        Close the connections that are not lent.
        """
        for _ in range(len(self._idle)):
            try:
                lent = self._idle.pop()
            except IndexError:  # pragma: no cover - lent at this very moment
                break
            self.throw_away(lent)
        self._engine.dispose()

    def forget(self) -> None:
        """
        Leave the connections to the process they belong to.
        """
        _left.append(self._idle)
        self._begin()
        self._engine.dispose(close=False)

    def _begin(self) -> None:
        self._idle: deque[PoolProxiedConnection] = deque()
        self._waiting: deque[_Ticket] = deque()
        self._open_ones = 0
        self._lock = Lock()

    def _wait(self) -> PoolProxiedConnection | None:
        ticket: _Ticket = SimpleQueue()
        with self._lock:
            if self._open_ones < self._most:
                self._open_ones += 1
                return None
            self._waiting.append(ticket)
        self._hand_over()
        try:
            return ticket.get(timeout=self._longest_wait)
        except Empty:
            with self._lock:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                    msg = f"no connection within {self._longest_wait:g} s"
                    raise TookTooLongError(msg) from None
            # It came between the two.
            return ticket.get()  # pragma: no cover - a matter of microseconds

    def _hand_over(self) -> None:
        with self._lock:
            while self._waiting:
                try:
                    lent = self._idle.pop()
                except IndexError:
                    return
                self._waiting.popleft().put(lent)

    def _open(self) -> PoolProxiedConnection:
        try:
            return self._engine.raw_connection()
        except BaseException:
            self._let_open()
            raise

    def _let_open(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().put(None)
            else:
                self._open_ones -= 1


# Kept, so that nobody clears them up: a forked process must not touch its parent's.
_left: list[deque[PoolProxiedConnection]] = []

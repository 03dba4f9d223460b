"""
Sends commands to a server, each a step of its own, and turns what fails into
`StorageError`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import Any, Final
from weakref import WeakSet

import attrs
from redis import BlockingConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import (
    ChildDeadlockedError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from ...errors import StorageError


# Connections kept open, at most.  Each is lent for one step, well under a millisecond.
# As many as a process has threads, or nearly: the driver's pool lends to whoever asks
# just then, not to whoever waits longest.  With 32, of 64 threads the slowest in a
# hundred took six times as long as on connections of their own; now 1.6 times.
POOL_SIZE: Final = 64

# A server whose clock is ahead of ours must not drop what still counts here.
LEEWAY: Final = timedelta(minutes=1)

# What the driver raises on its own account; the last two are about what it was given.
_FAULTS: Final = (RedisError, OSError, ChildDeadlockedError, ValueError, OverflowError)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


@attrs.frozen
class Waits:
    """
    How the longest wait is shared out among what a step may have to wait for.

    In seconds.  The first and the last together are the longest wait.

    Attributes:
        for_turn: For a connection, where all are lent.

        for_connection: For the server to accept one, at each of its addresses.

        for_answer: For each answer of the server's.

        for_all: From when a connection is lent to when it comes back.
    """

    for_turn: float
    for_connection: float
    for_answer: float
    for_all: float

    @classmethod
    def of(cls, longest_wait: timedelta, /) -> Waits:
        """
        Share *longest_wait* out.
        """
        seconds = longest_wait.total_seconds()
        return cls(0.2 * seconds, 0.2 * seconds, 0.4 * seconds, 0.8 * seconds)


class Script:
    """
    A step that looks and writes at once: the server runs nothing else meanwhile.
    """

    def __init__(self, text: str, /) -> None:
        self.text: bytes = text.encode("ascii")
        # What servers call it; it protects nothing.
        self.name: bytes = hashlib.sha1(self.text).hexdigest().encode()  # noqa: S324


class Server:
    """
    The one place where commands meet connections.  Call it inside `told`.
    """

    def __init__(self, options: Mapping[str, Any], waits: Waits, /) -> None:
        self._options: Final[dict[str, Any]] = {
            **options,
            "max_connections": POOL_SIZE,
            "timeout": waits.for_turn,
            "socket_connect_timeout": waits.for_connection,
            "socket_timeout": waits.for_answer,
            "seconds_for_all": waits.for_all,
            # Whoever got no answer does not know what was done: an attempt would be
            # counted twice.  The driver tries again unless told otherwise.  Before it
            # lends a connection it looks whether the server has closed it, so that no
            # restart is noticed by who comes after it.
            "retry": Retry(NoBackoff(), 0),
            # We read nothing that differs between the two, and 3 asks more of those
            # that only stand in for a server.
            "protocol": 2,
        }
        # Any: the driver leaves the types of most of this open.
        self._pool: Any = self._new_pool()
        _servers.add(self)

    def call(self, *command: bytes | str | int) -> Any:
        """
        Run a command that is a step by itself, and return its answer.
        """
        with self._lent() as connection:
            return _ask(connection, *command)

    def run(self, script: Script, key: bytes, *values: bytes | int) -> Any:
        """
        Run *script* on one key, and return its answer.
        """
        with self._lent() as connection:
            try:
                return _ask(connection, "EVALSHA", script.name, 1, key, *values)
            except NoScriptError:
                # New here, restarted or flushed.  Nothing was done, so it may be done
                # now; the server keeps what it is sent.
                return _ask(connection, "EVAL", script.text, 1, key, *values)

    def facts(self, doing: str, /) -> Mapping[str, str]:
        """
        Return what the server says of itself; nothing where it must not say it to us.
        """
        with told(doing):
            try:
                lines = str(self.call("INFO"), "utf-8").splitlines()
            except ResponseError as exc:
                is_forbidden = isinstance(exc, NoPermissionError)
                if is_forbidden or "unknown command" in str(exc):
                    return {}
                raise
            parts = [line.partition(":") for line in lines]
            return {name: value for name, _, value in parts}

    def close(self) -> None:
        """
        Close the connections that are not lent.
        """
        # The driver's own way leaves lent ones alone only since its version 7.
        queue = self._pool.pool
        idle: list[Any] = []
        with suppress(Empty):
            while True:
                idle.append(queue.get_nowait())
        for connection in reversed(idle):
            if connection is not None:
                connection.disconnect()
            queue.put_nowait(connection)

    def forget(self) -> None:
        """
        Leave connections and queue to the process they belong to.
        """
        self._pool = self._new_pool()

    @contextmanager
    def _lent(self) -> Generator[Any]:
        pool = self._pool
        connection = pool.get_connection()
        try:
            yield connection
        finally:
            pool.release(connection)

    def _new_pool(self) -> Any:
        make_pool: Any = BlockingConnectionPool
        return make_pool(**self._options)


def _ask(connection: Any, *command: bytes | str | int) -> Any:
    connection.send_command(*command)
    return connection.read_response()


@contextmanager
def told(doing: str, /) -> Generator[None]:
    """
    Turn what fails into `StorageError`, which says *doing*, and neither key nor value.
    """
    try:
        yield
    except ResponseError as exc:
        # A server that does not know a command repeats what it was given with it: that
        # is left out, and not kept as the cause either.
        said, _, _ = str(exc).partition(", with args beginning")
        msg = f"{doing} failed: {said}"
        raise StorageError(msg) from None
    except _FAULTS as exc:
        msg = f"{doing} failed"
        raise StorageError(msg) from exc


def key_for(kind: str, name: str, /) -> bytes:
    """
    Return the key under which *name* is kept, of which nothing can be read.

    Any text is fine: a challenge's id comes from a form.
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"uness_auth:{kind}:{digest}".encode()


def seconds(instant: datetime, /) -> int:
    """
    Return the second that *instant* lies in, since 1970.

    Raises:
        ValueError: It does not say where it is.
    """
    if instant.utcoffset() is None:
        msg = "an aware datetime is needed"
        raise ValueError(msg)
    return (instant - _EPOCH) // _SECOND


def dropped_at(*instants: datetime) -> int:
    """
    Return when the server may drop what is needed until the last of *instants*.

    In milliseconds since 1970, as servers count.
    """
    last = max(instants, key=seconds)
    return (last + LEEWAY - _EPOCH) // _MILLISECOND


# --- Forks ------------------------------------------------------------------------
#
# Two processes that read from one connection would each get the other's answers.  The
# driver notices that it was forked, but what it then does waits for locks that the
# parent's threads may have held at that moment.  So the child begins with a pool of
# its own; its copies of the parent's connections are closed without a word to the
# server.

_servers: WeakSet[Server] = WeakSet()


def forget_all() -> None:
    """
    Leave every connection to the parent process.
    """
    for server in list(_servers):
        server.forget()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none
    os.register_at_fork(after_in_child=forget_all)

"""
The driver's connections, each with a limit for all that it does for one caller.
"""

from __future__ import annotations

import time
from typing import Any, Final

from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection


# The driver limits each answer alone, and a new connection waits for up to four of them
# before it is ours to use.
class Limited:
    """
    What makes a connection give up in time.  Goes before one of the driver's classes.

    The pool calls `connect` whenever it lends a connection, new or not: the time runs
    from there.
    """

    _sock: Any

    def __init__(self, *, seconds_for_all: float, **options: Any) -> None:
        self._seconds_for_one: float = options["socket_timeout"]
        self._seconds_for_all = seconds_for_all
        self._give_up_at = 0.0
        super().__init__(**options)

    def connect(self) -> None:
        """
        Connect, where that is not done, and let the time run.
        """
        self._give_up_at = time.monotonic() + self._seconds_for_all
        self._driver.connect()

    def read_response(self, *args: Any, **options: Any) -> Any:
        """
        Read an answer, as long as there is time left.
        """
        left = self._give_up_at - time.monotonic()
        # Zero would mean not to wait at all, in words of its own.
        self._sock.settimeout(max(0.001, min(left, self._seconds_for_one)))
        return self._driver.read_response(*args, **options)

    @property
    def _driver(self) -> Any:
        # Any: the driver leaves the types of most of this open.
        return super()


class PlainConnection(Limited, Connection):
    """
    By TCP.
    """


class TLSConnection(Limited, SSLConnection):
    """
    By TLS.
    """


class SocketConnection(Limited, UnixDomainSocketConnection):
    """
    By a socket of this machine.
    """


KINDS: Final[dict[str, type[Any]]] = {
    "redis": PlainConnection,
    "rediss": TLSConnection,
    "unix": SocketConnection,
}

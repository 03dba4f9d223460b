"""
A client of smtplib's that never waits past its deadline.
"""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import time
from datetime import timedelta
from typing import Any, Final


# What one TLS record holds.
_PIECE: Final = 16_384


class Deadline:
    """
    How long the next wait may be: as long as one answer, and never past the end.
    """

    def __init__(self, each: timedelta, total: timedelta) -> None:
        self._each = each.total_seconds()
        self._end = time.monotonic() + total.total_seconds()

    def left(self) -> float:
        """
        Return the seconds of the next wait.

        Raises:
            TimeoutError: There is no time left at all.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            msg = "timed out"
            raise TimeoutError(msg)
        return min(self._each, left)


class SMTPClient(smtplib.SMTP):
    """
    smtplib's client under one deadline.

    A socket's own time-out begins again with every byte.  So this client sets it anew
    before each read and each write, to what is left: plain or encrypted, no wait ends
    after the deadline.  (A thread that shuts the socket down from outside would miss
    the moments at which smtplib replaces it.)

    Args:
        ehlo_name: How this machine introduces itself; by default by its IP address.

        tls: Encrypts from the first byte; None leaves that to STARTTLS.
    """

    def __init__(
        self,
        host: str,
        port: int,
        deadline: Deadline,
        /,
        *,
        ehlo_name: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._deadline = deadline
        self._tls = tls
        # With a name given, smtplib does not ask DNS for one, a wait without an end.
        super().__init__(host, port, ehlo_name)
        if not ehlo_name:
            self.local_hostname: str = _address_literal(self._connection())

    def _connection(self) -> socket.socket:
        if self.sock is None:
            msg = "not connected"
            raise smtplib.SMTPServerDisconnected(msg)
        return self.sock

    def _get_socket(self, host: str, port: int, _: float | None) -> socket.socket:
        # What smtplib calls to connect, and what its own SMTP_SSL overrides.
        sock = _connect(host, port, self._deadline)
        if self._tls is None:
            return sock
        sock.settimeout(self._deadline.left())
        return self._tls.wrap_socket(sock, server_hostname=host)

    def getreply(self) -> tuple[int, bytes]:
        """
        Return the server's next answer, read under the deadline.
        """
        if self.file is None:
            replies = _Replies(self._connection(), self._deadline)
            self.file: Any | None = io.BufferedReader(replies)
        return super().getreply()

    def send(self, s: Any) -> None:
        """
        Write *s*, each piece of it under the deadline.
        """
        data = s.encode("ascii") if isinstance(s, str) else bytes(s)
        # Each piece is one write, and a write ends by its time-out.
        for start in range(0, len(data), _PIECE):
            self._connection().settimeout(self._deadline.left())
            super().send(data[start : start + _PIECE])


class _Replies(io.RawIOBase):
    """
    What the server says, each read under the deadline.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._sock.settimeout(self._deadline.left())
        return self._sock.recv_into(buffer)


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """
    Try the addresses of *host* in turn, all of them under the one deadline.
    """
    fault = OSError("has no address")
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            return socket.create_connection((str(address[0]), port), deadline.left())
        except OSError as exc:
            fault = exc
    raise fault


def _address_literal(sock: socket.socket) -> str:
    """
    Return this end's IP address as RFC 5321, 4.1.3 writes it.
    """
    address = str(sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

"""
Raw bytes over sockets, to several servers at the same moment.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Final

import attrs

from uness_auth.testing.browser import Reply


HOST: Final = "127.0.0.1"
# Far beyond what is measured: a server that takes longer hangs.
SECONDS: Final = 30.0
CHUNK: Final = 65_536
# So long is waited for the answer to a body that ends early, before the end is told.
PATIENCE: Final = 0.05
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


@attrs.define
class Exchange:
    """
    One request on its way, and what has come back.

    Attributes:
        seconds: From the first byte sent to the last received.
    """

    sending: bytes = attrs.field(repr=False)
    is_head: bool = False
    received: bytearray = attrs.field(factory=bytearray)
    seconds: float = 0.0
    is_over: bool = False
    is_reset: bool = False

    @property
    def final(self) -> bytes:
        """
        What came back, interim answers left out.
        """
        rest = bytes(self.received)
        while (found := _STATUS.match(rest)) and found[1].startswith(b"1"):
            rest = rest.partition(b"\r\n\r\n")[2]
        return rest

    @property
    def is_whole(self) -> bool:
        """
        Whether the answer is as long as it says; some servers then stay on the line.
        """
        head, is_there, body = self.final.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not is_there or length is None:
            return False
        return self.is_head or len(body) >= int(length[1])

    @property
    def reply(self) -> Reply | None:
        """
        The answer; None where there is none.
        """
        head, _, body = self.final.partition(b"\r\n\r\n")
        found = _STATUS.match(head + b"\r\n")
        if found is None:
            return None
        # What stands behind it answers what a server took for another request.
        length = _LENGTH.search(head + b"\r\n")
        if self.is_head:
            body = body if not _STATUS.match(body) else b""
        elif length is not None:
            body = body[: int(length[1])]
        lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        return Reply(
            status=int(found[1]),
            headers=tuple(
                (name.decode("latin-1"), value.strip().decode("latin-1"))
                for name, _, value in lines
            ),
            body=body.decode("utf-8", "replace"),
        )


def exchange(
    ports: Sequence[int], requests: Sequence[bytes], *, is_short: bool = False
) -> list[Exchange]:
    """
    Send each request to its server, all at once, and wait for all answers.

    Args:
        is_short: The body ends before it should: after a moment the server is told
            that nothing more will come.

    Raises:
        TimeoutError: One does not answer, and does not hang up either.
    """
    found = [Exchange(one, is_head=one.startswith(b"HEAD ")) for one in requests]
    begun = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for port, one in zip(ports, found, strict=True):
            connection = socket.create_connection((HOST, port), timeout=SECONDS)
            connection.setblocking(False)
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            selector.register(connection, both, one)
        try:
            _run(selector, begun, is_short=is_short)
        finally:
            for key in [*selector.get_map().values()]:
                _close(selector, key)
    return found


def _run(selector: selectors.BaseSelector, begun: float, *, is_short: bool) -> None:
    is_told = not is_short
    while selector.get_map():
        for key, events in selector.select(SECONDS if is_told else PATIENCE):
            _step(selector, key, events)
            if key.data.is_over:
                key.data.seconds = time.perf_counter() - begun
        waited = time.perf_counter() - begun
        if not is_told and waited > PATIENCE:
            is_told = True
            _tell_the_end(selector)
        if waited > SECONDS:
            msg = f"no answer after {SECONDS} seconds"
            raise TimeoutError(msg)


def _step(
    selector: selectors.BaseSelector, key: selectors.SelectorKey, events: int
) -> None:
    one: Exchange = key.data
    connection = key.fileobj
    assert isinstance(connection, socket.socket)
    try:
        if events & selectors.EVENT_READ:
            received = connection.recv(CHUNK)
            one.received += received
            one.is_over = not received or one.is_whole
        if events & selectors.EVENT_WRITE and not one.is_over:
            sent = connection.send(one.sending[:CHUNK])
            one.sending = one.sending[sent:]
            if not one.sending:
                selector.modify(connection, selectors.EVENT_READ, one)
    except BrokenPipeError:
        # Refused before it was whole: the answer may still be there to read.
        selector.modify(connection, selectors.EVENT_READ, one)
    except ConnectionResetError:
        one.is_reset = one.is_over = True
    if one.is_over:
        _close(selector, key)


def _tell_the_end(selector: selectors.BaseSelector) -> None:
    for key in selector.get_map().values():
        assert isinstance(key.fileobj, socket.socket)
        if not key.data.sending:
            try:
                key.fileobj.shutdown(socket.SHUT_WR)
            except OSError:
                # It is gone already.
                continue


def _close(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    selector.unregister(key.fileobj)
    assert isinstance(key.fileobj, socket.socket)
    key.fileobj.close()

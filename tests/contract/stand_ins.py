"""
What stands in for a server of Redis, or between it and us, to do what real ones seldom do.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Final


OK: Final = b"+OK\r\n"


@contextmanager
def answering(answers: Mapping[str, bytes], after: float = 0) -> Iterator[int]:
    """
    Yield the port of what says these words to these commands, and OK to all others.

    Args:
        after: So many seconds after each question.
    """

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while command := read_command(self.rfile):
                time.sleep(after)
                _ = self.wfile.write(answers.get(command[0].decode().upper(), OK))

    with _listening(Handler) as port:
        yield port


@contextmanager
def leading_to(
    port: int, *, losing: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """
    Yield the port of what leads to the server on *port*.

    Args:
        losing:
            The name of a command that is done there, whereupon the connection is cut
            before anybody hears of it.

        tls: Speak TLS to who asks.
    """

    class Handler(StreamRequestHandler):
        def setup(self) -> None:
            if tls is not None:
                self.request = tls.wrap_socket(
                    self.request, server_side=True, do_handshake_on_connect=False
                )
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def handle(self) -> None:
            if tls is not None and not shakes_hands(self.request):
                return
            with (
                socket.create_connection(("127.0.0.1", port)) as server,
                server.makefile("rb") as answers,
            ):
                while words := read_command(self.rfile):
                    server.sendall(packed(words))
                    answer = read_answer(answers)
                    if words[0].decode().upper() == losing:
                        return
                    _ = self.wfile.write(answer)

    with _listening(Handler) as own_port:
        yield own_port


def shakes_hands(line: ssl.SSLSocket) -> bool:
    """
    Say whether who asks believes that we are who we are.
    """
    try:
        line.do_handshake()
    except ssl.SSLError:
        return False
    return True


def bulk(text: str) -> bytes:
    """
    Return *text* as a server sends it.
    """
    return f"${len(text.encode())}\r\n{text}\r\n".encode()


def packed(words: list[bytes]) -> bytes:
    """
    Return a command as a client sends it.
    """
    parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"*%d\r\n%s" % (len(words), b"".join(parts))


def read_command(stream: Any) -> list[bytes]:
    """
    Return the words of the next command, none at the end.
    """
    if not (head := stream.readline()):
        return []
    words = []
    for _ in range(int(head[1:])):
        length = int(stream.readline()[1:])
        words.append(stream.read(length + 2)[:-2])
    return words


def read_answer(stream: Any) -> bytes:
    """
    Return the next answer, as it was sent.
    """
    head: bytes = stream.readline()
    kind, rest = head[:1], head[1:]
    if kind == b"$" and int(rest) >= 0:
        return head + bytes(stream.read(int(rest) + 2))
    if kind == b"*":
        return head + b"".join(read_answer(stream) for _ in range(int(rest)))
    return head


@contextmanager
def _listening(handler: type[StreamRequestHandler]) -> Iterator[int]:
    with ThreadingTCPServer(("127.0.0.1", 0), handler) as listener:
        thread = Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listener.server_address[1]
        finally:
            listener.shutdown()
            thread.join()

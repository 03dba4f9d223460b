"""
A line to a server that counts round trips: how often the client spoke and then waited.
"""

from __future__ import annotations

import select
import socket
import threading
from typing import Self


class Relay:
    """
    Listens on a port of its own and passes everything on.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._ours = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._ours.getsockname()[1]
        self.round_trips = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._ours.accept()
            except OSError:
                return  # closed: the measurement is over
            server = socket.create_connection(("127.0.0.1", self._server))
            threading.Thread(
                target=self._pass_on, args=(client, server), daemon=True
            ).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        # However many packets a question has, it counts when the answer begins.
        is_asked = False
        with client, server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for one in ready:
                    data = one.recv(65_536)
                    if not data:
                        return
                    if one is server:
                        self.round_trips += is_asked
                    is_asked = one is client
                    (server if one is client else client).sendall(data)

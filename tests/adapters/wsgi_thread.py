"""
A WSGI app on a port of the loopback address, its server in a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    """
    A handler that writes no log.
    """

    def log_message(self, *_: object) -> None:
        """
        Leave it.
        """


@contextmanager
def running(app: Any) -> Iterator[int]:
    """
    Serve *app* until the end of the ``with`` block; yield its port.
    """
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()

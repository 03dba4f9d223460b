"""
The portal on this machine, as ``examples/run.py`` starts it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi_portal.portal import create_app
from settings import auth_from

from uness_auth import UnessAuth


__all__ = ["auth_from", "server_for"]


class UvicornServer:
    """
    uvicorn, as ``examples/run.py`` wants a server: it listens from the start.
    """

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        # asyncio sets it only on sockets that it opened itself; without it each answer
        # of two packets waits 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._has_ended = threading.Event()

    def serve_forever(self) -> None:
        """
        Answer until `shutdown` is called.
        """
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._has_ended.set()

    def shutdown(self) -> None:
        """
        End `serve_forever`, and wait until it has.
        """
        self._server.should_exit = True
        self._has_ended.wait()


def server_for(
    auth: UnessAuth, inbox: Callable[[], str] | None, host: str, port: int
) -> UvicornServer:
    """
    Return a server of the portal, listening already; with *inbox* it has an inbox.
    """
    app = create_app(auth)
    if inbox is not None:
        app.add_api_route("/inbox", inbox, response_class=HTMLResponse)
    return UvicornServer(app, host, port)

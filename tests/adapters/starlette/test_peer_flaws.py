"""
Flaws that peers had, tried on Starlette and FastAPI.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from starlette.applications import Starlette

from tests.adapters.hostile import Send, Sent
from tests.adapters.peer_flaws import PeerFlaws
from tests.adapters.starlette import wire
from tests.adapters.starlette.test_journeys import make_fastapi, make_starlette
from tests.adapters.starlette.uvicorn_thread import running
from uness_auth import UnessAuth
from uness_auth.testing.browser import Reply


pytestmark = pytest.mark.once


@contextmanager
def served(app: Starlette) -> Iterator[int]:
    """
    Serve *app* with uvicorn; yield its port.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening, running(app, listening):
        yield listening.getsockname()[1]


class OnOneLoop(PeerFlaws):
    """
    Straight into an app that runs in one loop, whoever asks: its limiters want that.
    """

    @pytest.fixture(autouse=True)
    def _loop(self) -> Iterator[None]:
        self.loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self.loop.run_forever)
        thread.start()
        yield
        self.loop.call_soon_threadsafe(self.loop.stop)
        thread.join()
        self.loop.close()

    @abstractmethod
    def app(self, auth: UnessAuth) -> Starlette:
        """
        Return the host.
        """

    def connect(self, auth: UnessAuth) -> Send:
        app = self.app(auth)

        def send(sent: Sent) -> Reply:
            return wire.send_within(
                self.loop,
                app,
                sent.method,
                sent.path,
                sent.body,
                query=sent.query,
                headers=sent.headers,
                peer=sent.peer,
            )

        return send

    def serve(self, auth: UnessAuth) -> AbstractContextManager[int]:
        return served(self.app(auth))


class TestPeerFlawsOfStarlette(OnOneLoop):
    """
    On Starlette.
    """

    def app(self, auth: UnessAuth) -> Starlette:
        return make_starlette(auth)


class TestPeerFlawsOfFastAPI(OnOneLoop):
    """
    The same, with FastAPI's own layers around it.
    """

    def app(self, auth: UnessAuth) -> Starlette:
        return make_fastapi(auth)

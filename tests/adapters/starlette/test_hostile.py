"""
Hostile requests to Starlette and FastAPI.
"""

from __future__ import annotations

from tests.adapters.hostile import HostileRequests, Send, Sent
from tests.adapters.starlette import wire
from tests.adapters.starlette.test_journeys import make_fastapi, make_starlette
from uness_auth import UnessAuth
from uness_auth.testing.browser import Reply


class TestHostileRequestsToStarlette(HostileRequests):
    """
    Straight into the app, as a server does that believes everything.
    """

    def connect(self, auth: UnessAuth) -> Send:
        app = make_starlette(auth)

        def send(sent: Sent) -> Reply:
            return wire.send(
                app,
                sent.method,
                sent.path,
                sent.body,
                query=sent.query,
                headers=sent.headers,
                peer=sent.peer,
            )

        return send


class TestHostileRequestsToFastAPI(HostileRequests):
    """
    The same, with FastAPI's own layers around it.
    """

    def connect(self, auth: UnessAuth) -> Send:
        app = make_fastapi(auth)

        def send(sent: Sent) -> Reply:
            return wire.send(
                app,
                sent.method,
                sent.path,
                sent.body,
                query=sent.query,
                headers=sent.headers,
                peer=sent.peer,
            )

        return send

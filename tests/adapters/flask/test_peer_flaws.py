"""
Flaws that peers had, tried on Flask.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from tests.adapters import wsgi_thread
from tests.adapters.flask.test_journeys import make_app
from tests.adapters.hostile import Send, Sent
from tests.adapters.peer_flaws import PeerFlaws
from uness_auth import UnessAuth
from uness_auth.testing.browser import Reply


class TestPeerFlawsOfFlask(PeerFlaws):
    """
    Through its test client.
    """

    def connect(self, auth: UnessAuth) -> Send:
        client = make_app(auth).test_client(use_cookies=False)

        def send(sent: Sent) -> Reply:
            answer = client.open(
                sent.path,
                method=sent.method,
                query_string=sent.query.decode("latin-1"),
                data=sent.body,
                environ_overrides=sent.environ,
            )
            return Reply(
                status=answer.status_code,
                headers=tuple(answer.headers.items()),
                body=answer.text,
            )

        return send

    def serve(self, auth: UnessAuth) -> AbstractContextManager[int]:
        return wsgi_thread.running(make_app(auth))

"""
Flaws that peers had, tried on Flask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from tests.adapters import wsgi_thread
from tests.adapters.flask.test_journeys import make_app
from tests.adapters.hostile import Send, Sent
from tests.adapters.peer_flaws import PeerFlaws, StoredFlaws
from uness_auth import UnessAuth
from uness_auth.ports import Stores
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing.browser import Reply


pytestmark = pytest.mark.once


class OnFlask(StoredFlaws):
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


class TestPeerFlawsOfFlask(OnFlask, PeerFlaws):
    """
    With everything in memory.
    """

    def serve(self, auth: UnessAuth) -> AbstractContextManager[int]:
        return wsgi_thread.running(make_app(auth))


class TestStoredFlawsOfFlask(OnFlask):
    """
    With everything in a database of each kind.
    """

    @pytest.fixture(name="storage", autouse=True)
    def _storage(self, url: str) -> Iterator[None]:
        self.storage = SQLStorage(url, longest_wait=timedelta(minutes=1))
        self.storage.create_schema()
        yield
        self.storage.close()

    def stores(self) -> Stores:
        return self.storage.stores

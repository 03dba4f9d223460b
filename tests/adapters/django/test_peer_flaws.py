"""
Flaws that peers had, tried on Django and its databases.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import Client, override_settings

from tests.adapters import wsgi_thread
from tests.adapters.django.portal import installed, middleware, reply_of
from tests.adapters.django.test_hostile import FIELD, SECRET, environ_of, translated
from tests.adapters.django.test_journeys import Everything
from tests.adapters.hostile import Send, Sent
from tests.adapters.peer_flaws import PeerFlaws, StoredFlaws
from uness_auth import UnessAuth
from uness_auth.django.storage import DjangoStorage
from uness_auth.ports import Stores
from uness_auth.testing.browser import Reply


pytestmark = pytest.mark.once


def guarded(app: Any) -> Any:
    """
    Let every request carry the field and the cookie of Django's guard, as `environ_of`
    does.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        cookies = environ.get("HTTP_COOKIE", "")
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        body = re.sub(rb"(^|&)csrf=", rb"\1" + FIELD.encode() + b"=", body)
        mended = {
            "HTTP_COOKIE": f"{cookies}; csrftoken={SECRET}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        return app(environ | mended, start_response)

    return answer


class OnDjango(StoredFlaws):
    """
    Through its test client, one for each thread, with everything in its database.
    """

    @pytest.fixture(autouse=True)
    def _project(self, using: str) -> Iterator[None]:
        self.using = using
        self.stack: list[Any] = []
        plain = [one for one in middleware() if "Locale" not in one]
        more = {
            "ALLOWED_HOSTS": ["*"],
            "MIDDLEWARE": plain,
            "DATABASE_ROUTERS": [Everything(using)],
        }
        with installed(more=more):
            yield
            for one in self.stack:
                one.disable()

    def stores(self) -> Stores:
        return DjangoStorage(self.using).stores

    def thread_done(self) -> None:
        connections.close_all()

    def connect(self, auth: UnessAuth) -> Send:
        changed = override_settings(UNESS_AUTH={"AUTH": auth})
        changed.enable()
        self.stack.append(changed)
        own = threading.local()

        def send(sent: Sent) -> Reply:
            if not hasattr(own, "client"):
                own.client = Client(enforce_csrf_checks=True)
            own.client.cookies.clear()
            answer = own.client.request(**environ_of(sent))
            return translated(reply_of(answer), sent)

        return send


class TestStoredFlawsOfDjango(OnDjango):
    """
    In each kind of database.
    """


class TestPeerFlawsOfDjango(OnDjango, PeerFlaws):
    """
    In a database alone.
    """

    @pytest.fixture(name="place")
    def _place(self, sqlite_place: str) -> str:
        return sqlite_place

    def serve(self, auth: UnessAuth) -> AbstractContextManager[int]:
        return wsgi_thread.running(guarded(WSGIHandler()))

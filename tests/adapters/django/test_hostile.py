"""
Hostile requests to Django.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final
from urllib.parse import urljoin

import attrs
import pytest
from django.http.request import host_validation_re
from django.test import Client, override_settings

from tests.adapters.django.portal import (
    empty_database,
    installed,
    middleware,
    reply_of,
)
from tests.adapters.hostile import BASE_URL, FORM, HostileRequests, Send, Sent
from uness_auth import UnessAuth
from uness_auth.testing.browser import Reply
from uness_auth.web.http import SECURITY_HEADERS


# What the browser keeps all the time: our guard's cookie is Django's here.
SECRET: Final = "s" * 32
FIELD: Final = "csrfmiddlewaretoken"
# To the letter, as Django's settings say it.
CSRF_COOKIE: Final = re.compile(
    r"csrftoken=[A-Za-z0-9]{32}; expires=[^;]+; Max-Age=31449600; Path=/; SameSite=Lax"
)


def environ_of(sent: Sent) -> dict[str, Any]:
    """
    Return the request as WSGI has it, with the field and the cookie of Django's guard.
    """
    environ: dict[str, Any] = sent.environ
    body = re.sub(rb"(^|&)csrf=", rb"\1" + FIELD.encode() + b"=", sent.body)
    if environ.get("CONTENT_LENGTH") == str(len(sent.body)):
        environ["CONTENT_LENGTH"] = str(len(body))
    if not sent.path.startswith("/auth/"):
        # The bodies of pages that are not ours are read by Django, whose own page for
        # a bad request does not survive all of them.
        environ |= {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": "0"}
    environ["HTTP_COOKIE"] = f"{environ.get('HTTP_COOKIE', '')}; csrftoken={SECRET}"
    if not host_validation_re.fullmatch(environ.get("HTTP_HOST", "localhost:8000")):
        # Django refuses these itself, before any view: docs/reference/adapters.md.
        environ["HTTP_HOST"] = "evil.example"
    return {
        "HTTP_HOST": "localhost:8000",
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": "",
        **environ,
        "REQUEST_METHOD": sent.method,
        "PATH_INFO": sent.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": sent.query.decode("latin-1"),
        "wsgi.input": BytesIO(body),
    }


def translated(reply: Reply, sent: Sent) -> Reply:
    """
    Return the answer without what docs/reference/adapters.md explains.
    """
    headers = []
    for name, value in reply.headers:
        if name == "Set-Cookie" and value.startswith("csrftoken="):
            assert CSRF_COOKIE.fullmatch(value)
        elif name == "Location":
            headers.append((name, urljoin(BASE_URL, value)))
        else:
            headers.append((name, value))
    status = reply.status
    if status in {301, 302} and not sent.path.startswith("/auth/"):
        status = 303
    if sent.path == "/auth":
        # Without its slash it is Django's: CommonMiddleware leads on, if it can.
        headers += SECURITY_HEADERS
    return attrs.evolve(
        reply,
        status=status,
        headers=tuple(headers),
        body=reply.body.replace(f'name="{FIELD}"', 'name="csrf"'),
    )


class TestHostileRequestsToDjango(HostileRequests):
    """
    Through its test client, whose environment a request may spoil.
    """

    @pytest.fixture(autouse=True)
    def _project(self) -> Iterator[None]:
        empty_database()
        plain = [one for one in middleware() if "Locale" not in one]
        with installed(more={"ALLOWED_HOSTS": ["*"], "MIDDLEWARE": plain}):
            self.stack: list[Any] = []
            yield
            for one in self.stack:
                one.disable()

    def connect(self, auth: UnessAuth) -> Send:
        changed = override_settings(UNESS_AUTH={"AUTH": auth})
        changed.enable()
        self.stack.append(changed)
        client = Client(enforce_csrf_checks=True)

        def send(sent: Sent) -> Reply:
            client.cookies.clear()
            return translated(reply_of(client.request(**environ_of(sent))), sent)

        return send

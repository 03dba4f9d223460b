"""
Django answers as Flask does, to the letter; what may differ docs/reference/adapters.md
explains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import urljoin

import attrs
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from flask import Flask

from tests.adapters.django.portal import (
    BASE_URL,
    empty_database,
    installed,
    middleware,
    reply_of,
    send_to,
)
from uness_auth import Site, UnessAuth
from uness_auth.flask import FlaskAuth, login_required
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    CURRENT,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    start,
)
from uness_auth.web.routes import ROUTES


Send: TypeAlias = Callable[[str, str, bytes, Mapping[str, str]], Reply]
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
KEY: Final = "a key of thirty-two bytes or more, made for tests alone"
# What is made by chance, or for one browser, and the field of the guard.
SECRETS: Final = (
    (r'name="csrf(middlewaretoken)?" value="[^"]*"', 'name="csrf" value="…"'),
    (r"/link/[^\"'?\s]+\.[^\"'?\s]+", "/link/…"),
    (r'name="challenge" value="[^"]*"', 'name="challenge" value="…"'),
)
# Flask's test client says how long a page is, and Django's where it is a redirect's.
LENGTHS: Final = {"content-length", "content-type"}
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE")


@attrs.frozen
class Seen:
    """
    An answer, without what is made by chance.
    """

    what: str
    status: int
    headers: frozenset[tuple[str, str]]
    cookies: frozenset[tuple[str, frozenset[str]]]
    body: str


def seen(what: str, reply: Reply) -> Seen:
    """
    Return the answer as it is compared.
    """
    headers: set[tuple[str, str]] = set()
    cookies: set[tuple[str, frozenset[str]]] = set()
    for name, value in reply.headers:
        if name.lower() == "set-cookie":
            pair, *rest = value.split("; ")
            attributes = {one.lower() for one in rest if "expires=" not in one.lower()}
            if not pair.startswith("csrftoken="):
                cookies.add((pair.partition("=")[0], frozenset(attributes)))
        elif name.lower() == "location":
            headers.add(("location", urljoin(BASE_URL, value).replace("%2F", "/")))
        elif name.lower() not in LENGTHS:
            headers.add((name.lower(), value))
    body = reply.body
    for pattern, plain in SECRETS:
        body = re.sub(pattern, plain, body)
    if reply.status in {301, 302}:
        # Django's own, beside our pages.
        return Seen(what, 303, frozenset(), frozenset(), "")
    return Seen(what, reply.status, frozenset(headers), frozenset(cookies), body)


def make_auth() -> tuple[UnessAuth, Outbox, FixedClock]:
    """
    Return a sign-in with one account.
    """
    outbox, clock = Outbox(), FixedClock()
    auth = UnessAuth(
        site=Site(base_url=BASE_URL),
        stores=MemoryStorage().stores,
        mailer=outbox,
        hashing=FastHashing(),
        keys=[KEY],
        clock=clock,
    )
    auth.provisioning.add(CAMILLE, display_name="Camille Durand", account_id="1")
    return auth, outbox, clock


def walk(send: Send, outbox: Outbox, clock: FixedClock) -> list[Seen]:
    """
    Walk every screen, wrong turns included, and return what was answered.
    """
    found: list[Seen] = []

    def recording(
        method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        reply = send(method, path, body, headers)
        what = re.sub(r"/link/.+", "/link/…", f"{method} {path}")
        found.append(seen(what, reply))
        return reply

    browser = HtmlBrowser(recording, BASE_URL)
    start(browser, "not an address")
    start(browser, "personne@univ-exemple.fr")
    start(browser, CAMILLE)
    link = outbox.link(CAMILLE)
    browser.visit(link)
    browser.fill(NEW, "short")
    browser.fill(AGAIN, "other")
    browser.press("CRÉER")
    browser.fill(NEW, PASSWORD)
    browser.fill(AGAIN, PASSWORD)
    browser.press("CRÉER")
    browser.visit(link)
    browser.visit(f"{link}x")
    start(browser, CAMILLE)
    browser.fill(CURRENT, OTHER_PASSWORD)
    browser.press("SE CONNECTER")
    browser.fill(CURRENT, PASSWORD)
    browser.check("Se souvenir de moi")
    browser.press("SE CONNECTER")
    clock.tick(timedelta(minutes=2))
    browser.visit("/auth/")
    browser.cookies.clear()
    start(browser, CAMILLE, target="/private")
    browser.press("RECEVOIR LE CODE")
    browser.fill(CODE, "")
    browser.press("SE CONNECTER")
    browser.press("Renvoyer le code")
    browser.fill(CODE, outbox.code(CAMILLE))
    browser.press("SE CONNECTER")
    outbox.is_down = True
    browser.cookies.clear()
    start(browser, CAMILLE)
    browser.press("Mot de passe oublié ?")
    browser.cookies.clear()
    for _ in range(6):
        start(browser, CAMILLE)
        browser.fill(CURRENT, OTHER_PASSWORD)
        browser.press("SE CONNECTER")
    return found


def ask(send: Send) -> list[Seen]:
    """
    Ask for everything there is and is not, in every way, without a browser.
    """
    paths = [f"/auth/{one.path.replace('{token}', 'x')}" for one in ROUTES]
    paths += ["/auth/nothing", "/auth//", "/auth/static/nothing.css", "/private"]
    found = [
        seen(f"{method} {path}", send(method, path, b"", {}))
        for path in paths
        for method in METHODS
        # Django's guard sees to those of the project's own pages.
        if path != "/private" or method == "GET"
    ]
    bodies = [b"email=a&email=b", b"email=%ff", b"email=" + b"a" * 20_000, b"email=a"]
    found += [
        seen(f"{path} {body[:20]!r}", send("POST", path, body, FORM))
        for path in paths[: len(ROUTES)]
        for body in bodies
    ]
    cross_site = {**FORM, "Origin": "https://elsewhere.example"}
    found.append(seen("cross-site", send("POST", "/auth/", b"email=a", cross_site)))
    return found


def flask_send(auth: UnessAuth) -> Send:
    """
    Return what sends requests to Flask.
    """
    app = Flask("portal")
    FlaskAuth(auth, app)

    @app.get("/private")
    @login_required
    def private() -> str:
        return ""

    app.add_url_rule("/", "home", lambda: "")
    client = app.test_client(use_cookies=False)

    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        answer = client.open(path, method=method, data=body, headers=dict(headers))
        return Reply(
            status=answer.status_code,
            headers=tuple(answer.headers.items()),
            body=answer.text,
        )

    return send


@pytest.fixture(name="django_send")
def _django_send() -> Iterator[tuple[Send, Outbox, FixedClock]]:
    """
    What sends requests to Django.
    """
    empty_database()
    auth, outbox, clock = make_auth()
    # Accounts in memory, and for Camille's a user of Django's.
    users: Any = get_user_model()
    users.objects.create_user("camille", CAMILLE, pk=1)
    plain = [one for one in middleware() if "Locale" not in one]
    with installed(more={"MIDDLEWARE": plain, "UNESS_AUTH": {"AUTH": auth}}):
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            client.cookies.clear()
            return reply_of(send_to(client, method, path, body, headers))

        yield send, outbox, clock


class TestParityWithFlask:
    def test_of_every_screen(
        self, django_send: tuple[Send, Outbox, FixedClock]
    ) -> None:
        """
        Status, headers, cookies and the page itself, from the first mail to the wait.
        """
        auth, outbox, clock = make_auth()
        expected = walk(flask_send(auth), outbox, clock)
        statuses = {one.status for one in expected}

        assert {200, 303, 404, 410, 422, 429, 503} <= statuses
        for ours, theirs in zip(expected, walk(*django_send), strict=True):
            if ours.what in {"GET /", "GET /private"}:
                continue
            assert ours == theirs

    def test_of_every_refusal(
        self, django_send: tuple[Send, Outbox, FixedClock]
    ) -> None:
        """
        Methods, bodies and addresses that are wrong.
        """
        auth, _, _ = make_auth()
        expected = ask(flask_send(auth))

        assert {400, 403, 404, 405, 413, 415} <= {one.status for one in expected}
        for ours, theirs in zip(expected, ask(django_send[0]), strict=True):
            if ours.what == "GET /private":
                assert 303 == ours.status == theirs.status
                continue
            assert ours == theirs

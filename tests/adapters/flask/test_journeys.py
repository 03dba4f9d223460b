"""
The tutorial on Flask, through its own test client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import attrs
import pytest
from flask import Flask, render_template_string

from uness_auth import Site, UnessAuth
from uness_auth.flask import (
    FlaskAuth,
    current_account,
    login_required,
    recent_login_required,
)
from uness_auth.ports import Stores
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import Browser, HtmlBrowser, Reply
from uness_auth.testing.journeys import (
    CAMILLE,
    PASSWORD,
    Journeys,
    Portal,
    sign_in,
)


BASE_URL = "http://localhost"


def make_app(auth: UnessAuth) -> Flask:
    """
    Return a host: a page for everybody and one that needs a sign-in.
    """
    app = Flask(__name__)
    FlaskAuth(auth, app)

    @app.get("/")
    def home() -> str:
        return '<title>Portail</title><a href="/auth/">Connectez-vous</a>'

    @app.get("/private")
    @login_required
    def private() -> str:
        return render_template_string(
            "<title>Accueil</title>Bonjour {{ name }} {{ uness_auth.sign_out_form }}",
            name=current_account.display_name,
        )

    @app.get("/notes")
    @recent_login_required
    def notes() -> str:
        return f"<title>Notes</title>Notes de {current_account.display_name}"

    return app


class FlaskBrowser(HtmlBrowser):
    """
    A browser whose requests go through Flask's test client.
    """

    def __init__(self, app: Flask, **wishes: Any) -> None:
        client = app.test_client(use_cookies=False)

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            answer = client.open(path, method=method, data=body, headers=dict(headers))
            return Reply(
                status=answer.status_code,
                headers=tuple(answer.headers.items()),
                body=answer.text,
            )

        super().__init__(send, BASE_URL, **wishes)


def portal_on(stores: Stores, clock: FixedClock | None = None) -> Portal:
    """
    Return a portal on Flask that keeps everything in *stores*.
    """
    clock, outbox = clock or FixedClock(), Outbox()
    auth = UnessAuth(
        site=Site(base_url=BASE_URL),
        stores=stores,
        mailer=outbox,
        hashing=FastHashing(),
        clock=clock,
    )
    app = make_app(auth)

    def browse(sharing: FlaskBrowser | None = None, **wishes: Any) -> FlaskBrowser:
        browser = FlaskBrowser(app, **wishes)
        if sharing is not None:
            browser.cookies = sharing.cookies
        return browser

    def break_mail(is_down: bool) -> None:
        outbox.is_down = is_down

    return Portal(
        auth=auth,
        clock=clock,
        mailbox=outbox,
        browse=browse,
        break_mail=break_mail,
    )


class TestFlaskJourneys(Journeys):
    """
    Every journey of the tutorial.
    """

    def make(self) -> Portal:
        return portal_on(MemoryStorage().stores)


class WithoutLists(Journeys):
    """
    Journeys where the stores list no sessions.
    """

    def make(self) -> Portal:
        return portal_on(attrs.evolve(MemoryStorage().stores, session_lists=None))


class TestWithoutLists:
    @pytest.mark.parametrize(
        "journey", ["test_closing_a_session", "test_closing_all_other_sessions"]
    )
    def test_there_is_no_page_of_them(self, journey: str) -> None:
        """
        The journeys say so, instead of asking for what such a portal cannot do.
        """
        getattr(WithoutLists(), journey)()


class TestTabs:
    """
    One remembered cookie, ten tabs at the same moment.
    """

    @pytest.fixture(name="stores")
    def _stores(self) -> Iterator[Stores]:
        yield MemoryStorage().stores  # noqa: PT022 - what overrides it has something to close

    def test_all_stay_signed_in(self, stores: Stores) -> None:
        """
        However many requests write down that the session was used, none ends it.
        """
        portal = portal_on(stores)
        browser = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD, is_remembered=True)
        tabs = [portal.browse(sharing=browser) for _ in range(10)]

        def restored(tab: Browser) -> str:
            tab.visit("/private")
            return tab.title

        with ThreadPoolExecutor(len(tabs)) as pool:
            for _ in range(3):
                portal.clock.tick(timedelta(days=3))

                assert ["Accueil"] * 10 == list(pool.map(restored, tabs))

    def test_what_was_closed_stays_closed(self, stores: Stores) -> None:
        """
        Whoever signs out in one of them has signed out in all, late requests or not.
        """
        portal = portal_on(stores)
        browser: Any = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD, is_remembered=True)
        tabs: list[Any] = [portal.browse() for _ in range(10)]
        for tab in tabs:
            tab.cookies.update(browser.cookies)
        portal.clock.tick(timedelta(days=3))
        browser.visit("/private")

        def leave_or_look(tab: Browser) -> None:
            if tab is tabs[5]:
                tab.visit("/private")
                tab.press("Se déconnecter")
            else:
                tab.visit("/private")

        portal.clock.tick(timedelta(minutes=2))
        with ThreadPoolExecutor(len(tabs)) as pool:
            list(pool.map(leave_or_look, tabs))
        browser.visit("/private")

        assert browser.title.startswith("Bienvenue !")

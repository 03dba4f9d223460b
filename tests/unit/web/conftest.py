"""
The sign-in of a site with everything in memory, and visitors who need no framework.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest

from uness_auth import Policy, Site, UnessAuth
from uness_auth.model import Account
from uness_auth.outcomes import AccountAdded
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox
from uness_auth.web.http import Answer, Page, Redirect, Request
from uness_auth.web.routes import Route
from uness_auth.web.site import SignInSite


BASE_URL = "http://localhost"
CAMILLE = "camille.durand@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"


class Browser:
    """
    A visitor who keeps cookies, and sends back what the last page carried.
    """

    def __init__(self, site: SignInSite, **headers: str) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}
        self.headers = {name.replace("_", "-"): one for name, one in headers.items()}
        self.peer = "203.0.113.9"
        self.answer: Answer | None = None

    @property
    def view(self) -> Any:
        """
        What the last page shows.
        """
        assert isinstance(self.answer, Page)
        return self.answer.view

    @property
    def page(self) -> str:
        """
        The name of the last page; of a redirect where it leads.
        """
        if isinstance(self.answer, Redirect):
            return self.answer.location.removeprefix(BASE_URL)
        return str(self.view.frame.name)

    def get(
        self, name: str, /, *, method: str = "GET", token: str = "", query: str = ""
    ) -> Answer:
        """
        Ask for a page.
        """
        return self.send(name, method=method, token=token, query=query)

    def post(self, name: str, /, *, token: str = "", **fields: str) -> Answer:
        """
        Send the form of the last page, with *fields* filled in.
        """
        known = {}
        if isinstance(self.answer, Page):
            known = {
                "csrf": getattr(self.view, "csrf_value", ""),
                "next": getattr(self.view, "next", ""),
            }
        body = urlencode({**known, **fields}).encode()
        return self.send(name, method="POST", token=token, body=body)

    def send(
        self,
        name: str,
        /,
        *,
        method: str,
        token: str = "",
        query: str = "",
        body: bytes = b"",
    ) -> Answer:
        """
        Send anything.
        """
        request = self.request(method=method, query=query, body=body)
        self.answer = self.site.answer(self.route(name), request, token=token)
        for cookie in self.answer.cookies:
            self.cookies.pop(cookie.name, None)
            if cookie.cookie_value:
                self.cookies[cookie.name] = cookie.cookie_value
        return self.answer

    def request(
        self, *, method: str = "GET", query: str = "", body: bytes = b""
    ) -> Request:
        """
        Return a request with this browser's cookies.
        """
        pairs = (f"{name}={value}" for name, value in self.cookies.items())
        return Request(
            method=method,
            path="/",
            query=query,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "cookie": "; ".join(pairs),
                **self.headers,
            },
            peer=self.peer,
            read=lambda limit: body[:limit],
        )

    def route(self, name: str, /) -> Route:
        """
        Return the route of this name.
        """
        return next(one for one in self.site.routes if one.name == name)

    def identify(self, address: str = CAMILLE, /, *, query: str = "") -> Answer:
        """
        Walk to S1 and give the address.
        """
        self.get("identify", query=query)
        return self.post("identify", email=address)

    def sign_in(self, address: str = CAMILLE, password: str = PASSWORD, /) -> Answer:
        """
        Walk through S1 and S7.
        """
        self.identify(address)
        return self.post("password", username=address, password=password)

    def sign_out(self) -> Answer:
        """
        Press « Se déconnecter » on a page of the host's.
        """
        form = self.site.sign_out_form(self.request())
        body = urlencode({form.csrf_name: form.csrf_value}).encode()
        return self.send("sign_out", method="POST", body=body)

    @property
    def account(self) -> Account | None:
        """
        Who is signed in here.
        """
        session = self.cookies.get("uness-session", "")
        return getattr(self.site.auth.sessions.resume(session), "account", None)


class Portal:
    """
    One site: its flows, its pages, and all that it keeps and sends.
    """

    def __init__(self, clock: FixedClock, **wishes: Any) -> None:
        self.clock = clock
        self.outbox = Outbox()
        self.events = EventLog()
        self.storage = MemoryStorage()
        given: dict[str, Any] = {
            "site": Site(base_url=BASE_URL),
            "stores": self.storage.stores,
            "mailer": self.outbox,
            "hashing": FastHashing(),
            "subscribers": [self.events],
            "clock": clock,
            "policy": Policy.uness(),
        }
        self.auth = UnessAuth(**{**given, **wishes})
        self.site = SignInSite(self.auth)

    def browser(self, **headers: str) -> Browser:
        """
        Return a fresh browser.
        """
        return Browser(self.site, **headers)

    def add(self, address: str = CAMILLE, /, *, language: str = "") -> Account:
        """
        Have the registrar create an account.
        """
        added = self.auth.provisioning.add(address, language=language)
        assert isinstance(added, AccountAdded)
        return added.account

    def token(self, address: str = CAMILLE, /) -> str:
        """
        Return the token of the last link mailed.
        """
        return self.outbox.link(address).rpartition("/link/")[2]

    def add_with_password(
        self, address: str = CAMILLE, /, *, password: str = PASSWORD
    ) -> Browser:
        """
        Create an account and its password; return a fresh browser.
        """
        self.add(address)
        browser = self.browser()
        browser.identify(address)
        browser.post(
            "link", token=self.token(address), password=password, confirmation=password
        )
        assert browser.page == "created"
        return self.browser()

    def contents(self) -> dict[str, object]:
        """
        Return everything that is stored, but for when sessions were last used.
        """
        rows = self.storage.accounts._rows  # noqa: SLF001 - stores have no way to dump
        return {
            "accounts": dict(rows.accounts),
            "challenges": dict(rows.challenges),
            "sessions": {
                digest: attrs.evolve(session, last_seen_at=session.opened_at)
                for digest, session in rows.sessions.items()
            },
            "counters": {
                key: attrs.asdict(counter) for key, counter in rows.counters.items()
            },
        }


@pytest.fixture(name="make_portal")
def _make_portal(clock: FixedClock) -> Callable[..., Portal]:
    """
    Builds a site: ``make_portal(policy=…)``.
    """
    return lambda **wishes: Portal(clock, **wishes)


@pytest.fixture(name="portal")
def _portal(clock: FixedClock) -> Portal:
    """
    A site as the tutorial describes it, with no accounts.
    """
    return Portal(clock)

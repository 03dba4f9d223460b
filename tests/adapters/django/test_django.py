"""
The Django adapter: who is signed in, on whose pages, and what Django is told.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
from django.core.handlers.wsgi import LimitedStream
from django.db import connection
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from tests.adapters.django import portal as kit
from tests.adapters.django.portal import (
    DjangoBrowser,
    empty_database,
    installed,
    reply_of,
    send_to,
)
from uness_auth.django.conf import get_auth, get_site
from uness_auth.django.middleware import SignInMiddleware
from uness_auth.django.requests import request_from
from uness_auth.django.signals import signals
from uness_auth.django.storage import DjangoStorage
from uness_auth.django.testing import sign_in as sign_client_in
from uness_auth.errors import ConfigurationError, StorageError
from uness_auth.events import Event, EventKind
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.journeys import (
    CAMILLE,
    NADIA,
    OTHER_PASSWORD,
    PASSWORD,
    Portal,
    change_password,
    sign_in,
    start,
)
from uness_auth.web.forms import FormFault, read_fields
from uness_auth.web.http import SECURITY_HEADERS


FORM = "application/x-www-form-urlencoded"
USER: Any = get_user_model()
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


class Broken:
    """
    A store that a test makes unreachable.
    """

    def __init__(self, sessions: Any) -> None:
        self.is_down = False
        self._sessions = sessions

    def __getattr__(self, name: str) -> Any:
        """
        The store's own method, or the failure.
        """
        if self.is_down:
            msg = "down"
            raise StorageError(msg)
        return getattr(self._sessions, name)


@pytest.fixture(name="broken")
def _broken() -> Broken:
    """
    A session store that a test may break.
    """
    return Broken(DjangoStorage().stores.sessions)


@pytest.fixture(name="portal")
def _portal(clock: FixedClock, request: pytest.FixtureRequest) -> Iterator[Portal]:
    """
    A portal with no accounts; its sessions are *broken*'s, where the test has it.
    """
    empty_database()
    outbox = Outbox()
    stores = DjangoStorage().stores
    if "broken" in request.fixturenames:
        broken = request.getfixturevalue("broken")
        stores = attrs.evolve(stores, sessions=broken)
    with installed(outbox=outbox, clock=clock, stores=stores):
        yield kit.portal(outbox, clock)


@pytest.fixture(name="inside")
def _inside(portal: Portal) -> DjangoBrowser:
    """
    A browser that is signed in as Camille.
    """
    browser = portal.add_with_password()
    assert isinstance(browser, DjangoBrowser)
    sign_in(browser, CAMILLE, PASSWORD)
    return browser


@pytest.fixture(name="heard")
def _heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """
    What Django's three signals said.
    """
    heard: list[tuple[str, dict[str, Any]]] = []
    named = {
        "in": user_logged_in,
        "out": user_logged_out,
        "failed": user_login_failed,
    }

    def hear(name: str, **more: Any) -> None:
        heard.append((name, more))

    receivers = {name: partial(hear, name) for name in named}
    for name, signal in named.items():
        signal.connect(receivers[name])
    yield heard
    for name, signal in named.items():
        signal.disconnect(receivers[name])


def staff(browser: DjangoBrowser) -> Any:
    """
    Make Camille a member of the staff, who may do anything.
    """
    user = USER.objects.get(email=CAMILLE)
    USER.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    return user


def cookies_of(browser: DjangoBrowser) -> str:
    """
    The browser's cookies, as a header.
    """
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


class TestUser:
    def test_of_a_stranger(self, portal: Portal) -> None:
        """
        Where nobody is signed in Django's own nobody is.
        """
        browser = portal.browse()
        browser.visit("/who")

        assert "AnonymousUser None" == browser.text

    def test_is_the_accounts(self, inside: DjangoBrowser) -> None:
        """
        The user of the account is `request.user`, here and in the event loop.
        """
        user = USER.objects.get(email=CAMILLE)
        inside.visit("/who")
        assert f"{user} {user.pk}" == inside.text
        inside.visit("/later")

        assert f"{user} {user.pk}" == inside.reply.body

    def test_nothing_is_read_unless_asked(self, inside: DjangoBrowser) -> None:
        """
        A page that does not ask costs no query, and is left to caches.
        """
        with CaptureQueriesContext(connection) as queries:
            inside.visit("/")

        assert [] == queries.captured_queries
        assert "" == inside.reply.header("Cache-Control")

    def test_is_read_once(self, inside: DjangoBrowser) -> None:
        """
        However often a page asks: the session with its account, and the user.
        """
        with CaptureQueriesContext(connection) as queries:
            inside.visit("/who")

        assert 2 == len(queries)

    def test_pages_are_for_no_cache(self, inside: DjangoBrowser) -> None:
        """
        P44: what was made for one visitor is kept by no cache.
        """
        inside.visit("/who")

        assert "no-store" == inside.reply.header("Cache-Control")
        assert "Cookie" in inside.reply.header("Vary")

    def test_of_an_account_without_one(self, inside: DjangoBrowser) -> None:
        """
        A session whose user is gone signs nobody in.
        """
        with override_settings(UNESS_AUTH=_elsewhere()):
            site = get_site()
            site.auth.provisioning.add(NADIA, account_id="987654321")
            account = site.auth.provisioning.accounts.by_address(NADIA)
            assert account is not None
            cookies = site.sign_in(
                account, request_from(RequestFactory().get("/")), method="test"
            )
            assert isinstance(cookies, tuple)
            inside.cookies = {one.name: one.cookie_value for one in cookies}
            inside.visit("/who")

        assert "AnonymousUser" in inside.text

    def test_of_the_event_loop(self, inside: DjangoBrowser, portal: Portal) -> None:
        """
        On ASGI the same, signed in or not.
        """
        user = USER.objects.get(email=CAMILLE)

        async def ask(cookie: str) -> str:
            client = AsyncClient()
            client.cookies.load(cookie)
            answer = await client.get("/later")
            return str(answer.content.decode())

        assert f"{user} {user.pk}" == async_to_sync(ask)(cookies_of(inside))
        assert "AnonymousUser None" == async_to_sync(ask)("a=b")


def _elsewhere() -> dict[str, Any]:
    # Accounts that Django knows nothing of.
    from uness_auth.storage.memory import MemoryStorage  # noqa: PLC0415 - here alone

    return {
        "BASE_URL": kit.BASE_URL,
        "STORES": MemoryStorage().stores,
        "MAILER": "uness_auth.testing.Outbox",
        "HASHING": "uness_auth.testing.FastHashing",
        "KEYS": settings.UNESS_AUTH["KEYS"],
    }


class TestLoginRequired:
    @pytest.mark.parametrize(
        "asked", ["/private?a=b&c=%26", "/private", "/classy", "/classy?x=%3F"]
    )
    def test_back_to_what_was_asked_for(
        self, inside: DjangoBrowser, asked: str
    ) -> None:
        """
        A stranger is led to S1, and after the sign-in to the same page.
        """
        inside.cookies.clear()
        inside.visit(asked)
        assert inside.title.startswith("Bienvenue")
        inside.fill("Votre adresse email*", CAMILLE)
        inside.press("SE CONNECTER")
        inside.fill("Votre mot de passe Uness*", PASSWORD)
        inside.press("SE CONNECTER")

        assert asked == inside.path
        assert 200 == inside.status

    def test_everywhere(self, inside: DjangoBrowser) -> None:
        """
        Django's own middleware guards every page but ours.
        """
        with override_settings(MIDDLEWARE=kit.middleware(LOGIN_REQUIRED)):
            browser = DjangoBrowser()
            browser.visit("/who")
            assert browser.title.startswith("Bienvenue")
            browser.visit("/auth/nothing")
            assert 404 == browser.status
            browser.cookies = inside.cookies
            browser.visit("/who")
            assert str(USER.objects.get(email=CAMILLE)) in browser.text

    def test_permissions(self, inside: DjangoBrowser) -> None:
        """
        Who may do what is for Django's backends to say.
        """
        inside.visit("/permitted")
        assert 403 == inside.status
        staff(inside)
        inside.visit("/permitted")

        assert 200 == inside.status


class TestRecentLoginRequired:
    @pytest.mark.parametrize("asked", ["/notes?a=b", "/notes-later", "/classy-notes"])
    def test_asks_again_after_a_while(
        self, portal: Portal, inside: DjangoBrowser, asked: str
    ) -> None:
        """
        Function, coroutine and class: let in, asked again, and let in once more.
        """
        inside.visit(asked)
        assert 200 == inside.status
        portal.clock.tick(timedelta(minutes=11))
        inside.visit(asked)
        assert inside.title.startswith("Confirmez que c'est bien vous")
        inside.fill("Votre mot de passe Uness*", PASSWORD)
        inside.press("Confirmer")

        assert asked == inside.path
        assert 200 == inside.status

    @pytest.mark.parametrize("asked", ["/notes", "/notes-later", "/classy-notes"])
    def test_of_a_stranger(self, portal: Portal, asked: str) -> None:
        """
        Whoever has no session of ours signs in, whatever Django's says; no cache keeps
        the answer.
        """
        client = Client(SERVER_NAME="localhost")
        client.force_login(USER.objects.create_user("nadia", NADIA))
        answer = client.get(asked)

        assert f"http://localhost/auth/?next=%2F{asked[1:]}" == answer["Location"]
        assert "Cookie" in answer["Vary"]
        assert "no-store" == answer["Cache-Control"]

    def test_a_form_is_not_asked_for_again(
        self, portal: Portal, inside: DjangoBrowser
    ) -> None:
        """
        A post that comes too late leads to where one proves it, and then home.
        """
        client = Client(SERVER_NAME="localhost")
        client.cookies["uness-session"] = inside.cookies["uness-session"]
        portal.clock.tick(timedelta(minutes=11))

        assert "http://localhost/auth/again" == client.post("/notes")["Location"]

    def test_a_store_that_fails(self, inside: DjangoBrowser, broken: Broken) -> None:
        """
        Nobody is let in, nor led away.
        """
        broken.is_down = True
        for asked in ("/notes", "/notes-later", "/classy-notes"):
            inside.visit(asked)

            assert 503 == inside.status


class TestChangePassword:
    def test_goes_on_in_a_new_session(
        self, inside: DjangoBrowser, heard: list[tuple[str, dict[str, Any]]]
    ) -> None:
        """
        The user stays; Django's session goes on under another key, and its CSRF value
        is new; nobody signed in anew.
        """
        inside.visit("/cart")
        before = dict(inside.cookies)
        inside.visit("/auth/account/password")
        change_password(inside, PASSWORD, OTHER_PASSWORD)

        assert inside.title.startswith("Mot de passe modifié")
        for name in ("uness-session", "sessionid", "csrftoken"):
            assert before[name] != inside.cookies[name]
        assert [] == heard
        inside.visit("/cart")
        assert "2" == inside.text
        inside.visit("/who")
        assert str(USER.objects.get(email=CAMILLE).pk) in inside.text

    def test_a_wrong_one_is_no_failed_sign_in(
        self, inside: DjangoBrowser, heard: list[tuple[str, dict[str, Any]]]
    ) -> None:
        """
        Nothing rotates, and Django's signal for sign-ins says nothing.
        """
        inside.visit("/cart")
        before = dict(inside.cookies)
        inside.visit("/auth/account/password")
        change_password(inside, OTHER_PASSWORD, PASSWORD)

        assert 422 == inside.status
        assert before == {**inside.cookies, "csrftoken": before["csrftoken"]}
        assert [] == heard


class TestLogout:
    def test_closes_our_session(self, inside: DjangoBrowser) -> None:
        """
        Django's `logout()` ends our session too, and takes its cookie away.
        """
        cookie = inside.cookies["uness-session"]
        inside.visit("/leave")
        assert "A bientôt" in inside.text
        assert "uness-session" not in inside.cookies
        inside.cookies["uness-session"] = cookie
        inside.visit("/who")

        assert "AnonymousUser" in inside.text

    def test_of_a_stranger(self, portal: Portal) -> None:
        """
        Whoever is not signed in may leave all the same.
        """
        browser = portal.browse()
        browser.visit("/leave")

        assert "A bientôt" in browser.text

    def test_from_the_event_loop(self, inside: DjangoBrowser) -> None:
        """
        An asynchronous view signs out the same way, and knows it at once.
        """
        inside.visit("/leave-later")

        assert "AnonymousUser" == inside.text
        assert "uness-session" not in inside.cookies

    def test_outside_of_a_request(self, portal: Portal) -> None:
        """
        Of a request that no middleware saw there is no session of ours to end.
        """
        user = USER.objects.create_user("nadia", NADIA)
        client = Client()
        client.force_login(user)
        client.logout()

        assert "AnonymousUser" in client.get("/who").content.decode()


class TestSignOut:
    def test_ends_djangos_session(self, inside: DjangoBrowser) -> None:
        """
        What Django's session held is gone with the person.
        """
        inside.visit("/cart")
        before = inside.cookies["sessionid"]
        inside.visit("/private")
        inside.press("Se déconnecter")

        assert "sessionid" not in inside.cookies
        assert "uness-session" not in inside.cookies
        inside.cookies["sessionid"] = before
        inside.visit("/cart")
        assert "1" == inside.text

    def test_keeps_what_a_visitor_gathered(
        self, portal: Portal, inside: DjangoBrowser
    ) -> None:
        """
        What Django's session held before a sign-in is kept, under another key.
        """
        browser = portal.browse()
        assert isinstance(browser, DjangoBrowser)
        browser.visit("/cart")
        before = browser.cookies["sessionid"]
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/cart")

        assert "2" == browser.text
        assert before != browser.cookies["sessionid"]

    def test_forged(self, inside: DjangoBrowser) -> None:
        """
        Another site signs nobody out.
        """
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        answer = client.post(
            "/auth/sign-out",
            "next=/",
            content_type=FORM,
            headers={"cookie": cookies_of(inside)},
        )

        assert 403 == answer.status_code
        inside.visit("/private")
        assert "Bonjour" in inside.text


class TestSignals:
    def test_of_django(
        self, inside: DjangoBrowser, heard: list[tuple[str, dict[str, Any]]]
    ) -> None:
        """
        The three that Django has tell of our sign-ins as of its own.
        """
        user = USER.objects.get(email=CAMILLE)
        inside.visit("/private")
        inside.press("Se déconnecter")
        sign_in(inside, CAMILLE, OTHER_PASSWORD)
        inside.fill("Votre mot de passe Uness*", PASSWORD)
        inside.press("SE CONNECTER")

        assert ["out", "failed", "in"] == [name for name, _ in heard]
        assert user == heard[0][1]["user"] == heard[2][1]["user"]
        assert {"username": CAMILLE} == heard[1][1]["credentials"]
        user.refresh_from_db()
        assert user.last_login is not None

    def test_of_a_wrong_code(
        self,
        portal: Portal,
        inside: DjangoBrowser,
        heard: list[tuple[str, dict[str, Any]]],
    ) -> None:
        """
        Nothing that was typed for a secret is passed on.
        """
        browser = portal.browse()
        start(browser, CAMILLE)
        browser.press("RECEVOIR LE CODE")
        code = portal.mailbox.code(CAMILLE)
        browser.fill("Code :*", "000000" if code != "000000" else "111111")
        browser.press("SE CONNECTER")

        assert [("failed", {})] == [(name, one["credentials"]) for name, one in heard]

    def test_of_ours(self, portal: Portal) -> None:
        """
        Every event is a signal, with the event.
        """
        heard: list[Event] = []

        def hear(*, event: Event, **_more: object) -> None:
            heard.append(event)

        signals[EventKind.ADDRESS_UNKNOWN].connect(hear)
        start(portal.browse(), "personne@univ-exemple.fr")
        signals[EventKind.ADDRESS_UNKNOWN].disconnect(hear)

        assert [EventKind.ADDRESS_UNKNOWN] == [one.kind for one in heard]


class TestDjangosLogin:
    def admin_login(self, browser: DjangoBrowser, name: str, password: str) -> None:
        """
        Fill the admin's own form.
        """
        browser.visit("/admin/login/?next=/who")
        csrf = re.findall(
            'name="csrfmiddlewaretoken" value="([^"]+)"', browser.reply.body
        )
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        client.cookies.clear()
        body = f"csrfmiddlewaretoken={csrf[0]}&username={name}&password={password}&next=/who"
        reply = reply_of(
            send_to(
                client,
                "POST",
                "/admin/login/",
                body.encode(),
                {"Content-Type": FORM, "Cookie": cookies_of(browser)},
            )
        )
        assert 302 == reply.status
        for header, value in reply.headers:
            if header == "Set-Cookie":
                cookie, _, rest = value.partition(";")
                key, _, kept = cookie.partition("=")
                browser.cookies.pop(key, None)
                if "Max-Age=0" not in rest:
                    browser.cookies[key] = kept.strip('"')

    def test_of_the_admin(self, portal: Portal, inside: DjangoBrowser) -> None:
        """
        The admin's own form signs in, into a session of ours: no key of Django's
        session signs anybody in.
        """
        user = staff(inside)
        user.refresh_from_db()
        user.set_password(OTHER_PASSWORD)
        user.save()
        browser = portal.browse()
        assert isinstance(browser, DjangoBrowser)
        with override_settings(
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]
        ):
            user.set_password(OTHER_PASSWORD)
            user.save()
            self.admin_login(browser, user.get_username(), OTHER_PASSWORD)
        browser.visit("/who")
        assert str(user.pk) in browser.text
        assert "uness-session" in browser.cookies
        browser.cookies.pop("uness-session")
        browser.visit("/who")

        assert "AnonymousUser" in browser.text

    def test_of_who_has_no_account(self, portal: Portal) -> None:
        """
        A user without an account keeps Django's own session.
        """
        with override_settings(
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]
        ):
            user = USER.objects.create_superuser("root", "", OTHER_PASSWORD)
            browser = portal.browse()
            assert isinstance(browser, DjangoBrowser)
            self.admin_login(browser, "root", OTHER_PASSWORD)
        browser.visit("/who")

        assert str(user.pk) in browser.text
        assert "uness-session" not in browser.cookies

    def test_of_a_vetoed(self, portal: Portal, inside: DjangoBrowser) -> None:
        """
        The host's veto holds for every way in.
        """
        user = staff(inside)
        with override_settings(
            UNESS_AUTH={
                **settings.UNESS_AUTH,
                "MAY_SIGN_IN": lambda account: account.address != CAMILLE,
            },
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ):
            user.refresh_from_db()
            user.set_password(OTHER_PASSWORD)
            user.save()
            browser = portal.browse()
            assert isinstance(browser, DjangoBrowser)
            self.admin_login(browser, user.get_username(), OTHER_PASSWORD)
            browser.visit("/who")

        assert "AnonymousUser" in browser.text

    @pytest.mark.parametrize("closing", ["", "disabled", "ended"])
    def test_by_a_backend_that_asks_nobody(self, portal: Portal, closing: str) -> None:
        """
        Whose account is closed stays out, whatever a backend of the host's says.
        """
        portal.add_with_password()
        if closing == "disabled":
            _ = portal.auth.provisioning.disable(CAMILLE)
        if closing == "ended":
            portal.end(CAMILLE, portal.clock())
        backend = "django.contrib.auth.backends.AllowAllUsersModelBackend"
        browser = portal.browse()
        with override_settings(AUTHENTICATION_BACKENDS=[backend]):
            browser.visit(f"/let-in?email={CAMILLE}")
            assert "let in" == browser.text
            browser.visit("/who")

        assert (closing != "") == ("AnonymousUser" in browser.text)

    def test_of_the_test_client(self, portal: Portal) -> None:
        """
        `force_login` works in a host's tests, and our sign-in goes before it.
        """
        user = USER.objects.create_user("nadia", NADIA)
        client = Client()
        client.force_login(user)

        assert f"{user} {user.pk}" in client.get("/who").content.decode()
        assert SESSION_KEY in client.session

    @pytest.mark.parametrize("path", ["/who", "/later"])
    def test_of_the_test_client_ends_with_the_account(
        self, portal: Portal, path: str
    ) -> None:
        """
        Django's own session signs nobody in whose account is over; `is_active` knows
        of no days.
        """
        portal.add()
        user = USER.objects.get(email=CAMILLE)
        client = Client()
        client.force_login(user)
        assert f"{user} {user.pk}" in client.get(path).content.decode()

        portal.end(CAMILLE, portal.clock())

        assert "AnonymousUser" in client.get(path).content.decode()

    def test_before_ours(self, portal: Portal, inside: DjangoBrowser) -> None:
        """
        Who signs in on our pages in another person's browser takes nothing over.
        """
        other = USER.objects.create_user("nadia", NADIA)
        client = Client()
        client.force_login(other)
        inside.visit("/leave")
        inside.cookies["sessionid"] = client.cookies["sessionid"].value
        before = inside.cookies["sessionid"]
        sign_in(inside, CAMILLE, PASSWORD)
        inside.visit("/who")

        assert str(USER.objects.get(email=CAMILLE).pk) in inside.text
        assert before != inside.cookies.get("sessionid")
        inside.cookies.pop("uness-session")
        inside.visit("/who")
        assert "AnonymousUser" in inside.text


class TestTesting:
    def test_sign_in(self, portal: Portal) -> None:
        """
        A host's test signs a client in, with a session of ours.
        """
        portal.add()
        client = Client()
        sign_client_in(client, CAMILLE)

        assert "Bonjour Camille Durand" in client.get("/private").content.decode()
        assert SESSION_KEY not in client.session

    def test_of_nobody(self, portal: Portal) -> None:
        """
        Who has no account, or is vetoed, is not signed in.
        """
        portal.add()
        for address in (NADIA, "no address"):
            with pytest.raises(LookupError, match="no account"):
                sign_client_in(Client(), address)
        portal.add(NADIA)
        portal.end(NADIA, portal.clock())
        with pytest.raises(LookupError, match="closed since"):
            sign_client_in(Client(), NADIA)
        with (
            override_settings(
                UNESS_AUTH={
                    **settings.UNESS_AUTH,
                    "MAY_SIGN_IN": lambda _account: False,
                }
            ),
            pytest.raises(LookupError, match="vetoed"),
        ):
            sign_client_in(Client(), CAMILLE)


class TestFailure:
    @pytest.mark.parametrize("path", ["/who", "/private", "/later", "/auth/"])
    def test_of_the_store(
        self, inside: DjangoBrowser, broken: Broken, path: str
    ) -> None:
        """
        The host's pages and ours answer 503; nobody is signed out by that.
        """
        broken.is_down = True
        before = dict(inside.cookies)
        inside.visit(path)

        assert 503 == inside.status
        assert "30" == inside.reply.header("Retry-After")
        assert {name.lower() for name, _ in SECURITY_HEADERS} <= {
            name.lower() for name, _ in inside.reply.headers
        }
        broken.is_down = False
        assert before["uness-session"] == inside.cookies["uness-session"]
        inside.visit("/private")
        assert "Bonjour" in inside.text

    @pytest.mark.parametrize("path", ["/who", "/later"])
    def test_of_the_accounts(self, portal: Portal, path: str) -> None:
        """
        Where nobody can say whether an account is over, Django's own session signs
        nobody in.
        """
        client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        client.force_login(USER.objects.create_user("nadia", NADIA))
        broken = Broken(portal.auth.provisioning.accounts)
        stores = attrs.evolve(DjangoStorage().stores, accounts=broken)
        with override_settings(
            UNESS_AUTH={**settings.UNESS_AUTH, "STORES": lambda: stores}
        ):
            assert "nadia" in client.get(path).content.decode()
            broken.is_down = True
            answer = client.get(path)

        assert 503 == answer.status_code
        assert "nadia" not in answer.content.decode()

    def test_while_a_middleware_asks(
        self, inside: DjangoBrowser, broken: Broken
    ) -> None:
        """
        Also where no view was reached yet.
        """
        with override_settings(MIDDLEWARE=kit.middleware(LOGIN_REQUIRED)):
            broken.is_down = True
            client = Client(raise_request_exception=False, SERVER_NAME="localhost")
            answer = client.get("/who", headers={"cookie": cookies_of(inside)})

        assert 503 == answer.status_code

    def test_of_something_else(self, inside: DjangoBrowser) -> None:
        """
        Other faults are the project's own.
        """
        one = SignInMiddleware(lambda _request: None)

        assert one.process_exception(RequestFactory().get("/"), ValueError()) is None

    def test_after_the_account_was_closed(
        self, portal: Portal, inside: DjangoBrowser
    ) -> None:
        """
        A sign-in that ends in the same moment tells Django nothing.
        """
        heard: list[object] = []

        def hear(**_more: object) -> None:
            heard.append(1)
            portal.auth.provisioning.sign_out(CAMILLE)

        signals[EventKind.SIGNED_IN].connect(hear)
        browser = portal.browse()
        sign_in(browser, CAMILLE, PASSWORD)
        signals[EventKind.SIGNED_IN].disconnect(hear)

        assert [1] == heard
        browser.visit("/who")
        assert "AnonymousUser" in browser.text


class TestSetUp:
    def test_without_djangos_middleware(self, portal: Portal) -> None:
        """
        Without Django's own before it, it says so.
        """
        one = SignInMiddleware(lambda _request: None)

        with pytest.raises(ConfigurationError, match="AuthenticationMiddleware"):
            _ = one(RequestFactory().get("/"))

    def test_a_server_starts_with_a_right_set_up_alone(self) -> None:
        """
        What is wrong is told when the middleware is made, before any request.
        """
        with (
            override_settings(UNESS_AUTH={}),
            pytest.raises(ConfigurationError, match="BASE_URL"),
        ):
            _ = SignInMiddleware(lambda _request: None)


class TestPages:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/auth/", 200),
            ("HEAD", "/auth/", 200),
            ("GET", "/auth//", 404),
            ("GET", "/auth/nothing", 404),
            ("GET", "/auth/static/%0Anothing%0A", 404),
            ("POST", "/auth/nothing", 404),
            ("GET", "/auth/password", 303),
            ("PUT", "/auth/", 405),
            ("OPTIONS", "/auth/", 405),
            ("FOO", "/auth/", 405),
            ("POST", "/auth/", 415),
            ("GET", "/auth/static/nothing.css", 404),
            ("GET", "/auth/link/x", 404),
            ("GET", "/auth/link/x%0A", 404),
        ],
    )
    def test_every_answer_has_the_headers(
        self, portal: Portal, method: str, path: str, status: int
    ) -> None:
        """
        P44: pages, redirects and errors.
        """
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        answer = client.generic(method, path)
        headers = {name: value for name, value in answer.items() if name != "Vary"}

        assert status == answer.status_code
        assert set(SECURITY_HEADERS) - {("Vary", "Cookie")} <= set(headers.items())
        assert "Cookie" in answer["Vary"]

    def test_a_token_of_any_kind(self, portal: Portal) -> None:
        """
        Line breaks too: what stands where a token stands is told to be none.
        """
        answer = Client(SERVER_NAME="localhost").get("/auth/link/x%0Ay/z%0A")

        assert "<title>Lien incomplet" in answer.content.decode()

    def test_answers_that_are_not_ours(self, portal: Portal) -> None:
        """
        What another middleware answers below our path has the headers too.
        """
        with override_settings(
            MIDDLEWARE=kit.middleware("tests.adapters.django.test_django.teapot")
        ):
            answer = Client(SERVER_NAME="localhost").get("/auth/")

        assert 418 == answer.status_code
        assert "DENY" == answer["X-Frame-Options"]

    def test_static_files_are_cached_for_ever(self, inside: DjangoBrowser) -> None:
        """
        The same for everybody, whatever cookies say.
        """
        inside.visit("/private")
        url = re.findall(r"/auth/static/uness.css\S+", inside.text)[0]
        with override_settings(MIDDLEWARE=kit.middleware(LOGIN_REQUIRED)):
            browser = DjangoBrowser()
            browser.cookies = inside.cookies
            browser.visit(url)
        assert "public, max-age=31536000, immutable" == browser.reply.header(
            "Cache-Control"
        )
        assert "Cookie" not in browser.reply.header("Vary")
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        assert 404 == client.post("/auth/static/uness.css").status_code

    def test_a_link_sets_no_cookie(self, portal: Portal) -> None:
        """
        A link is opened anywhere, and by scanners.
        """
        portal.add()
        start(portal.browse(), CAMILLE)
        client = Client(SERVER_NAME="localhost")
        answer = client.get(portal.mailbox.link(CAMILLE))

        assert 200 == answer.status_code
        assert [] == list(answer.cookies)

    def test_overridden(self, portal: Portal, tmp_path: Path) -> None:
        """
        A project's template stands in for ours, in Django's own language, and asks
        what the project's templates ask.
        """
        (tmp_path / "uness_auth").mkdir()
        (tmp_path / "uness_auth" / "base.html").write_text(
            '{% extends "uness_auth/layout.html" %}{% load i18n %}'
            "{% block footer %}{% url 'admin:index' %} {{ user }} "
            "{% get_current_language as code %}{{ code }}{% endblock footer %}"
        )
        [engine] = settings.TEMPLATES
        for debug in (False, True):
            with override_settings(
                TEMPLATES=[{**engine, "DIRS": [tmp_path]}], DEBUG=debug
            ):
                text = Client(SERVER_NAME="localhost").get("/auth/").content.decode()

                assert "/admin/ AnonymousUser fr" in text

    @pytest.mark.parametrize(
        "backend", ["django.template.backends.jinja2.Jinja2", None]
    )
    def test_without_djangos_engine(self, portal: Portal, backend: str | None) -> None:
        """
        A project whose own templates are Jinja's, or none, has our pages too.
        """
        engines = [] if backend is None else [{"BACKEND": backend}]
        with override_settings(TEMPLATES=engines):
            answer = Client(SERVER_NAME="localhost").get("/auth/")

        assert "Bienvenue" in answer.content.decode()

    def test_own_loaders(self, portal: Portal) -> None:
        """
        A project that names its loaders keeps them.
        """
        loader = (
            "django.template.loaders.locmem.Loader",
            {"uness_auth/base.html": "x"},
        )
        with override_settings(
            TEMPLATES=[
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "OPTIONS": {"loaders": [loader]},
                }
            ]
        ):
            answer = Client(SERVER_NAME="localhost").get("/auth/")

        assert "x" == answer.content.decode()

    def test_language(self, portal: Portal) -> None:
        """
        `LocaleMiddleware` decides, by its cookie too; without it `LANGUAGE_CODE`.
        """
        client = Client(SERVER_NAME="localhost")
        client.cookies["django_language"] = "en"
        assert "Welcome" in client.get("/auth/").content.decode()
        translation.deactivate()
        with override_settings(MIDDLEWARE=_without_locale()):
            client = Client(SERVER_NAME="localhost")
            headers = {"accept-language": "en"}
            french = client.get("/auth/", headers=headers).content.decode()

        assert "Bienvenue" in french

    def test_well_known(self, portal: Portal) -> None:
        """
        The documented line leads password managers to us.
        """
        answer = Client(SERVER_NAME="localhost").get("/.well-known/change-password")

        assert reverse("uness_auth:account_password") == answer["Location"]


def _without_locale() -> list[str]:
    return [one for one in kit.middleware() if "Locale" not in one]


def teapot(_get_response: object) -> Callable[[Any], Any]:
    """
    A middleware that answers everything itself.
    """
    from django.http import HttpResponse  # noqa: PLC0415 - here alone

    return lambda _request: HttpResponse(status=418)


class TestForms:
    def test_trusted_origins(self, portal: Portal) -> None:
        """
        Which origins may post is Django's setting.
        """
        browser = portal.browse()
        assert isinstance(browser, DjangoBrowser)
        browser.visit("/auth/")
        csrf = re.findall(
            'name="csrfmiddlewaretoken" value="([^"]+)"', browser.reply.body
        )
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        body = f"csrfmiddlewaretoken={csrf[0]}&email=personne@univ-exemple.fr".encode()
        headers = {
            "Content-Type": FORM,
            "Cookie": cookies_of(browser),
            "Origin": "https://front.example.fr",
        }
        refused = send_to(client, "POST", "/auth/", body, headers)
        with override_settings(CSRF_TRUSTED_ORIGINS=["https://front.example.fr"]):
            client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
            taken = send_to(client, "POST", "/auth/", body, headers)

        assert (403, 422) == (refused.status_code, taken.status_code)
        assert "DENY" == refused["X-Frame-Options"]
        assert 'name="csrfmiddlewaretoken"' in taken.content.decode()

    @pytest.mark.usefixtures("portal")
    def test_another_site_takes_no_cookie_away(self) -> None:
        """
        What it posts comes without cookies: Django's are not replaced either (P47).
        """
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        headers = {"Content-Type": FORM, "Origin": "https://evil.example"}

        refused = send_to(client, "POST", "/auth/", b"email=a", headers)

        assert 403 == refused.status_code
        assert {} == dict(refused.cookies)

    def test_the_value_changes_with_the_person(self, inside: DjangoBrowser) -> None:
        """
        A form of before the sign-in, or of before the sign-out, is refused after it.
        """
        first = inside.cookies["csrftoken"]
        inside.visit("/private")
        inside.press("Se déconnecter")

        assert first != inside.cookies["csrftoken"]

    @pytest.mark.parametrize("how", ["POST", "body"])
    def test_a_body_that_was_read_before(
        self, portal: Portal, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A middleware that reads bodies takes no form away.
        """
        monkeypatch.setattr(Reader, "how", how)
        with override_settings(
            MIDDLEWARE=kit.middleware("tests.adapters.django.test_django.Reader")
        ):
            browser = portal.add_with_password()
            sign_in(browser, CAMILLE, PASSWORD)
            browser.visit("/private")
            assert "Bonjour Camille Durand" in browser.text
            client = Client(SERVER_NAME="localhost")
            answer = client.post("/auth/", "email=a&email=b", content_type=FORM)

        assert 400 == answer.status_code

    def test_a_body_that_is_too_large(self, portal: Portal) -> None:
        """
        Whatever Django's own limits are, ours is smaller.
        """
        client = Client(SERVER_NAME="localhost")
        answer = client.post("/auth/", "email=" + "a" * 20_000, content_type=FORM)

        assert 413 == answer.status_code

    def test_a_client_that_is_gone(self, portal: Portal) -> None:
        """
        A body that breaks off is no form.
        """

        class Gone(BytesIO):
            def read(self, _size: int | None = -1, /) -> bytes:
                raise OSError

        environ: dict[str, Any] = {"wsgi.input": Gone(), "CONTENT_LENGTH": "9"}
        request = RequestFactory(**environ).generic("POST", "/auth/")

        assert FormFault.MALFORMED == read_fields(request_from(request).read(10))

    @pytest.mark.parametrize(
        ("length", "is_whole"), [("9", True), ("10", False), ("", True), ("x", True)]
    )
    def test_less_than_was_said(
        self, portal: Portal, length: str, is_whole: bool
    ) -> None:
        """
        A body that is shorter than it says is no form: half of one is no attempt.
        """
        environ: dict[str, Any] = {"wsgi.input": BytesIO(b"email=a.b")}
        request = RequestFactory(**environ).generic("POST", "/auth/")
        # Where nobody says how long it is, Django takes it for empty.
        stream: Any = LimitedStream(environ["wsgi.input"], 9)
        request._stream = stream  # noqa: SLF001 - as its server would
        request.META["CONTENT_LENGTH"] = length
        read = read_fields(request_from(request).read(100))

        assert ({"email": "a.b"} if is_whole else FormFault.MALFORMED) == read


class Reader:
    """
    A middleware that reads every body.
    """

    how = "POST"

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        """
        Read, and go on.
        """
        getattr(request, self.how)
        return self._get_response(request)


class TestSecrets:
    def test_reports_hold_none(
        self, portal: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A fault of ours is reported without token, fields and variables.
        """
        portal.add()
        start(portal.browse(), CAMILLE)
        link = portal.mailbox.link(CAMILLE)
        token = link.rpartition("/")[2]
        reports: list[str] = []

        class Keeping(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                from django.views.debug import ExceptionReporter  # noqa: PLC0415

                request = getattr(record, "request", None)
                if record.exc_info and request is not None:
                    reporter = ExceptionReporter(request, *record.exc_info)
                    reports.append(reporter.get_traceback_html())
                    reports.append(reporter.get_traceback_text())
                reports.append(record.getMessage())

        def fail(*_args: object, **_more: object) -> None:
            msg = "a fault of ours"
            raise ZeroDivisionError(msg)

        monkeypatch.setattr(
            type(get_auth().password_link), "set_password", fail, raising=True
        )
        handler = Keeping()
        logging.getLogger("django.request").addHandler(handler)
        client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        answer = client.post(
            link, f"password={PASSWORD}&confirmation={PASSWORD}", content_type=FORM
        )
        logging.getLogger("django.request").removeHandler(handler)

        assert 500 == answer.status_code
        assert len(reports) == 3
        assert all("/link/[masked]" in one for one in reports)
        for report in reports:
            assert token not in report
            assert PASSWORD not in report
            assert PASSWORD.replace("+", "%2B") not in report

    def test_logs_hold_none(
        self, portal: Portal, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Django's own log of requests has no line with a link in it.
        """
        client = Client(SERVER_NAME="localhost")
        client.get("/auth/link/abcdef.ghijkl")

        assert "abcdef" not in caplog.text


class TestTransactions:
    def test_attempts_are_kept(
        self, portal: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Under `ATOMIC_REQUESTS` our pages run outside of the request's transaction.
        """
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        browser = portal.add_with_password()
        sign_in(browser, CAMILLE, OTHER_PASSWORD)
        assert "Ce mot de passe n'est pas le bon." in browser.text
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")

        assert "Bonjour Camille Durand" in browser.text

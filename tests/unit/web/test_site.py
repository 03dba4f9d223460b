"""
What holds for every route: headers, methods, forms, languages, and the pages beside.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlencode

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import Site, UnessAuth
from uness_auth.outcomes import NotSignedIn, Resumed, SignInVetoed
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, Outbox
from uness_auth.web.http import SECURITY_HEADERS, Answer, Page, Request
from uness_auth.web.routes import ROUTES, Route
from uness_auth.web.site import SignInSite
from uness_auth.web.views import IdentifyView


if TYPE_CHECKING:
    from tests.unit.web.conftest import Browser, Portal

CAMILLE = "camille.durand@univ-exemple.fr"
NADIA = "nadia.benali@chu-exemple.fr"
NOBODY = "personne@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
OTHER_PASSWORD = "Pile-Correcte8"
MINUTE = timedelta(minutes=1)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")

Make = Callable[..., "Portal"]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


class TestHeaders:
    @every_route
    @pytest.mark.parametrize("method", METHODS)
    def test_on_every_answer(self, portal: Portal, route: Route, method: str) -> None:
        """
        P44: whatever is asked of any page, the security headers are there.
        """
        browser = portal.browser()
        answer = browser.send(route.name, method=method, token="x")

        assert set(SECURITY_HEADERS) <= set(answer.headers)
        assert answer.status in {200, 303, 403, 404, 405, 422}

    @every_route
    def test_no_cookie_leaves_without_its_attributes(
        self, portal: Portal, route: Route
    ) -> None:
        """
        A fresh browser gets its cookie with any answer, and nothing else; from a link,
        which works without, not even that.
        """
        answer = portal.browser().send(route.name, method="GET", token="x")

        expected = [] if route.name == "link" else [("uness-browser", False)]
        assert expected == [
            (cookie.name, cookie.is_secure) for cookie in answer.cookies
        ]

    def test_on_pages_of_no_route(self, portal: Portal) -> None:
        """
        What does not exist, and a store that fails outside our pages, have them too.
        """
        request = Request(method="GET", path="/auth/no/such")

        for page, status in (
            (portal.site.not_found(request), 404),
            (portal.site.store_failed(request), 503),
        ):
            assert status == page.status
            assert set(SECURITY_HEADERS) <= set(page.headers)


class TestMethods:
    @every_route
    @pytest.mark.parametrize("method", [*METHODS[3:], "get", "", "\x00"])
    def test_unknown_ones(self, portal: Portal, route: Route, method: str) -> None:
        """
        405, naming those there are; the body is not read.
        """

        def read(_limit: int) -> bytes:
            pytest.fail("the body was read")

        request = Request(method=method, path="/", read=read)
        answer = portal.site.answer(route, request, token="x")

        assert 405 == answer.status
        assert ", ".join(route.methods) == dict(answer.headers)["Allow"]

    def test_a_page_that_takes_no_form(self, portal: Portal) -> None:
        """
        The goodbye is only looked at.
        """
        answer = portal.browser().send("signed_out", method="POST")

        assert "GET, HEAD" == dict(answer.headers)["Allow"]


def signed_in_with_open_ends(portal: Portal) -> tuple[Browser, str]:
    """
    A browser that is signed in, beside an unused link and an unused code.
    """
    browser = portal.add_with_password()
    portal.clock.tick(2 * MINUTE)
    browser.identify()
    browser.post("ask_link", username=CAMILLE)
    browser.identify()
    browser.post("ask_code", username=CAMILLE)
    browser.sign_in()
    return browser, portal.token()


class TestGet:
    @every_route
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("query", ["", "next=/private", "email=a@b.fr&password=x"])
    def test_changes_nothing(
        self, portal: Portal, route: Route, method: str, query: str
    ) -> None:
        """
        P48: looking at a page, signed in or not, leaves every store as it was, but for
        when a session was last used, and sends no mail.
        """
        browser, token = signed_in_with_open_ends(portal)
        portal.clock.tick(5 * MINUTE)
        before, mails = portal.contents(), len(portal.outbox.messages)

        browser.send(route.name, method=method, query=query, token=token)
        portal.browser().send(route.name, method=method, query=query, token=token)

        assert before == portal.contents()
        assert mails == len(portal.outbox.messages)
        assert browser.account is not None

    def test_a_form_in_the_address(self, portal: Portal) -> None:
        """
        P48: a sign-in cannot be written into an address.
        """
        browser = portal.add_with_password()
        browser.identify()
        fields = f"csrf={browser.view.csrf_value}&username={quote(CAMILLE)}"
        query = f"{fields}&password={quote(PASSWORD)}"
        browser.get("password", query=query)

        assert "/auth/" == browser.page
        browser.send("password", method="POST", query=query)
        assert 403 == browser.answer.status if browser.answer else False
        assert browser.account is None


class TestForms:
    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            (b"email=a&email=b", None, 400),
            (b"email=%ff", None, 400),
            (b"x" * 20_000, None, 413),
            (b"{}", "application/json", 415),
            (b"", "multipart/form-data; boundary=x", 415),
            (b"email=a", "text/plain", 415),
        ],
    )
    def test_what_is_none(
        self, portal: Portal, body: bytes, content_type: str | None, status: int
    ) -> None:
        """
        It is refused before a flow hears of it.
        """
        browser = portal.browser()
        browser.get("identify")
        before = portal.contents()
        if content_type:
            browser.headers["content-type"] = content_type
        answer = browser.send("identify", method="POST", body=body)

        assert (status, "bad-request") == (answer.status, browser.page)
        assert before == portal.contents()

    @given(st.sampled_from(ROUTES), st.sampled_from(METHODS), st.data())
    def test_anything(self, route: Route, method: str, data: st.DataObject) -> None:
        """
        No request raises, and every answer has its headers.
        """
        token, query, cookie, forwarded = data.draw(
            st.tuples(*[st.text(max_size=40)] * 4)
        )
        body = data.draw(st.binary(max_size=100))
        auth = UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=MemoryStorage().stores,
            mailer=Outbox(),
            hashing=FastHashing(),
            trusted_proxies=1,
        )
        request = Request(
            method=method,
            path="/",
            query=query,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "cookie": cookie,
                "x-forwarded-for": forwarded,
                "accept-language": query,
            },
            peer=forwarded,
            read=lambda limit: body[:limit],
        )
        answer = SignInSite(auth).answer(route, request, token=token)

        assert answer.status in {200, 303, 400, 403, 404, 405, 413, 415, 422}
        assert set(SECURITY_HEADERS) <= set(answer.headers)


class TestLanguages:
    @pytest.mark.parametrize(
        ("header", "language"), [("en", "en"), ("fr", "fr"), ("de", "fr"), ("", "fr")]
    )
    def test_of_the_browser(self, portal: Portal, header: str, language: str) -> None:
        """
        Pages speak what the browser prefers, stops too.
        """
        browser = portal.browser(accept_language=header)
        browser.get("identify")
        assert language == browser.view.frame.language
        browser.send("identify", method="PUT")
        assert language == browser.view.frame.language

    def test_of_the_site(self, make_portal: Make) -> None:
        """
        A site of one language speaks no other, whatever browser or account wish.
        """
        site = Site(base_url="http://localhost", languages=("fr",))
        portal = make_portal(site=site)
        portal.add(language="en")
        browser = portal.browser(accept_language="en")
        browser.identify()
        assert "fr" == browser.view.frame.language
        browser.get("link", token=portal.token())
        assert "fr" == browser.view.frame.language


class TestResume:
    def test_who_is_signed_in(self, portal: Portal) -> None:
        """
        The session's account, or nobody.
        """
        browser = portal.add_with_password()
        assert isinstance(portal.site.resume(browser.request()), NotSignedIn)
        browser.sign_in()
        resumed = portal.site.resume(browser.request())

        assert isinstance(resumed, Resumed)
        assert CAMILLE == resumed.account.address


class TestSignIn:
    def test_without_our_pages(self, portal: Portal) -> None:
        """
        Whom the host knows by other means gets all cookies; an older session ends.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        before = browser.request()
        account = browser.account
        assert account is not None
        cookies = portal.site.sign_in(account, before, method="host")
        assert isinstance(cookies, tuple)
        header = f"uness-session={cookies[0].cookie_value}"
        after = Request(method="GET", path="/", headers={"cookie": header})

        assert ["uness-session", "uness-device", "uness-browser"] == [
            one.name for one in cookies
        ]
        assert isinstance(portal.site.resume(after), Resumed)
        assert isinstance(portal.site.resume(before), NotSignedIn)

    def test_vetoed(self, make_portal: Make) -> None:
        """
        The host's veto holds here too.
        """
        portal = make_portal(may_sign_in=lambda _account: False)
        account = portal.add()
        request = Request(method="GET", path="/")
        answer = portal.site.sign_in(account, request, method="host")

        assert isinstance(answer, SignInVetoed)


class TestSignOut:
    def test_without_our_pages(self, portal: Portal) -> None:
        """
        The session is closed, and both cookies are to be set anew.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        request = browser.request()
        cookies = portal.site.sign_out(request)

        assert [("uness-session", True), ("uness-browser", False)] == [
            (one.name, one.cookie_value == "") for one in cookies
        ]
        assert isinstance(portal.site.resume(request), NotSignedIn)


class Theirs:
    """
    A guard of the framework's own, which takes one value.
    """

    field = "theirs"

    def make(self) -> str:
        """
        Return the value.
        """
        return "let me in"

    def is_ours(self, value: str, /) -> bool:
        """
        Compare.
        """
        return value == self.make()


class TestGuard:
    @pytest.mark.parametrize(
        ("sent", "status"),
        [({"theirs": "let me in"}, 422), ({"theirs": "x"}, 403), ({}, 403)],
    )
    def test_of_the_frameworks_own(
        self, portal: Portal, sent: dict[str, str], status: int
    ) -> None:
        """
        It names the field, makes the value and judges what comes back.
        """
        browser = portal.browser()
        browser.get("identify")
        route = browser.route("identify")
        page = portal.site.answer(route, browser.request(method="GET"), guard=Theirs())
        assert isinstance(page, Page)
        view = cast("IdentifyView", page.view)
        assert ("theirs", "let me in") == (view.csrf_name, view.csrf_value)
        body = urlencode({"email": NOBODY, **sent}).encode()
        request = browser.request(method="POST", body=body)

        assert status == portal.site.answer(route, request, guard=Theirs()).status

    def test_which_trusts_another_origin(self, portal: Portal) -> None:
        """
        A form that it takes from elsewhere is answered as ours are: with a value, and
        the browser cookie.
        """
        browser = portal.browser(origin="https://front.example.fr")
        route = browser.route("identify")

        def answer_to(value: str) -> Answer:
            body = urlencode({"email": NOBODY, "theirs": value}).encode()
            request = browser.request(method="POST", body=body)
            return portal.site.answer(route, request, guard=Theirs())

        refused, taken = answer_to("x"), answer_to("let me in")
        assert () == refused.cookies
        assert ["uness-browser"] == [one.name for one in taken.cookies]
        assert isinstance(taken, Page)
        assert "let me in" == cast("IdentifyView", taken.view).csrf_value

    def test_in_the_form_for_the_hosts_own_pages(self, portal: Portal) -> None:
        """
        « Se déconnecter » carries its field.
        """
        form = portal.site.sign_out_form(portal.browser().request(), guard=Theirs())

        assert ("theirs", "let me in") == (form.csrf_name, form.csrf_value)


class TestSignOutForm:
    def test_for_the_hosts_own_pages(self, portal: Portal) -> None:
        """
        One button, in the visitor's language, to our own page.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        form = portal.site.sign_out_form(browser.request())

        assert ("/auth/sign-out", "Se déconnecter") == (form.action, form.submit)
        assert form.csrf_value not in repr(form)

    def test_is_one_visitors_own(self, portal: Portal) -> None:
        """
        It signs nobody else out.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        other = portal.browser()
        other.sign_in()
        other.answer = Page(
            template="", view=portal.site.sign_out_form(browser.request())
        )

        assert 403 == other.post("sign_out").status
        assert other.account is not None


class TestWaysOfTheAccount:
    def test_paths(self, portal: Portal, make_portal: Make) -> None:
        """
        Both pages have their path; that of the sessions only where they are listed.
        """
        stores = attrs.evolve(MemoryStorage().stores, session_lists=None)

        assert "/auth/account/password" == portal.site.password_path
        assert "/auth/account/sessions" == portal.site.sessions_path
        assert "" == make_portal(stores=stores).site.sessions_path


class TestWayTo:
    @pytest.mark.parametrize(
        ("minutes", "recent", "expected"),
        [
            (0, False, ""),
            (0, True, ""),
            (11, False, ""),
            (11, True, "http://localhost/auth/again?next=%2Fprivate"),
        ],
    )
    def test_whoever_is_signed_in(
        self, portal: Portal, minutes: int, recent: bool, expected: str
    ) -> None:
        """
        May enter, unless they have to prove again who they are.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        portal.clock.tick(timedelta(minutes=minutes))
        found = portal.site.resume(browser.request())

        assert expected == portal.site.way_to(found, "/private", recent=recent)

    @pytest.mark.parametrize("recent", [False, True])
    def test_a_stranger(self, portal: Portal, recent: bool) -> None:
        """
        Signs in, and comes back, if there is somewhere to come back to.
        """
        found = NotSignedIn()

        assert "http://localhost/auth/" == portal.site.way_to(found, "", recent=recent)
        assert "http://localhost/auth/?next=%2Fa%3Fb" == portal.site.way_to(
            found, "/a?b", recent=recent
        )

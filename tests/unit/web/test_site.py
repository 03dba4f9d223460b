"""
The whole sign-in, end to end, without a framework: what must hold across its steps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import Policy, Site, UnessAuth
from uness_auth.errors import StorageError
from uness_auth.model import MailOrder
from uness_auth.outcomes import NotSignedIn, Resumed
from uness_auth.policy import Budget, ThrottlePolicy
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, Outbox
from uness_auth.web.http import SECURITY_HEADERS, Page, Redirect, Request
from uness_auth.web.routes import ROUTES, Route
from uness_auth.web.site import SignInSite


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


class Orders:
    """
    A queue that keeps what it is given until it is told to deliver.
    """

    def __init__(self) -> None:
        self.waiting: list[MailOrder] = []

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order*.
        """
        self.waiting.append(order)


class Down:
    """
    A store that cannot be reached.
    """

    for_development_only: ClassVar[bool] = True

    def __getattr__(self, name: str) -> Any:
        """
        Fail, whatever is asked.
        """
        if name.startswith("_") or name == "joins":
            raise AttributeError(name)

        def fail(*_arguments: object) -> None:
            raise StorageError(name)

        return fail


class TestTutorial:
    def test_every_screen(self, portal: Portal) -> None:
        """
        S1 to S9 in one walk, for one account.
        """
        portal.add()
        browser = portal.browser()
        seen = []

        def note() -> None:
            seen.append(browser.page)

        browser.get("identify")
        note()
        browser.post("identify", email=NOBODY)
        note()
        browser.post("identify", email=CAMILLE)
        note()
        token = portal.token()
        browser.get("link", token=token)
        note()
        browser.post("link", token=token, password="court", confirmation="autre")
        note()
        browser.post("link", token=token, password=PASSWORD, confirmation=PASSWORD)
        note()
        browser.identify()
        note()
        browser.post("password", username=CAMILLE, password=OTHER_PASSWORD)
        note()
        browser.post("ask_code", username=CAMILLE)
        note()
        challenge = browser.view.challenge
        browser.post("confirm_code", challenge=challenge, code="1")
        note()
        browser.post(
            "confirm_code", challenge=challenge, code=portal.outbox.code(CAMILLE)
        )
        note()
        browser.sign_out()
        note()
        browser.get("signed_out")
        note()

        assert [
            "identify",
            "identify",
            "link-sent",
            "password-link",
            "password-link",
            "created",
            "password-sign-in",
            "password-sign-in",
            "code-sign-in",
            "code-sign-in",
            "/",
            "/auth/signed-out",
            "signed-out",
        ] == seen


class TestHeaders:
    @every_route
    @pytest.mark.parametrize("method", METHODS)
    def test_on_every_answer(self, portal: Portal, route: Route, method: str) -> None:
        """
        Whatever is asked of any page, the security headers are there (P44).
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
        A fresh browser gets its cookie with any answer, and nothing else.
        """
        answer = portal.browser().send(route.name, method="GET", token="x")

        assert [("uness-browser", False)] == [
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
        Looking at a page, signed in or not, leaves every store as it was, but for when
        a session was last used, and sends no mail (P48).
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
        A sign-in cannot be written into an address.
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


class TestOrder:
    STEPS: ClassVar = ("ask_link", "password", "ask_code", "confirm_code", "link")

    @pytest.mark.parametrize("name", STEPS)
    def test_a_step_without_those_before(self, portal: Portal, name: str) -> None:
        """
        A form sent by somebody who saw no page is refused, or leads back; nobody is
        signed in and nothing is set (P10).
        """
        portal.add_with_password()
        before = portal.contents()["accounts"]
        browser = portal.browser()
        answer = browser.post(
            name,
            token="f" * 60,
            username=CAMILLE,
            password=PASSWORD,
            confirmation=PASSWORD,
            code="123456",
            challenge="0" * 32,
        )

        assert answer.status in {403, 404}
        assert browser.account is None
        assert before == portal.contents()["accounts"]

    @pytest.mark.parametrize("name", STEPS)
    def test_a_step_after_s1_alone(self, portal: Portal, name: str) -> None:
        """
        With S1's own CSRF value but nothing that a later step carries: back to S1, or
        a page that says what is missing.
        """
        portal.add_with_password()
        browser = portal.browser()
        browser.get("identify")
        browser.post(name, token="x")

        assert browser.page in {"identify", "code-sign-in", "gone", "invalid"}
        assert browser.account is None

    def test_the_back_button(self, portal: Portal) -> None:
        """
        A page one went back to still works, as long as nobody signed in since.
        """
        browser = portal.add_with_password()
        browser.identify()
        s7 = browser.answer
        browser.post("ask_code", username=CAMILLE)
        browser.answer = s7
        browser.post("password", username=CAMILLE, password=PASSWORD)

        assert "/" == browser.page

    def test_the_back_button_after_the_sign_in(self, portal: Portal) -> None:
        """
        A page from before the sign-in is too old, and says so; the session stays.
        """
        browser = portal.add_with_password()
        browser.identify()
        s7 = browser.answer
        browser.post("password", username=CAMILLE, password=PASSWORD)
        browser.answer = s7
        answer = browser.post("password", username=CAMILLE, password=OTHER_PASSWORD)

        assert (403, "csrf") == (answer.status, browser.page)
        assert browser.account is not None

    def test_a_form_sent_twice(self, portal: Portal) -> None:
        """
        A double click signs in once, and harms nothing.
        """
        browser = portal.add_with_password()
        browser.identify()
        s7, cookies = browser.answer, dict(browser.cookies)
        browser.post("password", username=CAMILLE, password=PASSWORD)
        browser.answer, browser.cookies = s7, cookies
        browser.post("password", username=CAMILLE, password=PASSWORD)

        assert "/" == browser.page
        account = browser.account
        assert account is not None
        assert CAMILLE == account.address


class TestTwoTabs:
    def test_never_mix(self, portal: Portal) -> None:
        """
        Each tab signs in, and gets the mail of, the address that it shows.
        """
        portal.add_with_password(NADIA, password=OTHER_PASSWORD)
        browser = portal.add_with_password()
        browser.identify(NADIA)
        nadias = browser.answer
        browser.identify(CAMILLE)
        camilles = browser.answer
        browser.answer = nadias
        assert NADIA == browser.view.username

        browser.post(
            "password", username=browser.view.username, password=OTHER_PASSWORD
        )
        account = browser.account
        assert account is not None
        assert NADIA == account.address

        browser.answer = camilles
        browser.post("password", username=CAMILLE, password=PASSWORD)
        assert "csrf" == browser.page
        account = browser.account
        assert account is not None
        assert NADIA == account.address

    def test_two_codes(self, portal: Portal) -> None:
        """
        A code works on the page that asked for it, and on no other.
        """
        portal.add_with_password(NADIA)
        browser = portal.add_with_password()
        browser.identify(NADIA)
        browser.post("ask_code", username=NADIA)
        nadias = browser.view.challenge
        browser.identify(CAMILLE)
        browser.post("ask_code", username=CAMILLE)
        camilles = browser.view.challenge

        code = portal.outbox.code(NADIA)
        browser.post("confirm_code", challenge=camilles, code=code)
        assert browser.account is None
        browser.post("confirm_code", challenge=nadias, code=code)
        account = browser.account
        assert account is not None
        assert NADIA == account.address


class TestNext:
    PATH: ClassVar = "/private?tab=2#part"

    def test_kept_to_the_password(self, portal: Portal) -> None:
        """
        Through S1, S2, S7 and a wrong password to the page that was asked for.
        """
        browser = portal.add_with_password()
        browser.get("identify", query=f"next={quote(self.PATH)}")
        browser.post("identify", email=NOBODY)
        browser.post("identify", email=CAMILLE)
        browser.post("password", username=CAMILLE, password=OTHER_PASSWORD)
        browser.post("password", username=CAMILLE, password=PASSWORD)

        assert self.PATH == browser.page

    def test_kept_to_the_code(self, portal: Portal) -> None:
        """
        Through S8, asking again and a wrong code.
        """
        browser = portal.add_with_password()
        browser.identify(query=f"next={quote(self.PATH)}")
        browser.post("ask_code", username=CAMILLE)
        challenge = browser.view.challenge
        browser.post("ask_code", challenge=challenge)
        browser.post("confirm_code", challenge=challenge, code="1")
        browser.post(
            "confirm_code", challenge=challenge, code=portal.outbox.code(CAMILLE)
        )

        assert self.PATH == browser.page

    def test_kept_on_the_way_back(self, portal: Portal) -> None:
        """
        « Changer », « Annuler » and the wait lead to S1 with it.
        """
        browser = portal.add_with_password()
        browser.identify(query=f"next={quote(self.PATH)}")

        assert f"/auth/?next={quote(self.PATH)}" == browser.view.change_url
        browser.post("ask_code", username=CAMILLE)
        assert f"/auth/?next={quote(self.PATH)}" == browser.view.cancel_url

    @pytest.mark.parametrize(
        "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb"]
    )
    def test_never_to_another_site(self, portal: Portal, path: str) -> None:
        """
        In the address or in the form: home instead (P49).
        """
        browser = portal.add_with_password()
        browser.identify(query=f"next={quote(path)}")
        assert "" == browser.view.next
        browser.post("password", username=CAMILLE, password=PASSWORD, next=path)

        assert "/" == browser.page


class TestFixation:
    def test_every_cookie_changes(self, portal: Portal) -> None:
        """
        Nothing that the browser had before is worth anything after (P40).
        """
        browser = portal.add_with_password()
        browser.get("identify")
        planted = "s" * 43
        browser.cookies["uness-session"] = planted
        before = dict(browser.cookies)
        browser.sign_in()
        after = dict(browser.cookies)

        assert set(before) == set(after)
        assert set(before.values()).isdisjoint(after.values())
        browser.cookies = before
        assert browser.account is None

    def test_the_form_changes(self, portal: Portal) -> None:
        """
        What a page carried before the sign-in, or the sign-out, is refused after.
        """
        browser = portal.add_with_password()
        browser.get("identify")
        strangers = browser.view.csrf_value
        browser.sign_in()
        own = portal.site.sign_out_form(browser.request()).csrf_value

        def sign_out_with(value: str) -> int:
            body = f"csrf={value}".encode()
            return browser.send("sign_out", method="POST", body=body).status

        assert 403 == sign_out_with(strangers)
        assert browser.account is not None
        assert 303 == sign_out_with(own)
        assert 403 == sign_out_with(own)

    def test_the_session_before_is_closed(self, portal: Portal) -> None:
        """
        Signing in over a session ends it: a copy of its cookie opens nothing.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        first = dict(browser.cookies)
        browser.answer = Page(
            template="", view=portal.site.sign_out_form(browser.request())
        )
        browser.post("password", username=CAMILLE, password=PASSWORD)
        assert "/" == browser.page

        assert browser.account is not None
        assert 1 == len(rows(portal, "sessions"))
        browser.cookies = first
        assert browser.account is None


def rows(portal: Portal, name: str) -> dict[str, object]:
    """
    One of the stores.
    """
    found = portal.contents()[name]
    assert isinstance(found, dict)
    return found


class TestForgery:
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site", "origin": "http://localhost"},
        ],
    )
    def test_from_another_site(self, portal: Portal, headers: dict[str, str]) -> None:
        """
        The right value does not help where the browser names another site (P47).
        """
        browser = portal.add_with_password()
        browser.identify()
        for name, value in headers.items():
            browser.headers[name.replace("_", "-")] = value
        answer = browser.post("password", username=CAMILLE, password=PASSWORD)

        assert (403, "csrf") == (answer.status, browser.page)
        assert browser.account is None

    def test_another_browsers_form(self, portal: Portal) -> None:
        """
        An attacker's own form does not sign the victim in as the attacker.
        """
        attacker = portal.add_with_password()
        attacker.identify()
        victim = portal.browser()
        victim.get("identify")
        victim.answer = attacker.answer
        answer = victim.post("password", username=CAMILLE, password=PASSWORD)

        assert (403, "csrf") == (answer.status, victim.page)
        assert victim.account is None

    def test_no_cookies(self, portal: Portal) -> None:
        """
        Whose browser keeps no cookies is told so, on S1, with what was typed.
        """
        browser = portal.browser()
        browser.get("identify")
        browser.cookies.clear()
        answer = browser.post("identify", email=CAMILLE)

        assert (403, "identify") == (answer.status, browser.page)
        assert "cookies" in browser.view.alert.lead
        assert CAMILLE == browser.view.typed
        browser.cookies.clear()
        browser.post("password", username="a" * 5_000, password=PASSWORD)
        assert "a" * 254 == browser.view.typed

    def test_a_session_without_a_browser(self, portal: Portal) -> None:
        """
        Where only the browser cookie was lost, the host's form still signs out.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        del browser.cookies["uness-browser"]

        assert 303 == browser.sign_out().status


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


# --- One page for everybody -------------------------------------------------------


def masked(browser: Browser, address: str) -> str:
    """
    The last page, without what is random or the address itself.
    """
    answer = browser.answer
    if isinstance(answer, Redirect):
        return answer.location
    assert answer is not None
    view: dict[str, Any] = attrs.asdict(answer.view)  # type: ignore[arg-type]
    for name in ("csrf_value", "challenge"):
        view.pop(name, None)
    shown = json.dumps([answer.status, answer.template, answer.retry_after, view])
    return shown.replace(address, "{address}").replace(quote(address), "{address}")


def walk(portal: Portal, address: str) -> Iterator[str]:
    """
    Everything that somebody can try with an address and no mailbox.
    """
    browser = portal.browser()

    def look() -> str:
        return masked(browser, address)

    browser.identify(address)
    yield look()
    s7 = browser.answer
    for _ in range(2):
        browser.answer = s7
        browser.post("ask_link", username=address)
        yield look()
    browser.answer = s7
    browser.post("ask_code", username=address)
    yield look()
    challenge = browser.view.challenge
    for wait in (0, 60):
        portal.clock.tick(timedelta(seconds=wait))
        browser.post("ask_code", challenge=challenge, username=address)
        yield look()
    browser.post("confirm_code", challenge=challenge, username=address)
    yield look()
    portal.clock.tick(4 * MINUTE)
    browser.post("confirm_code", challenge=challenge, username=address, code="1")
    yield look()
    portal.clock.tick(-4 * MINUTE)
    for _ in range(6):
        browser.answer = s7
        browser.post("confirm_code", challenge=challenge, username=address, code="1")
        yield look()
    browser.answer = s7
    browser.post("ask_code", challenge=challenge, username=address)
    yield look()
    for password in ["", "a" * 2_000, *[OTHER_PASSWORD] * 5]:
        browser.answer = s7
        browser.post("password", username=address, password=password, any="yes")
        yield look()


class TestOnePageForEverybody:
    @pytest.fixture(name="portal", params=["strict", "past the network's budget"])
    def _portal(self, make_portal: Make, request: pytest.FixtureRequest) -> Portal:
        """
        A site that tells nobody whether there is an account.
        """
        queue = Orders()
        if request.param == "strict":
            return make_portal(policy=Policy.strict(), queue=queue)
        budget = Budget(1, timedelta(days=1))
        policy = Policy.uness(throttle=ThrottlePolicy(network_unknown=budget))
        portal = make_portal(policy=policy, queue=queue)
        portal.browser().identify(NOBODY)
        return portal

    @pytest.mark.parametrize("state", ["password", "none yet", "disabled"])
    def test_says_the_same(self, portal: Portal, state: str) -> None:
        """
        Every page that can be reached without the mailbox is the same, word for word
        and status for status, for an account in any state and for no account (P37).
        """
        account = portal.add()
        if state == "password":
            portal.storage.accounts.set_password(
                account.id, f"clear:{PASSWORD}", account.credential_version
            )
        elif state == "disabled":
            portal.auth.provisioning.disable(CAMILLE)
        start = portal.clock.now
        expected = list(walk(portal, "inconnu@univ-exemple.fr"))
        portal.clock.now = start

        assert expected == list(walk(portal, CAMILLE))

    def test_the_walk_sees_a_difference(self, make_portal: Make) -> None:
        """
        Where unknown addresses are told, the same walk tells them apart.
        """
        portal = make_portal()
        portal.add_with_password()
        browser = portal.browser()
        browser.identify(CAMILLE)
        known = masked(browser, CAMILLE)
        browser.identify(NOBODY)

        assert known != masked(browser, NOBODY)


# --- What is down -----------------------------------------------------------------


class TestStoreDown:
    @pytest.mark.parametrize(
        ("store", "name"),
        [
            ("accounts", "identify"),
            ("accounts", "ask_link"),
            ("accounts", "password"),
            ("accounts", "ask_code"),
            ("code_challenges", "ask_code"),
            ("code_challenges", "confirm_code"),
            ("sessions", "password"),
            ("counters", "identify"),
            ("counters", "ask_link"),
            ("counters", "password"),
            ("counters", "ask_code"),
            ("counters", "confirm_code"),
        ],
    )
    def test_fails_closed(self, make_portal: Make, store: str, name: str) -> None:
        """
        A step that needs a store that is down answers 503 with Retry-After, lets
        nobody in and mails nothing.
        """
        portal = make_portal()
        portal.add_with_password()
        portal.clock.tick(2 * MINUTE)
        broken = attrs.evolve(portal.storage.stores, **{store: Down()})
        browser = make_portal(stores=broken, mailer=portal.outbox).browser()
        browser.get("identify")
        mails = len(portal.outbox.messages)
        answer = browser.post(
            name,
            email=CAMILLE,
            username=CAMILLE,
            password=PASSWORD,
            code="123456",
        )

        assert (503, "store-failed") == (answer.status, browser.page)
        assert "30" == dict(answer.headers)["Retry-After"]
        assert set(SECURITY_HEADERS) <= set(answer.headers)
        assert "uness-session" not in browser.cookies
        assert mails == len(portal.outbox.messages)

    def test_nobody_is_taken_for_signed_in(self, make_portal: Make) -> None:
        """
        Without the session store there is no answer to who this is.
        """
        stores = attrs.evolve(MemoryStorage().stores, sessions=Down())
        portal = make_portal(stores=stores)
        browser = portal.browser()
        browser.cookies["uness-session"] = "s" * 43
        answer = browser.get("identify")

        assert (503, "store-failed") == (answer.status, browser.page)
        with pytest.raises(StorageError):
            portal.site.resume(browser.request())


class TestMailDown:
    @pytest.mark.parametrize("name", ["identify", "ask_link", "ask_code"])
    def test_no_lie(self, portal: Portal, name: str) -> None:
        """
        Where the mail could not be handed over the page says that, with Retry-After;
        the budget is as before, and the next try sends it (Law 9).
        """
        portal.add() if name == "identify" else portal.add_with_password()
        portal.clock.tick(2 * MINUTE)
        browser = portal.browser()
        browser.get("identify")
        s1 = browser.answer
        portal.outbox.is_down = True
        answer = browser.post(name, email=CAMILLE, username=CAMILLE)
        assert (503, "mail-failed") == (answer.status, browser.page)
        assert "30" == dict(answer.headers)["Retry-After"]
        assert {} == rows(portal, "challenges")

        portal.outbox.is_down = False
        before = len(portal.outbox.messages)
        browser.answer = s1
        browser.post(name, email=CAMILLE, username=CAMILLE)
        assert browser.page in {"link-sent", "code-sign-in"}
        assert "" == browser.view.note
        assert before + 1 == len(portal.outbox.messages)

    def test_nothing_in_the_log(
        self, portal: Portal, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        The log names the failure and neither address nor token, nor a traceback (P19).
        """
        portal.add()
        portal.outbox.is_down = True
        with caplog.at_level("DEBUG"):
            portal.browser().identify()

        assert "a mail could not be handed over" in caplog.text
        for secret in (CAMILLE, "/link/", "Traceback"):
            assert secret not in caplog.text


# --- Beside the routes ------------------------------------------------------------


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


class TestDeadSession:
    def test_only_where_there_is_one(self, portal: Portal) -> None:
        """
        A cookie that came is deleted under its own name; none is not.
        """
        browser = portal.browser()
        assert portal.site.dead_session(browser.request()) is None
        browser.cookies["uness-session"] = "anything"

        assert portal.site.cookies.no_session() == portal.site.dead_session(
            browser.request()
        )


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

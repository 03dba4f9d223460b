"""
The whole sign-in, end to end, without a framework: what must hold across its steps.
"""

from __future__ import annotations

import random
import re
import zlib
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import attrs
import pytest

from uness_auth.passwords import Argon2Hashing
from uness_auth.policy import HashingPolicy
from uness_auth.web.http import Page
from uness_auth.web.routes import ROUTES


if TYPE_CHECKING:
    from tests.unit.web.conftest import Portal

CAMILLE = "camille.durand@univ-exemple.fr"
NADIA = "nadia.benali@chu-exemple.fr"
NOBODY = "personne@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
OTHER_PASSWORD = "Pile-Correcte8"
CHEAP = HashingPolicy(memory_cost=12_288, time_cost=3, parallelism=1)
MINUTE = timedelta(minutes=1)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")

Make = Callable[..., "Portal"]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


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


class TestOrder:
    STEPS: ClassVar = ("ask_link", "password", "ask_code", "confirm_code", "link")

    @pytest.mark.parametrize("name", STEPS)
    def test_a_step_without_those_before(self, portal: Portal, name: str) -> None:
        """
        P10: a form sent by somebody who saw no page is refused, or leads back; nobody
        is signed in and nothing is set.
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

    def test_every_order_of_the_steps(self, portal: Portal) -> None:
        """
        P10: in none of 500 orders of seven steps, whatever is sent besides, does the
        form for a new password come without the mail, nor a session without a secret.
        """
        portal.add_with_password()
        before = portal.storage.accounts.by_address(CAMILLE)
        extra = {
            "tryAnotherWay": "on",
            "execution": "set-password",
            "step": "6",
            "password": OTHER_PASSWORD,
            "confirmation": OTHER_PASSWORD,
        }
        steps: dict[str, dict[str, str]] = {
            "identify": {"email": CAMILLE},
            "ask_link": {"username": CAMILLE},
            "password": {"username": CAMILLE},
            "ask_code": {"username": CAMILLE},
            "confirm_code": {"challenge": "0" * 32, "code": "123456"},
            "link": {},
            "sign_out": {},
        }
        orders = list(permutations(steps))
        chance = random.Random(10)  # noqa: S311 - the same orders each time
        seen = set()
        for order in chance.sample(orders, 500):
            browser = portal.browser()
            browser.get("identify")
            for name in order:
                s1 = browser.get("identify")
                assert isinstance(s1, Page)
                token = "set-password" if name == "link" else ""
                browser.post(name, token=token, **extra, **steps[name])
                seen.add(browser.page)
            assert browser.account is None
            portal.clock.tick(timedelta(hours=1))

        assert {"password-sign-in", "wait", "gone", "invalid"} <= seen
        assert seen.isdisjoint({"password-link", "created", "/"})
        after = portal.storage.accounts.by_address(CAMILLE)
        assert before is not None
        # So many guesses suspend the password, and that is all.
        assert attrs.evolve(before, is_password_suspended=True) == after

    def test_no_password_between_steps(self, make_portal: Make) -> None:
        """
        P46: after each step neither stores nor cookies hold a password, in any encoding.
        """
        portal = make_portal(hashing=Argon2Hashing(CHEAP))
        browser = portal.add_with_password()
        kept = []

        def keep() -> None:
            kept.append(f"{dumped(portal)} {browser.cookies}")

        steps: list[Callable[[], object]] = [
            browser.identify,
            lambda: browser.post("password", username=CAMILLE, password=OTHER_PASSWORD),
            lambda: browser.post("ask_code", username=CAMILLE, password=PASSWORD),
            browser.identify,
            lambda: browser.post("password", username=CAMILLE, password=PASSWORD),
        ]
        for step in steps:
            _ = step()
            keep()
        account = browser.account
        assert account is not None
        browser.post("ask_link", username=CAMILLE)
        for typed in ({"password": PASSWORD}, {"confirmation": PASSWORD}):
            browser.post("link", token=portal.token(), **typed)
            keep()
        text = " ".join(kept)

        assert "argon2id" in text
        assert [] == [
            each
            for secret in (PASSWORD, OTHER_PASSWORD)
            for each in spelt(secret)
            if each in text
        ]
        assert [] == [one for one in unpacked(text) if PASSWORD.encode() in one]


def dumped(portal: Portal) -> list[dict[str, object]]:
    """
    Everything that is stored, with what no repr shows.
    """
    return [
        attrs.asdict(row) if attrs.has(type(row)) else row
        for name in portal.contents()
        for row in rows(portal, name).values()
    ]


def spelt(secret: str) -> set[str]:
    """
    Return a secret as it may be written: plain, hex, base64 wherever it begins.
    """
    raw = secret.encode()
    # What surrounds it changes its first and last characters.
    inner = {b64encode(b"x" * shift + raw).decode()[4:-4] for shift in range(3)}
    return {secret, quote(secret), raw.hex(), raw.hex().upper(), secret[::-1], *inner}


def unpacked(text: str) -> Iterator[bytes]:
    """
    Yield what long words are when they are taken for compressed text.
    """
    for word in re.findall(r"[A-Za-z0-9+/_=-]{12,}", text):
        for decode in (urlsafe_b64decode, bytes.fromhex):
            for cut in range(4):
                with suppress(ValueError, zlib.error):
                    yield zlib.decompress(decode(word[: len(word) - cut]))


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
        P49: in the address or in the form: home instead.
        """
        browser = portal.add_with_password()
        browser.identify(query=f"next={quote(path)}")
        assert "" == browser.view.next
        browser.post("password", username=CAMILLE, password=PASSWORD, next=path)

        assert "/" == browser.page


class TestFixation:
    def test_every_cookie_changes(self, portal: Portal) -> None:
        """
        P40: nothing that the browser had before is worth anything after.
        """
        browser = portal.add_with_password()
        browser.get("identify")
        planted = "s" * 43
        browser.cookies["uness-session"] = planted
        browser.cookies["uness-device"] = f"{'d' * 22}20779{'0' * 64}"
        before = dict(browser.cookies)
        browser.sign_in()
        after = dict(browser.cookies)

        assert set(before) == set(after)
        assert set(before.values()).isdisjoint(after.values())
        browser.cookies = before
        assert browser.account is None

    def test_the_form_changes(self, portal: Portal) -> None:
        """
        P40: what a page carried before the sign-in, or the sign-out, is refused after.
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
        P40: signing in over a session ends it: a copy of its cookie opens nothing.
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


def rows(portal: Portal, name: str) -> dict[str, Any]:
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
        P47: the right value does not help where the browser names another site.
        """
        browser = portal.add_with_password()
        browser.identify()
        for name, value in headers.items():
            browser.headers[name.replace("_", "-")] = value
        answer = browser.post("password", username=CAMILLE, password=PASSWORD)

        assert (403, "csrf") == (answer.status, browser.page)
        assert browser.account is None

    @pytest.mark.parametrize("kind", ["form", "not a form", "too large", "no field"])
    def test_takes_no_cookie_away(self, portal: Portal, kind: str) -> None:
        """
        What another site posts comes without our cookies, and whatever it is answered,
        no new ones replace those that the visitor's own tabs go on with (P47).
        """
        bodies = {"too large": b"a" * 20_000, "no field": b"=&=", "form": b"email=a"}
        victim = portal.browser(origin="https://evil.example")
        if kind == "not a form":
            victim.headers["content-type"] = "text/plain"
        for route in portal.site.routes:
            for method in ("POST", "PUT"):
                answer = victim.send(
                    route.name, method=method, token="x", body=bodies.get(kind, b"")
                )

                assert () == answer.cookies

    def test_a_link_from_elsewhere_takes_no_cookie_away(self, portal: Portal) -> None:
        """
        Whoever posts their own link in the victim's browser sets their own password,
        and does not replace the cookie that knows the victim.
        """
        portal.add()
        portal.browser().identify()
        victim = portal.browser(sec_fetch_site="cross-site")

        answer = victim.post(
            "link", token=portal.token(), password=PASSWORD, confirmation=PASSWORD
        )

        assert ("created", ()) == (victim.page, answer.cookies)

    def test_another_browsers_form(self, portal: Portal) -> None:
        """
        P47: an attacker's own form does not sign the victim in as the attacker.
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
        Where only the browser cookie was lost, the host's form still signs out, and
        the browser gets one new cookie, not two.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        del browser.cookies["uness-browser"]

        answer = browser.sign_out()

        assert 303 == answer.status
        assert ["uness-session", "uness-browser"] == [
            one.name for one in answer.cookies
        ]

"""
Every handler, against real flows: which page each answer leads to.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from uness_auth import Policy
from uness_auth.events import EventKind
from uness_auth.policy import (
    Budget,
    HashingPolicy,
    SessionPolicy,
    ThrottlePolicy,
)
from uness_auth.web.http import Redirect


if TYPE_CHECKING:
    from tests.unit.web.conftest import Browser, Portal

CAMILLE = "camille.durand@univ-exemple.fr"
NOBODY = "personne@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
OTHER_PASSWORD = "Pile-Correcte8"
MINUTE = timedelta(minutes=1)
ONE = Budget(1, timedelta(hours=1))
# After the first unknown address one page serves everybody.
ANYBODY = Policy.uness(throttle=ThrottlePolicy(network_unknown=ONE))

Make = Callable[..., "Portal"]


def one_page(portal: Portal, address: str) -> Browser:
    """
    A browser on S7 for *address*, on a network that has asked for too many unknown.
    """
    browser = portal.browser()
    browser.identify(NOBODY)
    browser.identify(address)
    return browser


class TestShowIdentify:
    def test_a_stranger(self, portal: Portal) -> None:
        """
        S1 is shown, and the browser gets its cookie.
        """
        browser = portal.browser()
        answer = browser.get("identify")

        assert (200, "identify") == (answer.status, browser.page)
        assert ["uness-browser"] == list(browser.cookies)

    def test_signed_in(self, portal: Portal) -> None:
        """
        Whoever is signed in passes S1 by, to home or to what was asked for.
        """
        browser = portal.add_with_password()
        browser.sign_in()

        assert Redirect(location="http://localhost/") == browser.get("identify")
        assert Redirect(location="http://localhost/private?a=b") == browser.get(
            "identify", query="next=/private%3Fa%3Db"
        )
        assert Redirect(location="http://localhost/") == browser.get(
            "identify", query="next=//evil.example"
        )


class TestIdentify:
    def test_unknown(self, portal: Portal) -> None:
        """
        S2, and nothing is mailed.
        """
        browser = portal.browser()
        answer = browser.identify(NOBODY)

        assert (422, "identify") == (answer.status, browser.page)
        assert browser.view.note
        assert NOBODY == browser.view.typed
        assert [] == portal.outbox.messages

    def test_disabled(self, portal: Portal) -> None:
        """
        A closed account is unknown.
        """
        browser = portal.add_with_password()
        portal.auth.provisioning.disable(CAMILLE)
        browser.identify()

        assert browser.view.note

    @pytest.mark.parametrize(
        "typed", ["", " ", "camille", "a@b@c", "a@x.fr,b@y.fr", "\x00", "a" * 5_000]
    )
    def test_malformed(self, portal: Portal, typed: str) -> None:
        """
        S1 again, with no more of it than an address may have.
        """
        browser = portal.browser()
        answer = browser.identify(typed)

        assert (422, "identify") == (answer.status, browser.page)
        assert typed[:254] == browser.view.typed

    def test_without_a_password(self, portal: Portal) -> None:
        """
        S3, and the first link is mailed.
        """
        portal.add()
        browser = portal.browser()
        answer = browser.identify(f" {CAMILLE.upper()}\t")

        assert (200, "link-sent") == (answer.status, browser.page)
        assert CAMILLE == browser.view.heading.marked
        assert 1 == len(portal.outbox.to(CAMILLE))

    def test_asked_again_at_once(self, portal: Portal) -> None:
        """
        S3 says when the last mail left, and no second one does.
        """
        portal.add()
        browser = portal.browser()
        browser.identify()
        portal.clock.tick(timedelta(seconds=20))
        browser.identify(CAMILLE.upper())

        assert "link-sent" == browser.page
        assert CAMILLE == browser.view.heading.marked
        assert browser.view.note
        assert 1 == len(portal.outbox.to(CAMILLE))

    def test_with_a_password(self, portal: Portal) -> None:
        """
        S7 for the canonical address.
        """
        browser = portal.add_with_password()
        browser.identify(CAMILLE.upper())

        assert "password-sign-in" == browser.page
        assert CAMILLE == browser.view.username
        assert not browser.view.ways.first

    def test_one_page_for_everybody(self, make_portal: Make) -> None:
        """
        S7, with the first sign-in on offer, whoever it is.
        """
        portal = make_portal(policy=ANYBODY)
        browser = one_page(portal, "autre@univ-exemple.fr")

        assert "password-sign-in" == browser.page
        assert browser.view.ways.first

    def test_too_many_mails(self, make_portal: Make) -> None:
        """
        A network that asks for too many mails waits, and is told how long.
        """
        portal = make_portal(
            policy=Policy.uness(throttle=ThrottlePolicy(network_mails=ONE))
        )
        portal.add()
        portal.add("nadia@univ-exemple.fr")
        browser = portal.browser()
        browser.identify()
        answer = browser.identify("nadia@univ-exemple.fr")

        assert (429, "wait") == (answer.status, browser.page)
        assert "Retry-After" in dict(answer.headers)


class TestAskLink:
    def test_forgotten(self, portal: Portal) -> None:
        """
        S3 with the lifetime of a link that resets.
        """
        browser = portal.add_with_password()
        portal.clock.tick(2 * MINUTE)
        browser.identify()
        browser.post("ask_link", username=CAMILLE)

        assert "link-sent" == browser.page
        assert "une heure" in browser.view.text
        assert 2 == len(portal.outbox.to(CAMILLE))

    def test_too_soon(self, portal: Portal) -> None:
        """
        S3 with the note.
        """
        browser = portal.add_with_password()
        browser.identify()
        browser.post("ask_link", username=CAMILLE)

        assert "link-sent" == browser.page
        assert browser.view.note

    @pytest.mark.parametrize("typed", ["", "no address", NOBODY])
    def test_no_account(self, portal: Portal, typed: str) -> None:
        """
        S1, saying what was wrong with the address.
        """
        browser = portal.browser()
        browser.get("identify")
        answer = browser.post("ask_link", username=typed)

        assert (422, "identify") == (answer.status, browser.page)
        assert typed == browser.view.typed

    def test_too_many_mails(self, make_portal: Make) -> None:
        """
        The network waits.
        """
        portal = make_portal(
            policy=Policy.uness(throttle=ThrottlePolicy(network_mails=ONE))
        )
        browser = portal.add_with_password()
        browser.identify()
        answer = browser.post("ask_link", username=CAMILLE)

        assert (429, "wait") == (answer.status, browser.page)


class TestShowLink:
    def test_the_form(self, portal: Portal) -> None:
        """
        S5, whose form posts to the link itself; opening it uses nothing up.
        """
        portal.add()
        portal.browser().identify()
        token = portal.token()
        for _ in range(20):
            scanner = portal.browser()
            assert 200 == scanner.get("link", token=token, method="HEAD").status
            assert 200 == scanner.get("link", token=token).status
        browser = portal.browser()
        browser.get("link", token=token)

        assert "password-link" == browser.page
        assert f"/auth/link/{token}" == browser.view.action
        assert CAMILLE == browser.view.account.marked

    @pytest.mark.parametrize(
        ("header", "own", "language"),
        [("en", "fr", "fr"), ("fr", "en", "en"), ("en", "", "en"), ("fr", "", "fr")],
    )
    def test_language(
        self, portal: Portal, header: str, own: str, language: str
    ) -> None:
        """
        The account's language, where it chose one.
        """
        portal.add(language=own)
        browser = portal.browser(accept_language=header)
        browser.identify()
        browser.get("link", token=portal.token())

        assert language == browser.view.frame.language

    def test_expired(self, portal: Portal) -> None:
        """
        410, and the way on.
        """
        portal.add()
        browser = portal.browser()
        browser.identify()
        portal.clock.tick(timedelta(hours=25))
        answer = browser.get("link", token=portal.token())

        assert (410, "expired") == (answer.status, browser.page)

    @pytest.mark.parametrize("token", ["", "x", "f" * 600, "f\x00.é", "../../etc"])
    def test_invalid(self, portal: Portal, token: str) -> None:
        """
        404, and not a letter of it on the page.
        """
        browser = portal.browser()
        answer = browser.get("link", token=token)

        assert (404, "invalid") == (answer.status, browser.page)
        assert len(token) < 2 or token not in str(browser.view)


class TestSetPassword:
    @pytest.fixture(name="browser")
    def _browser(self, portal: Portal) -> Browser:
        """
        A browser on S5.
        """
        portal.add()
        browser = portal.browser()
        browser.identify()
        browser.get("link", token=portal.token())
        return browser

    def test_set(self, portal: Portal, browser: Browser) -> None:
        """
        S6, and the link is used up; nobody is signed in.
        """
        token = portal.token()
        answer = browser.post(
            "link", token=token, password=PASSWORD, confirmation=PASSWORD
        )
        assert (200, "created") == (answer.status, browser.page)
        assert browser.account is None

        again = browser.post(
            "link", token=token, password=OTHER_PASSWORD, confirmation=OTHER_PASSWORD
        )
        assert (410, "used") == (again.status, browser.page)
        assert 410 == browser.get("link", token=token).status
        assert 303 == browser.sign_in().status

    def test_in_another_browser(self, portal: Portal, browser: Browser) -> None:
        """
        The form needs no cookie and no CSRF value: the link opens on the phone.
        """
        phone = portal.browser(origin="null", sec_fetch_site="cross-site")
        answer = phone.post(
            "link", token=portal.token(), password=PASSWORD, confirmation=PASSWORD
        )

        assert (200, "created") == (answer.status, phone.page)

    @pytest.mark.parametrize(
        ("password", "confirmation"),
        [("", ""), ("court", "court"), (PASSWORD, ""), (PASSWORD, OTHER_PASSWORD)],
    )
    def test_refused(
        self, portal: Portal, browser: Browser, password: str, confirmation: str
    ) -> None:
        """
        S5 again, saying all of it; the link still works.
        """
        answer = browser.post(
            "link",
            token=portal.token(),
            password=password,
            confirmation=confirmation,
        )

        assert (422, "password-link") == (answer.status, browser.page)
        assert browser.view.alert.lines
        assert 200 == browser.get("link", token=portal.token()).status

    def test_the_form_that_a_scanner_submits(
        self, portal: Portal, browser: Browser
    ) -> None:
        """
        P14: a form sent empty uses nothing up.
        """
        browser.send("link", method="POST", token=portal.token())

        assert "password-link" == browser.page
        assert 200 == browser.get("link", token=portal.token()).status

    def test_expired(self, portal: Portal, browser: Browser) -> None:
        """
        A link that ran out while the form was open sets nothing.
        """
        portal.clock.tick(timedelta(hours=25))
        answer = browser.post(
            "link", token=portal.token(), password=PASSWORD, confirmation=PASSWORD
        )

        assert (410, "expired") == (answer.status, browser.page)

    def test_forged(self, portal: Portal, browser: Browser) -> None:
        """
        Another token is no link.
        """
        token = portal.token()
        answer = browser.post(
            "link", token=token[:-2] + "AA", password=PASSWORD, confirmation=PASSWORD
        )

        assert (404, "invalid") == (answer.status, browser.page)

    def test_void(self, portal: Portal, browser: Browser) -> None:
        """
        The link of an account that was closed since is void.
        """
        portal.auth.provisioning.disable(CAMILLE)
        answer = browser.post(
            "link", token=portal.token(), password=PASSWORD, confirmation=PASSWORD
        )

        assert (410, "used") == (answer.status, browser.page)


def full(portal: Portal) -> ExitStack:
    """
    Take every hashing slot until the stack is closed.
    """
    slots = portal.auth.password_sign_in.password_check.slots
    stack = ExitStack()
    for _ in range(slots.count):
        assert stack.enter_context(slots.take())
    return stack


class TestBusy:
    def test_nothing_is_counted(self, make_portal: Make) -> None:
        """
        With every slot taken both forms answer 503, and cost no attempt.
        """
        hashing = HashingPolicy(queue_per_slot=0, longest_wait=timedelta(0))
        portal = make_portal(policy=Policy.uness(hashing=hashing))
        browser = portal.add_with_password()
        portal.clock.tick(2 * MINUTE)
        browser.identify()
        browser.post("ask_link", username=CAMILLE)
        before = portal.contents()["accounts"]
        with full(portal):
            signing_in = browser.sign_in()
            assert (503, "busy") == (signing_in.status, browser.page)
            assert "Retry-After" in dict(signing_in.headers)
            setting = browser.post(
                "link", token=portal.token(), password=PASSWORD, confirmation=PASSWORD
            )
            assert (503, "busy") == (setting.status, browser.page)

        assert before == portal.contents()["accounts"]
        assert 303 == browser.sign_in().status


class TestSignOut:
    def test_ends_the_session(self, portal: Portal) -> None:
        """
        The session is closed, its cookie deleted, and the browser a new one.

        Who was signed in here stays known, so that strangers cannot hold them up.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        before = dict(browser.cookies)
        answer = browser.sign_out()

        assert isinstance(answer, Redirect)
        assert "http://localhost/auth/signed-out" == answer.location
        assert {"uness-browser", "uness-device"} == set(browser.cookies)
        assert before["uness-device"] == browser.cookies["uness-device"]
        assert before["uness-browser"] != browser.cookies["uness-browser"]
        assert {} == portal.contents()["sessions"]
        assert EventKind.SIGNED_OUT in portal.events.kinds()

    def test_twice(self, portal: Portal) -> None:
        """
        Signing out without being signed in is no fault.
        """
        browser = portal.browser()
        browser.get("identify")

        assert 303 == browser.post("sign_out").status
        assert EventKind.SIGNED_OUT not in portal.events.kinds()


class TestShowSignedOut:
    def test_goodbye(self, portal: Portal) -> None:
        """
        Whoever is signed out is told so.
        """
        browser = portal.browser()
        answer = browser.get("signed_out")

        assert (200, "signed-out") == (answer.status, browser.page)

    def test_not_so(self, portal: Portal) -> None:
        """
        Whoever is signed in is not told otherwise.
        """
        browser = portal.add_with_password()
        browser.sign_in()

        assert Redirect(location="http://localhost/") == browser.get("signed_out")


class TestBackToStart:
    @pytest.mark.parametrize(
        "name", ["password", "ask_link", "ask_code", "confirm_code", "sign_out"]
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_later_step(self, portal: Portal, name: str, method: str) -> None:
        """
        Whoever opens the address of a later step begins at S1, with the same end.
        """
        browser = portal.browser()

        browser.get(name, method=method)
        assert "/auth/" == browser.page
        browser.get(name, method=method, query="next=/private")
        assert "/auth/?next=/private" == browser.page


class TestSessions:
    def test_an_ended_session_is_none(self, make_portal: Make) -> None:
        """
        S1 is shown to whoever stayed away too long.
        """
        policy = SessionPolicy(idle=timedelta(minutes=5))
        portal = make_portal(policy=Policy.uness(session=policy))
        browser = portal.add_with_password()
        browser.sign_in()
        portal.clock.tick(6 * MINUTE)
        browser.get("identify")

        assert "identify" == browser.page

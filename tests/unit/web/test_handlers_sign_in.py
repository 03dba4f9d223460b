"""
S7 and S8 against real flows: which page each answer leads to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from uness_auth import Policy
from uness_auth.events import EventKind
from uness_auth.policy import (
    Budget,
    CodePolicy,
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


def on_code_page(portal: Portal) -> Browser:
    """
    A browser on S8.
    """
    browser = portal.add_with_password()
    portal.clock.tick(2 * MINUTE)
    browser.identify()
    browser.post("ask_code", username=CAMILLE)
    assert "code-sign-in" == browser.page
    return browser


def wrong(code: str) -> str:
    """
    Another code than *code*.
    """
    return f"{(int(code) + 1) % 1_000_000:06}"


class TestSignIn:
    def test_right(self, portal: Portal) -> None:
        """
        Signed in, and on to home.
        """
        browser = portal.add_with_password()
        answer = browser.sign_in()

        assert isinstance(answer, Redirect)
        assert "http://localhost/" == answer.location
        assert browser.account is not None
        assert [None, 15_552_000, 15_552_000] == [
            cookie.max_age for cookie in answer.cookies
        ]

    def test_remembered(self, portal: Portal) -> None:
        """
        « Se souvenir de moi » keeps the cookie for thirty days.
        """
        browser = portal.add_with_password()
        browser.identify()
        answer = browser.post(
            "password", username=CAMILLE, password=PASSWORD, remember="yes"
        )

        assert 30 * 24 * 3600 == answer.cookies[0].max_age

    def test_wrong(self, portal: Portal) -> None:
        """
        S7 again for the same address, « Se souvenir de moi » as it was.
        """
        browser = portal.add_with_password()
        browser.identify()
        answer = browser.post(
            "password",
            username=CAMILLE.upper(),
            password=OTHER_PASSWORD,
            remember="yes",
        )

        assert (422, "password-sign-in") == (answer.status, browser.page)
        assert CAMILLE == browser.view.username
        assert browser.view.is_remembered
        assert not browser.view.ways.first
        assert browser.account is None

    def test_empty(self, portal: Portal) -> None:
        """
        Nothing typed is told, and no attempt.
        """
        browser = portal.add_with_password()
        browser.identify()
        before = portal.contents()
        answer = browser.post("password", username=CAMILLE)

        assert (422, "password-sign-in") == (answer.status, browser.page)
        assert before == portal.contents()
        assert EventKind.PASSWORD_REFUSED not in portal.events.kinds()

    def test_one_page_stays_so(self, make_portal: Make) -> None:
        """
        A wrong password leaves « Première connexion ? » where it was.
        """
        portal = make_portal(policy=ANYBODY)
        browser = one_page(portal, CAMILLE)
        browser.post("password", username=CAMILLE, password=PASSWORD, any="yes")

        assert "password-sign-in" == browser.page
        assert browser.view.ways.first

    @pytest.mark.parametrize("typed", ["", "no address", "a@b@c", "\x00"])
    def test_no_address(self, portal: Portal, typed: str) -> None:
        """
        Back to S1.
        """
        browser = portal.browser()
        browser.get("identify")
        answer = browser.post("password", username=typed, password=PASSWORD)

        assert (422, "identify") == (answer.status, browser.page)

    def test_too_many(self, portal: Portal) -> None:
        """
        P22: after five wrong ones a wait, told in seconds, with the other ways open.
        """
        browser = portal.add_with_password()
        for _ in range(5):
            browser.sign_in(CAMILLE, OTHER_PASSWORD)
        answer = browser.sign_in()

        assert (429, "wait") == (answer.status, browser.page)
        assert "65" == dict(answer.headers)["Retry-After"]
        assert CAMILLE == browser.view.address == browser.view.ways.username
        assert browser.account is None

    def test_suspended(self, portal: Portal) -> None:
        """
        After a hundred in a row only a link makes a new password.
        """
        browser = portal.add_with_password()
        account = portal.storage.accounts.by_address(CAMILLE)
        assert account is not None
        portal.storage.accounts.disable_password(account.id, account.credential_version)
        answer = browser.sign_in()

        assert (422, "password-sign-in") == (answer.status, browser.page)
        assert "suspendu" in browser.view.alert.lead

    def test_vetoed(self, make_portal: Make) -> None:
        """
        The host may say no, in words, by either way in.
        """
        portal = make_portal(may_sign_in=lambda _account: False)
        browser = portal.add_with_password()
        answer = browser.sign_in()

        assert (403, "vetoed") == (answer.status, browser.page)
        assert browser.account is None

    def test_long_passwords(self, portal: Portal) -> None:
        """
        P50: as long as a form may be: one wrong password like any other.
        """
        browser = portal.add_with_password()
        answer = browser.sign_in(CAMILLE, "a" * 15_000)

        assert (422, "password-sign-in") == (answer.status, browser.page)


class TestAskCode:
    def test_sent(self, portal: Portal) -> None:
        """
        S8, for a challenge of one's own.
        """
        browser = on_code_page(portal)

        assert browser.view.challenge
        assert "" == browser.view.username
        assert portal.outbox.code(CAMILLE)

    def test_one_page(self, make_portal: Make) -> None:
        """
        Where one page serves everybody, S8 keeps the address.
        """
        portal = make_portal(policy=ANYBODY)
        browser = one_page(portal, CAMILLE)
        browser.post("ask_code", username=CAMILLE.upper())

        assert "code-sign-in" == browser.page
        assert CAMILLE == browser.view.username

    def test_paused(self, make_portal: Make) -> None:
        """
        Without a challenge to go on with, the wait is told.
        """
        portal = make_portal(
            policy=Policy.uness(throttle=ThrottlePolicy(code_mails=(ONE,)))
        )
        browser = on_code_page(portal)
        answer = browser.post("ask_code", username=CAMILLE)

        assert (200, "wait") == (answer.status, browser.page)

    def test_too_many_mails(self, make_portal: Make) -> None:
        """
        The network waits.
        """
        throttle = ThrottlePolicy(network_mails=Budget(1, timedelta(hours=1)))
        portal = make_portal(policy=Policy.uness(throttle=throttle))
        browser = portal.add_with_password()
        browser.identify()
        answer = browser.post("ask_code", username=CAMILLE)

        assert (429, "wait") == (answer.status, browser.page)

    @pytest.mark.parametrize("typed", ["", "no address", NOBODY])
    def test_no_account(self, portal: Portal, typed: str) -> None:
        """
        S1, saying what was wrong with the address.
        """
        browser = portal.browser()
        browser.get("identify")
        answer = browser.post("ask_code", username=typed)

        assert (422, "identify") == (answer.status, browser.page)

    def test_not_offered(self, make_portal: Make) -> None:
        """
        A site without codes has no such page.
        """
        portal = make_portal(policy=Policy.uness(code=CodePolicy(is_offered=False)))
        browser = portal.add_with_password()
        browser.identify()
        answer = browser.post("ask_code", username=CAMILLE)

        assert (404, "not-found") == (answer.status, browser.page)


class TestAskAgain:
    def test_sent(self, portal: Portal) -> None:
        """
        After a minute the same code leaves once more.
        """
        browser = on_code_page(portal)
        challenge = browser.view.challenge
        code = portal.outbox.code(CAMILLE)
        portal.clock.tick(MINUTE)
        browser.post("ask_code", challenge=challenge)

        assert "code-sign-in" == browser.page
        assert challenge == browser.view.challenge
        assert "" == browser.view.note
        assert code == portal.outbox.code(CAMILLE)
        assert 3 == len(portal.outbox.to(CAMILLE))

    def test_too_soon(self, portal: Portal) -> None:
        """
        S8 with a note; the code that is on its way still works.
        """
        browser = on_code_page(portal)
        challenge = browser.view.challenge
        browser.post("ask_code", challenge=challenge)

        assert "code-sign-in" == browser.page
        assert browser.view.note
        code = portal.outbox.code(CAMILLE)
        assert (
            303 == browser.post("confirm_code", challenge=challenge, code=code).status
        )

    @pytest.mark.parametrize("challenge", ["x", "0" * 32, "0" * 31, "é" * 32])
    def test_gone(self, portal: Portal, challenge: str) -> None:
        """
        No challenge, no code.
        """
        browser = on_code_page(portal)
        answer = browser.post("ask_code", challenge=challenge, username=CAMILLE)

        assert (410, "gone") == (answer.status, browser.page)

    def test_another_browser(self, portal: Portal) -> None:
        """
        A challenge is its own browser's.
        """
        challenge = on_code_page(portal).view.challenge
        other = portal.browser()
        other.get("identify")
        answer = other.post("ask_code", challenge=challenge)

        assert (410, "gone") == (answer.status, other.page)

    def test_too_many_mails(self, make_portal: Make) -> None:
        """
        The network waits.
        """
        throttle = ThrottlePolicy(network_mails=Budget(2, timedelta(hours=1)))
        portal = make_portal(policy=Policy.uness(throttle=throttle))
        browser = on_code_page(portal)
        portal.clock.tick(MINUTE)
        answer = browser.post("ask_code", challenge=browser.view.challenge)

        assert (429, "wait") == (answer.status, browser.page)

    @pytest.mark.parametrize("address", [CAMILLE, "autre@univ-exemple.fr"])
    def test_without_the_address(self, make_portal: Make, address: str) -> None:
        """
        Where one page serves everybody, whoever strips the address off the form learns
        nothing, and is told nothing that may not be so: soon or late, account or not.
        """
        portal = make_portal(policy=ANYBODY)
        portal.add()
        browser = one_page(portal, address)
        browser.post("ask_code", username=address)
        challenge = browser.view.challenge
        for wait in (timedelta(0), MINUTE):
            portal.clock.tick(wait)
            browser.get("identify")
            answer = browser.post("ask_code", challenge=challenge)

            assert (410, "gone") == (answer.status, browser.page)


class TestConfirmCode:
    def test_right(self, portal: Portal) -> None:
        """
        Signed in, by a session that ends with the browser.
        """
        browser = on_code_page(portal)
        code = portal.outbox.code(CAMILLE)
        answer = browser.post(
            "confirm_code",
            challenge=browser.view.challenge,
            code=f" {code[:3]} {code[3:]}",
        )

        assert isinstance(answer, Redirect)
        assert answer.cookies[0].max_age is None
        assert browser.account is not None

    @pytest.mark.parametrize("typed", ["1", "abc", "\x00", "٣" * 6, "9" * 5_000])
    def test_wrong(self, portal: Portal, typed: str) -> None:
        """
        S8 again with the tries left; a text that is no code is a try.
        """
        browser = on_code_page(portal)
        challenge = browser.view.challenge
        answer = browser.post("confirm_code", challenge=challenge, code=typed)

        assert (422, "code-sign-in") == (answer.status, browser.page)
        assert "4" in browser.view.field.fault
        assert challenge == browser.view.challenge

    def test_five_wrong_ones(self, portal: Portal) -> None:
        """
        P21, P22: the fifth ends the challenge; the right code comes too late.
        """
        browser = on_code_page(portal)
        challenge = browser.view.challenge
        code = portal.outbox.code(CAMILLE)
        pages = []
        for typed in [wrong(code)] * 5 + [code]:
            browser.get("identify")
            browser.post("confirm_code", challenge=challenge, code=typed)
            pages.append(browser.page)

        assert ["code-sign-in"] * 4 + ["gone"] * 2 == pages
        assert browser.account is None

    def test_empty(self, portal: Portal) -> None:
        """
        Nothing typed is told, and costs no try.
        """
        browser = on_code_page(portal)
        challenge = browser.view.challenge
        before = portal.contents()
        answer = browser.post("confirm_code", challenge=challenge, code=" ")

        assert (422, "code-sign-in") == (answer.status, browser.page)
        assert before == portal.contents()

    def test_expired(self, portal: Portal) -> None:
        """
        Too old, and to be asked for again on the same page.
        """
        browser = on_code_page(portal)
        challenge = browser.view.challenge
        portal.clock.tick(4 * MINUTE)
        answer = browser.post(
            "confirm_code", challenge=challenge, code=portal.outbox.code(CAMILLE)
        )

        assert (422, "code-sign-in") == (answer.status, browser.page)
        assert "#again" == browser.view.alert.href

    @pytest.mark.parametrize("challenge", ["", "x", "0" * 32, "A" * 32, "é" * 32])
    def test_no_challenge(self, portal: Portal, challenge: str) -> None:
        """
        Without a challenge there is nothing to type a code for.
        """
        browser = on_code_page(portal)
        code = portal.outbox.code(CAMILLE)
        answer = browser.post("confirm_code", challenge=challenge, code=code)

        assert (410, "gone") == (answer.status, browser.page)

    def test_another_browser(self, portal: Portal) -> None:
        """
        The right code in another browser opens nothing there.
        """
        challenge = on_code_page(portal).view.challenge
        other = portal.browser()
        other.get("identify")
        other.post(
            "confirm_code", challenge=challenge, code=portal.outbox.code(CAMILLE)
        )

        assert "gone" == other.page
        assert other.account is None

    def test_too_many(self, make_portal: Make) -> None:
        """
        The network waits, and is told how long.
        """
        throttle = ThrottlePolicy(network_codes=ONE)
        portal = make_portal(policy=Policy.uness(throttle=throttle))
        browser = on_code_page(portal)
        challenge = browser.view.challenge
        browser.post("confirm_code", challenge=challenge, code="1")
        answer = browser.post("confirm_code", challenge=challenge, code="1")

        assert (429, "wait") == (answer.status, browser.page)
        assert int(dict(answer.headers)["Retry-After"]) > 0

    def test_vetoed(self, make_portal: Make) -> None:
        """
        The host may say no here too.
        """
        portal = make_portal(may_sign_in=lambda _account: False)
        browser = on_code_page(portal)
        answer = browser.post(
            "confirm_code",
            challenge=browser.view.challenge,
            code=portal.outbox.code(CAMILLE),
        )

        assert (403, "vetoed") == (answer.status, browser.page)
        assert browser.account is None

    def test_one_page_keeps_the_address(self, make_portal: Make) -> None:
        """
        A wrong code leaves the page as uncertain as it was.
        """
        portal = make_portal(policy=ANYBODY)
        browser = one_page(portal, CAMILLE)
        browser.post("ask_code", username=CAMILLE)
        browser.post(
            "confirm_code",
            challenge=browser.view.challenge,
            code="1",
            username=CAMILLE,
        )

        assert "code-sign-in" == browser.page
        assert CAMILLE == browser.view.username

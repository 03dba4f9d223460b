"""
The pages of the account against real flows: which page each answer leads to.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs
import pytest

from uness_auth import Policy
from uness_auth.events import Event, EventKind
from uness_auth.model import Account
from uness_auth.policy import CodePolicy, HashingPolicy, ThrottlePolicy
from uness_auth.storage.memory import MemoryStorage
from uness_auth.web.account_pages import PASSWORD as PASSWORD_PATH
from uness_auth.web.account_pages import SESSIONS
from uness_auth.web.http import Redirect


if TYPE_CHECKING:
    from tests.unit.web.conftest import Browser, Portal

CAMILLE = "camille.durand@univ-exemple.fr"
NADIA = "nadia.benali@chu-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
OTHER_PASSWORD = "Pile-Correcte8"
MINUTE = timedelta(minutes=1)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"

Make = Callable[..., "Portal"]


def signed_in(portal: Portal, *, remember: str = "") -> Browser:
    """
    A browser that is signed in, with or without « Se souvenir de moi ».
    """
    browser = portal.add_with_password()
    remembered(browser, remember)
    return browser


def remembered(browser: Browser, remember: str = "yes") -> None:
    """
    Sign *browser* in.
    """
    browser.identify()
    fields = {"remember": remember} if remember else {}
    browser.post("password", username=CAMILLE, password=PASSWORD, **fields)
    assert browser.account is not None


def change(browser: Browser, **fields: str) -> None:
    """
    Send the form that changes the password, right but for *fields*.
    """
    right = {
        "current": PASSWORD,
        "password": OTHER_PASSWORD,
        "confirmation": OTHER_PASSWORD,
    }
    browser.get("account_password")
    browser.post("account_password", **{**right, **fields})


def without_password(portal: Portal) -> Browser:
    """
    A browser that signed in by code to an account without a password.
    """
    portal.add()
    browser = portal.browser()
    for number in range(31):
        browser.identify(f"personne{number}@univ-exemple.fr")
    browser.identify()
    browser.post("ask_code", username=CAMILLE)
    code = portal.outbox.code(CAMILLE)
    browser.post("confirm_code", challenge=browser.view.challenge, code=code)
    assert browser.account is not None
    return browser


class TestNotSignedIn:
    @pytest.mark.parametrize(
        ("name", "path"),
        [("account_password", PASSWORD_PATH), ("account_sessions", SESSIONS)],
    )
    def test_signs_in_first_and_comes_back(
        self, portal: Portal, name: str, path: str
    ) -> None:
        """
        GET and POST lead to S1, and from there to the page that was asked for.
        """
        browser = portal.browser()
        browser.get("identify")
        browser.post(name)
        assert f"/auth/?next=/auth/{path}" == browser.page
        browser.get(name)

        assert f"/auth/?next=/auth/{path}" == browser.page

    def test_a_session_that_ended_meanwhile(self, portal: Portal) -> None:
        """
        Whoever was signed out elsewhere signs in again; nothing is changed.
        """
        browser = signed_in(portal)
        browser.get("account_password")
        assert browser.account is not None
        portal.storage.stores.sessions.close(
            next(iter(portal.contents()["sessions"]))  # type: ignore[call-overload] # a dict of the fixture's
        )
        browser.post(
            "account_password",
            current=PASSWORD,
            password=OTHER_PASSWORD,
            confirmation=OTHER_PASSWORD,
        )

        assert f"/auth/?next=/auth/{PASSWORD_PATH}" == browser.page
        assert 303 == browser.sign_in().status
        assert browser.account is not None


class TestChangePassword:
    def test_right(self, portal: Portal) -> None:
        """
        Changed; this browser goes on in a new session, with new cookies, and all
        others are over.
        """
        browser = signed_in(portal)
        other = portal.browser()
        other.sign_in()
        before = dict(browser.cookies)
        change(browser)

        assert browser.answer is not None
        assert (200, "changed") == (browser.answer.status, browser.page)
        assert "/" == browser.view.way_url
        assert browser.account is not None
        assert other.account is None
        assert {"uness-session", "uness-browser", "uness-device"} == {
            name for name, value in browser.cookies.items() if value != before[name]
        }
        assert EventKind.PASSWORD_CHANGED in portal.events.kinds()

    def test_the_new_one_signs_in_and_the_old_one_does_not(
        self, portal: Portal
    ) -> None:
        """
        From then on it is the new one that counts.
        """
        change(signed_in(portal))
        browser = portal.browser()

        assert 422 == browser.sign_in(CAMILLE, PASSWORD).status
        assert 303 == browser.sign_in(CAMILLE, OTHER_PASSWORD).status

    def test_a_form_from_before_is_stale(self, portal: Portal) -> None:
        """
        What a page carried before belongs to the session that is over.
        """
        browser = signed_in(portal)
        browser.get("account_password")
        csrf = browser.view.csrf_value
        change(browser)
        answer = browser.post("sign_out", csrf=csrf)

        assert (403, "csrf") == (answer.status, browser.page)

    @pytest.mark.parametrize(
        ("fields", "href"),
        [
            ({"current": ""}, "#current"),
            ({"current": OTHER_PASSWORD}, "#current"),
            ({"password": "court"}, ""),
            ({"confirmation": "autre"}, ""),
        ],
    )
    def test_refused(self, portal: Portal, fields: dict[str, str], href: str) -> None:
        """
        The form comes back and says what is wrong; the password is as before.
        """
        browser = signed_in(portal)
        change(browser, **fields)

        assert browser.answer is not None
        assert (422, "password-change") == (browser.answer.status, browser.page)
        assert browser.view.alert.lead
        assert href == browser.view.alert.href
        assert "/auth/account/password" == browser.view.next
        assert browser.account is not None
        assert 303 == portal.browser().sign_in().status

    def test_throttled(self, portal: Portal) -> None:
        """
        Whoever guesses waits, and is led back to the form; a link stays open.
        """
        browser = signed_in(portal)
        for _ in range(12):
            change(browser, current="Faux-Essai99")

        assert browser.answer is not None
        assert (429, "wait") == (browser.answer.status, browser.page)
        assert "/auth/account/password" == browser.view.back_url
        assert not browser.view.address
        assert CAMILLE == browser.view.ways.username
        assert not browser.view.ways.code_heading

    def test_suspended(self, make_portal: Make) -> None:
        """
        After too many in a row the page says that only a link makes a new one.
        """
        throttle = ThrottlePolicy(passwords_in_a_row=5)
        portal = make_portal(policy=Policy.uness(throttle=throttle))
        browser = signed_in(portal)
        for _ in range(5):
            portal.clock.tick(5 * MINUTE)
            change(browser, current="Faux-Essai99")
        portal.clock.tick(5 * MINUTE)
        change(browser)

        assert browser.answer is not None
        assert (422, "password-change") == (browser.answer.status, browser.page)
        assert "suspendu" in browser.view.alert.lead
        assert CAMILLE == browser.view.ways.username

    def test_busy(self, make_portal: Make) -> None:
        """
        With every slot taken nothing is changed, and one may try again there.
        """
        hashing = HashingPolicy(queue_per_slot=0, longest_wait=timedelta(0))
        portal = make_portal(policy=Policy.uness(hashing=hashing))
        browser = signed_in(portal)
        slots = portal.auth.password_change.slots
        with ExitStack() as stack:
            for _ in range(slots.count):
                assert stack.enter_context(slots.take())
            change(browser)

        assert browser.answer is not None
        assert (503, "busy") == (browser.answer.status, browser.page)
        assert "/auth/?next=/auth/account/password" == browser.view.way_url

    def test_vetoed_at_that_moment(self, make_portal: Make) -> None:
        """
        The password is another one, and the page says so; nobody is signed in.
        """
        open_to: list[str] = [CAMILLE]

        def may_sign_in(account: Account) -> bool:
            return account.address in open_to

        portal = make_portal(may_sign_in=may_sign_in)
        browser = signed_in(portal)
        browser.get("account_password")
        open_to.clear()
        browser.post(
            "account_password",
            current=PASSWORD,
            password=OTHER_PASSWORD,
            confirmation=OTHER_PASSWORD,
        )

        assert "created" == browser.page
        assert browser.account is None
        open_to.append(CAMILLE)
        assert 303 == browser.sign_in(CAMILLE, OTHER_PASSWORD).status

    def test_somebody_else_was_faster(self, portal: Portal) -> None:
        """
        Whoever was signed out everywhere while the password was compared signs in.
        """
        browser = signed_in(portal)
        browser.get("account_password")

        def sign_out(event: Event) -> None:
            if event.kind is EventKind.PASSWORD_ACCEPTED:
                portal.auth.provisioning.sign_out(CAMILLE)

        portal.auth.subscribe(sign_out)
        browser.post(
            "account_password",
            current=PASSWORD,
            password=OTHER_PASSWORD,
            confirmation=OTHER_PASSWORD,
        )

        assert f"/auth/?next=/auth/{PASSWORD_PATH}" == browser.page
        assert 422 == portal.browser().sign_in(CAMILLE, OTHER_PASSWORD).status

    def test_a_remembered_session_is_asked_first(self, portal: Portal) -> None:
        """
        Neither the form nor what is sent to it is taken from whoever sits there.
        """
        browser = signed_in(portal, remember="yes")
        browser.get("account_password")
        assert "/auth/again?next=/auth/account/password" == browser.page
        browser.get("again", query="next=/auth/account/password")
        browser.post(
            "account_password",
            current=PASSWORD,
            password=OTHER_PASSWORD,
            confirmation=OTHER_PASSWORD,
        )

        assert "/auth/again?next=/auth/account/password" == browser.page
        assert 303 == portal.browser().sign_in().status

    def test_without_a_password(self, portal: Portal) -> None:
        """
        There is none to change: a link creates the first, whatever is sent.
        """
        browser = without_password(portal)
        browser.get("account_password")
        assert "no-password" == browser.page
        assert CAMILLE == browser.view.sentence.marked
        browser.post(
            "account_password",
            current="",
            password=OTHER_PASSWORD,
            confirmation=OTHER_PASSWORD,
        )
        assert "no-password" == browser.page
        portal.clock.tick(2 * MINUTE)
        browser.post("ask_link", username=CAMILLE)

        assert "link-sent" == browser.page

    def test_in_the_owners_language(self, portal: Portal) -> None:
        """
        A page of the account speaks the language that its owner chose.
        """
        portal.add(language="en")
        browser = portal.browser()
        browser.identify()
        browser.post(
            "link",
            token=portal.token(),
            password=PASSWORD,
            confirmation=PASSWORD,
        )
        browser.sign_in()
        browser.get("account_password")

        assert "Change your password" == browser.view.heading


class TestSessions:
    def test_lists_this_one_first(self, portal: Portal) -> None:
        """
        Each with browser, network and times; none but others can be closed.
        """
        browser = portal.add_with_password()
        other = portal.browser(user_agent=FIREFOX)
        other.sign_in()
        portal.clock.tick(2 * MINUTE)
        browser.sign_in()
        browser.get("account_sessions")
        own, another = browser.view.entries

        assert "open-sessions" == browser.page
        assert ("Navigateur inconnu", "cet appareil", "") == (
            own.name,
            own.tag,
            own.close,
        )
        assert ("Firefox, Windows", "", "Fermer") == (
            another.name,
            another.tag,
            another.close,
        )
        assert "Réseau 203.0.113.0/24" == another.network
        assert "Ouverte le 22 novembre 2026 à 14 h 32" == another.opened
        assert "Dernière activité le 22 novembre 2026 à 14 h 32" == another.seen

    def test_closes_one(self, portal: Portal) -> None:
        """
        The one that was pressed, and no other.
        """
        browser = signed_in(portal)
        others = [portal.browser() for _ in range(2)]
        for other in others:
            portal.clock.tick(2 * MINUTE)
            other.sign_in()
        browser.get("account_sessions")
        browser.post("account_sessions", session=browser.view.entries[1].digest)

        assert "/auth/account/sessions" == browser.page
        assert others[0].account is not None
        assert others[1].account is None
        assert browser.account is not None

    def test_closes_all_others(self, portal: Portal) -> None:
        """
        All but the one that asks; then there is nothing left to close.
        """
        browser = signed_in(portal)
        other = portal.browser()
        other.sign_in()
        browser.get("account_sessions")
        browser.post("account_sessions", others="yes")
        assert other.account is None
        browser.get("account_sessions")

        assert 1 == len(browser.view.entries)
        assert not browser.view.close_others
        assert not browser.view.again

    @pytest.mark.parametrize("what", ["own", "foreign", "nothing", "\x00", "f" * 64])
    def test_closes_nothing_else(self, portal: Portal, what: str) -> None:
        """
        Neither its own, nor another person's, nor what is no session at all.
        """
        stranger = portal.add_with_password(NADIA)
        stranger.sign_in(NADIA)
        stranger.get("account_sessions")
        browser = signed_in(portal)
        browser.get("account_sessions")
        digests = {
            "own": browser.view.entries[0].digest,
            "foreign": stranger.view.entries[0].digest,
            "nothing": "",
        }
        browser.post("account_sessions", session=digests.get(what, what))

        assert "/auth/account/sessions" == browser.page
        assert browser.account is not None
        assert stranger.account is not None

    def test_later_one_proves_first_who_one_is(self, portal: Portal) -> None:
        """
        After ten minutes there are no buttons, and what is sent all the same closes
        nothing.
        """
        browser = signed_in(portal)
        other = portal.browser()
        other.sign_in()
        browser.get("account_sessions")
        digest = browser.view.entries[1].digest
        portal.clock.tick(11 * MINUTE)
        browser.post("account_sessions", session=digest)
        assert "/auth/again?next=/auth/account/sessions" == browser.page
        browser.get("account_sessions")

        assert "/auth/again?next=/auth/account/sessions" == browser.view.again_url
        assert not browser.view.close_others
        assert ["", ""] == [one.close for one in browser.view.entries]
        assert other.account is not None

    def test_where_they_cannot_be_listed(self, make_portal: Make) -> None:
        """
        The page does not exist, and no menu leads there.
        """
        stores = attrs.evolve(MemoryStorage().stores, session_lists=None)
        browser = signed_in(make_portal(stores=stores))
        answer = browser.get("account_sessions")
        assert (404, "not-found") == (answer.status, browser.page)
        browser.get("account_password")
        assert not browser.view.nav.sessions_label
        answer = browser.post("account_sessions", others="yes")

        assert (404, "not-found") == (answer.status, browser.page)


class TestAgain:
    def test_nobody_signs_in_first(self, portal: Portal) -> None:
        """
        A stranger is led to S1, and not back to here.
        """
        browser = portal.browser()
        browser.get("again", query="next=/private")

        assert "/auth/?next=/private" == browser.page

    def test_who_proved_it_just_now_is_led_on(self, portal: Portal) -> None:
        """
        Nobody is asked twice.
        """
        browser = signed_in(portal)
        browser.get("again", query="next=/private")
        assert "/private" == browser.page
        browser.get("again", query="next=https://evil.example/")

        assert "/" == browser.page

    def test_the_right_password(self, portal: Portal) -> None:
        """
        One is led on, the session is recent, and as much remembered as before.
        """
        browser = signed_in(portal, remember="yes")
        browser.get("again", query="next=/private")
        assert (CAMILLE, "/private") == (browser.view.username, browser.view.next)
        answer = browser.post(
            "password", again="yes", username=CAMILLE, password=PASSWORD
        )

        assert "/private" == browser.page
        assert 30 * 24 * 3600 == answer.cookies[0].max_age
        browser.get("again", query="next=/private")
        assert "/private" == browser.page

    @pytest.mark.parametrize("typed", ["", OTHER_PASSWORD])
    def test_a_wrong_one_comes_back(self, portal: Portal, typed: str) -> None:
        """
        To this page, and with where it leads.
        """
        browser = signed_in(portal, remember="yes")
        browser.get("again", query="next=/private")
        answer = browser.post("password", again="yes", username=CAMILLE, password=typed)

        assert (422, "ask-again") == (answer.status, browser.page)
        assert "/private" == browser.view.next
        assert browser.view.field.is_invalid

    def test_too_many_wrong_ones(self, portal: Portal) -> None:
        """
        The wait leads back to here, and offers the code meanwhile.
        """
        browser = signed_in(portal, remember="yes")
        for _ in range(12):
            browser.get("again", query="next=/private")
            browser.post(
                "password", again="yes", username=CAMILLE, password=OTHER_PASSWORD
            )

        assert "wait" == browser.page
        assert "/auth/again?next=/private" == browser.view.back_url
        assert browser.view.ways.code_heading

    def test_only_for_the_account_that_is_signed_in(self, portal: Portal) -> None:
        """
        For any other, and for a stranger, it is a sign-in like all.
        """
        portal.add_with_password(NADIA)
        browser = signed_in(portal, remember="yes")
        browser.get("again")
        browser.post("password", again="yes", username=NADIA, password="Faux-Essai99")
        assert "password-sign-in" == browser.page
        stranger = portal.browser()
        stranger.identify()
        stranger.post("password", again="yes", username=CAMILLE, password="Faux-1+x")

        assert "password-sign-in" == stranger.page

    def test_by_code(self, portal: Portal) -> None:
        """
        A code proves it, too, and keeps the session remembered.
        """
        browser = signed_in(portal, remember="yes")
        portal.clock.tick(11 * MINUTE)
        browser.get("again", query="next=/private")
        browser.post("ask_code", username=CAMILLE)
        answer = browser.post(
            "confirm_code",
            challenge=browser.view.challenge,
            code=portal.outbox.code(CAMILLE),
        )

        assert isinstance(answer, Redirect)
        assert "/private" == browser.page
        assert 30 * 24 * 3600 == answer.cookies[0].max_age

    def test_without_a_password(self, portal: Portal) -> None:
        """
        Only the other ways are there.
        """
        browser = without_password(portal)
        portal.clock.tick(11 * MINUTE)
        browser.get("again")

        assert not browser.view.field.label
        assert "code" in browser.view.intro
        assert browser.view.ways.code_heading
        assert "créer" in browser.view.ways.forgotten

    def test_without_codes(self, make_portal: Make) -> None:
        """
        Where no codes are offered, the password is the only way beside the link.
        """
        policy = Policy.uness(code=CodePolicy(is_offered=False))
        browser = signed_in(make_portal(policy=policy), remember="yes")
        browser.get("again")

        assert browser.view.field.label
        assert not browser.view.ways.code_heading


class TestTabs:
    def test_a_restored_window(self, portal: Portal) -> None:
        """
        Ten tabs with one remembered cookie, days later: all stay signed in.
        """
        browser = signed_in(portal, remember="yes")
        for _ in range(3):
            portal.clock.tick(timedelta(days=4))
            for _ in range(10):
                browser.get("identify", query="next=/private")
                assert "/private" == browser.page

        assert browser.account is not None

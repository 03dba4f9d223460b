"""
What standards ask of passwords, accounts, cookies and fields, across all pages.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from inspect import signature
from typing import TYPE_CHECKING, Final

import attrs
import pytest

from uness_auth import Policy
from uness_auth.model import Account, Client
from uness_auth.outcomes import (
    AccountChanged,
    ChangeRefused,
    NothingTyped,
    NotRecent,
    SessionsClosed,
    SessionsListed,
    SignedIn,
    WrongPassword,
)
from uness_auth.policy import PasswordPolicy, SessionPolicy
from uness_auth.provisioning.changes import Provisioning
from uness_auth.web.routes import ROUTES, Route


if TYPE_CHECKING:
    from tests.unit.web.conftest import Browser, Portal

CAMILLE: Final = "camille.durand@univ-exemple.fr"
NADIA: Final = "nadia.benali@chu-exemple.fr"
PASSWORD: Final = "Cheval7+Agrafe"
NEW_PASSWORD: Final = "Pile-Correcte8"
TOLD: Final = "Votre mot de passe a été modifié"
# Spaces at its ends, capitals, and letters that are written in two ways.
ODD: Final = " Mûre Épine Ça va ﬁler "
OPEN: Final = Policy.uness(
    password=PasswordPolicy(
        needs_uppercase=False,
        needs_lowercase=False,
        needs_digit=False,
        needs_special=False,
        is_closed=False,
    )
)
# RFC 6265, 6.1: what a browser keeps of one cookie.
LARGEST_COOKIE: Final = 4096

FOLDER: Final = files("uness_auth")
SCRIPT: Final = (FOLDER / "static/uness_auth/password.js").read_text("utf-8")
TEMPLATES: Final = {
    one.name: one.read_text("utf-8")
    for folder in ("templates/uness_auth", "templates/uness_auth/parts")
    for one in (FOLDER / folder).iterdir()
    if one.name.endswith(".html")
}

Make = Callable[..., "Portal"]


def people(portal: Portal, count: int) -> list[str]:
    """
    Make *count* accounts with a password, and return their addresses.
    """
    addresses = [f"personne{number}@univ-exemple.fr" for number in range(count)]
    for address in addresses:
        portal.add_with_password(address)
    return addresses


class TestPasswords:
    @pytest.mark.parametrize(
        "typed",
        [
            ODD.strip(),
            ODD.rstrip(),
            ODD.lower(),
            ODD[:8],
            f"{ODD} ",
            f"{ODD}\n",
            ODD.replace(" ", "\u00a0"),
            unicodedata.normalize("NFD", ODD),
            unicodedata.normalize("NFKC", ODD),
        ],
        ids=ascii,
    )
    def test_are_taken_exactly_as_typed(self, make_portal: Make, typed: str) -> None:
        """
        Nothing is cut, stripped, folded or normalised, neither when one is set nor at
        the sign-in.
        """
        assert typed != ODD
        portal = make_portal(policy=OPEN)
        browser = portal.add_with_password(password=ODD)
        browser.sign_in(CAMILLE, typed)
        assert browser.account is None

        browser.sign_in(CAMILLE, ODD)
        assert browser.account is not None

    def test_do_not_age(self, portal: Portal) -> None:
        """
        A password works until it is replaced, ten years on too: none is asked to be
        changed for its age.
        """
        browser = portal.add_with_password()
        portal.clock.tick(timedelta(days=3650))
        browser.sign_in()

        assert browser.account is not None

    def test_that_leaked_are_refused_where_they_are_set(
        self, make_portal: Make
    ) -> None:
        """
        Behind a link and on the page of the account alike; at the sign-in nobody asks.
        """
        leaked = {NEW_PASSWORD}
        portal = make_portal(is_leaked=lambda password: password in leaked)
        portal.add()
        browser = portal.browser()
        browser.identify()
        browser.post(
            "link",
            token=portal.token(),
            password=NEW_PASSWORD,
            confirmation=NEW_PASSWORD,
        )
        assert "password-link" == browser.page
        browser.post(
            "link", token=portal.token(), password=PASSWORD, confirmation=PASSWORD
        )
        assert "created" == browser.page

        leaked.add(PASSWORD)
        browser.sign_in()
        assert browser.account is not None
        refused = portal.auth.password_change.change(
            PASSWORD, NEW_PASSWORD, NEW_PASSWORD, client_of(browser)
        )
        assert ChangeRefused(unmet=("too_common",), differs=False) == refused


class TestAccounts:
    def test_there_is_none_at_first(self, portal: Portal) -> None:
        """
        No account comes with the library.
        """
        assert [] == list(portal.auth.provisioning.registry.page("", 10))

    def test_a_registrar_knows_no_password(self, portal: Portal) -> None:
        """
        Whoever creates an account, or ends its sessions, can neither choose its
        password nor see one: a first one is made by a mailed link alone.
        """
        asked = {
            parameter
            for name in dir(Provisioning)
            if not name.startswith("_") and callable(getattr(Provisioning, name))
            for parameter in signature(getattr(Provisioning, name)).parameters
        }

        assert "address" in asked
        assert set() == {one for one in asked if "password" in one or "hash" in one}
        assert not portal.add().has_password

    @pytest.mark.parametrize(
        "route",
        [one for one in ROUTES if "POST" in one.handlers],
        ids=lambda route: route.name,
    )
    def test_no_form_writes_into_one(self, portal: Portal, route: Route) -> None:
        """
        Fields that a page did not ask for change nothing of the account, whatever they
        are called.
        """
        browser = portal.add_with_password()
        before = portal.contents()["accounts"]
        names = [field.name for field in attrs.fields(Account)]
        extra = dict.fromkeys([*names, "account_id", "is_admin", "role"], "1")
        browser.get("identify")
        browser.post(
            route.name,
            token=portal.token(),
            **{**extra, "email": CAMILLE, "username": CAMILLE, "password": "Faux-0000"},
        )

        assert before == portal.contents()["accounts"]

    def test_everybody_may_be_signed_out(self, portal: Portal) -> None:
        """
        Whoever walks the registry and signs each account out has ended all sessions.
        """
        browsers = {one: portal.browser() for one in people(portal, 3)}
        for address, browser in browsers.items():
            browser.sign_in(address)
            assert browser.account is not None

        desk = portal.auth.provisioning
        for account in desk.registry.page("", 10):
            assert isinstance(desk.sign_out(account.address), AccountChanged)

        assert [None] * 3 == [browser.account for browser in browsers.values()]

    def test_may_be_signed_in_as_often_as_one_likes(self, portal: Portal) -> None:
        """
        There is no greatest number of sessions: a new one ends none in another browser.
        """
        portal.add_with_password()
        browsers = [portal.browser() for _ in range(20)]
        for browser in browsers:
            browser.sign_in()

        assert None not in [browser.account for browser in browsers]


def client_of(browser: Browser) -> Client:
    """
    Who asks, as far as a flow wants to know.
    """
    return Client(
        network="203.0.113.9",
        session=browser.cookies["uness-session"],
        device=browser.cookies["uness-device"],
    )


def subjects(portal: Portal) -> list[str]:
    """
    The subjects of all mails to Camille, oldest first.
    """
    return [mail["Subject"] for mail in portal.outbox.to(CAMILLE)]


class TestRemember:
    def test_is_not_asked_where_nothing_is_remembered(self, make_portal: Make) -> None:
        """
        Under the strict policy no session outlives the browser: S7 has no box for it,
        and whoever sends one gets the same session.
        """
        portal = make_portal(policy=Policy.uness(session=Policy.strict().session))
        browser = portal.add_with_password()
        browser.identify()
        assert "" == browser.view.remember

        answer = browser.post(
            "password", username=CAMILLE, password=PASSWORD, remember="yes"
        )
        ages = [
            cookie.max_age
            for cookie in answer.cookies
            if cookie.name.endswith("-session")
        ]
        assert browser.account is not None
        assert [None] == ages

    @pytest.mark.parametrize(
        "session",
        [
            SessionPolicy(remembered_idle=timedelta(hours=2)),
            SessionPolicy(remembered_absolute=timedelta(days=14)),
            SessionPolicy(
                remembered_idle=timedelta(hours=3),
                remembered_absolute=timedelta(hours=12),
            ),
        ],
    )
    def test_is_asked_where_it_is_longer(
        self, make_portal: Make, session: SessionPolicy
    ) -> None:
        """
        One longer limit is enough to be worth a box.
        """
        browser = make_portal(policy=Policy.uness(session=session)).add_with_password()
        browser.identify()

        assert "Se souvenir de moi" == browser.view.remember


class TestOwnAccount:
    def test_a_change_wants_the_current_password(self, portal: Portal) -> None:
        """
        Whoever sits down at an open session changes no password without knowing it.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        before = portal.contents()["accounts"]
        change = portal.auth.password_change.change

        assert isinstance(
            change("Faux-0000", NEW_PASSWORD, NEW_PASSWORD, client_of(browser)),
            WrongPassword,
        )
        assert isinstance(
            change("", NEW_PASSWORD, NEW_PASSWORD, client_of(browser)), NothingTyped
        )
        assert before == portal.contents()["accounts"]

    def test_a_change_ends_all_other_sessions(self, portal: Portal) -> None:
        """
        Only the browser that asked is signed in after it, and the old password is over.
        """
        browser, other = portal.add_with_password(), portal.browser()
        browser.sign_in()
        other.sign_in()

        changed = portal.auth.password_change.change(
            PASSWORD, NEW_PASSWORD, NEW_PASSWORD, client_of(browser)
        )
        assert isinstance(changed, SignedIn)
        assert [None, None] == [browser.account, other.account]
        browser.cookies["uness-session"] = changed.session_token
        assert browser.account is not None
        other.sign_in()
        assert other.account is None

    def test_a_remembered_session_is_asked_again(self, portal: Portal) -> None:
        """
        A session that outlived the browser may be in anybody's hands: it changes no
        password and closes no session.
        """
        browser = portal.add_with_password()
        browser.identify()
        browser.post("password", username=CAMILLE, password=PASSWORD, remember="yes")
        asking = client_of(browser)

        assert NotRecent() == portal.auth.password_change.change(
            PASSWORD, NEW_PASSWORD, NEW_PASSWORD, asking
        )
        assert NotRecent() == portal.auth.open_sessions.close_others(asking)

    def test_sessions_are_listed_and_closed(self, portal: Portal) -> None:
        """
        Their owner sees them, and closes others soon after a sign-in; later she is
        asked again.
        """
        browser, other = portal.add_with_password(), portal.browser()
        browser.sign_in()
        other.sign_in()
        asking = client_of(browser)

        listed = portal.auth.open_sessions.show(asking)
        assert isinstance(listed, SessionsListed)
        assert 1 == len(listed.others)

        portal.clock.tick(portal.auth.policy.session.recent)
        assert NotRecent() == portal.auth.open_sessions.close_others(asking)

        browser.sign_out()
        browser.sign_in()
        closed = portal.auth.open_sessions.close_others(client_of(browser))
        assert SessionsClosed(number=1) == closed
        assert other.account is None

    def test_a_new_password_is_told(self, portal: Portal) -> None:
        """
        A mail tells of a changed and of a reset password, and holds no link that sets
        one.
        """
        browser = portal.add_with_password()
        browser.sign_in()
        portal.auth.password_change.change(
            PASSWORD, NEW_PASSWORD, NEW_PASSWORD, client_of(browser)
        )
        assert TOLD == subjects(portal)[-1]
        assert "/link/" not in portal.outbox.last_text(CAMILLE)

        portal.clock.tick(timedelta(minutes=2))
        stranger = portal.browser()
        stranger.identify()
        stranger.post("ask_link", username=CAMILLE)
        stranger.post(
            "link", token=portal.token(), password=PASSWORD, confirmation=PASSWORD
        )
        assert TOLD == subjects(portal)[-1]

    def test_a_new_browser_is_told(self, portal: Portal) -> None:
        """
        A mail tells of a sign-in where the account never was, whatever the way in, and
        of none where it was before.
        """
        portal.add_with_password()
        browser = portal.browser()
        browser.sign_in()
        assert "Nouvelle connexion" == subjects(portal)[-1]
        assert "/link/" not in portal.outbox.last_text(CAMILLE)

        number = len(subjects(portal))
        browser.sign_out()
        browser.sign_in()
        assert number == len(subjects(portal))

        by_code = portal.browser()
        by_code.identify()
        by_code.post("ask_code", username=CAMILLE)
        by_code.post(
            "confirm_code",
            challenge=by_code.view.challenge,
            code=portal.outbox.code(CAMILLE),
        )
        assert "Nouvelle connexion" == subjects(portal)[-1]


class TestCookies:
    @pytest.fixture(name="shared")
    def _shared(self, portal: Portal) -> Browser:
        """
        The browser of a ward, in which nine people signed in one after the other.
        """
        shared = portal.browser()
        for address in people(portal, 9):
            if shared.account is not None:
                shared.sign_out()
            shared.sign_in(address)
            assert shared.account is not None
            assert address == shared.account.address
        return shared

    def test_fit_into_a_browser(self, shared: Browser) -> None:
        """
        However many people use a browser, each cookie is one that it keeps.
        """
        sizes = [len(name) + len(value) for name, value in shared.cookies.items()]

        assert len(sizes) > 1
        assert max(sizes) <= LARGEST_COOKIE

    def test_tags_of_devices_are_whole(self, shared: Browser) -> None:
        """
        What the device cookie was signed with has 128 bits, twice for each account.
        """
        entries = shared.cookies["uness-device"].split(".")

        assert 8 == len(entries)
        assert {22 + 5 + 2 * 128 // 4} == {len(entry) for entry in entries}

    def test_name_nobody(self, shared: Browser, portal: Portal) -> None:
        """
        No cookie holds an address or an account's id, plain or in base64.
        """
        words = [
            word.encode()
            for account in portal.auth.provisioning.registry.page("", 10)
            for word in (account.address, account.id)
        ]
        held = b" ".join(
            text
            for value in shared.cookies.values()
            for part in re.split("[^A-Za-z0-9_-]", value)
            for text in (part.encode(), urlsafe_b64decode(part[: len(part) // 4 * 4]))
        )

        assert words
        assert [] == [word for word in words if word in held]


class TestFields:
    def test_there_are_some(self) -> None:
        """
        The walk finds fields, or the tests below would prove nothing.
        """
        assert "password_sign_in.html" in TEMPLATES
        assert re.search("<input", "".join(TEMPLATES.values()))

    @pytest.mark.parametrize("name", sorted(TEMPLATES))
    def test_leave_paste_and_managers_alone(self, name: str) -> None:
        """
        No field asks a browser not to fill it in, and none handles what is pasted.
        """
        found = re.findall(r'autocomplete="off"|\son\w+=|\smaxlength', TEMPLATES[name])

        assert [] == found

    @pytest.mark.parametrize(
        "word", ["paste", "copy", "clipboard", "drop", "preventDefault", "keydown"]
    )
    def test_script_leaves_paste_alone(self, word: str) -> None:
        """
        The script hears of what was typed, and hinders nothing.
        """
        assert "addEventListener" in SCRIPT
        assert word not in SCRIPT

    def test_passwords_are_masked_and_filled_in(self) -> None:
        """
        Each field for a password is masked, and says which password it wants.
        """
        fields = re.findall(
            r"<input\b[^>]*\bpassword\b[^>]*>", "".join(TEMPLATES.values()), re.DOTALL
        )

        assert fields
        assert [] == [
            one
            for one in fields
            if not re.search(r'type="password"', one)
            or not re.search(r'autocomplete="(current|new)-password"', one)
        ]

    def test_no_hint_and_no_question(self) -> None:
        """
        No form of any page has a field for a hint or a secret question.
        """
        names = set(re.findall(r'name="([a-z]\w*)"', "".join(TEMPLATES.values())))

        assert "password" in names
        assert set() == {
            one for one in names if re.search("hint|question|answer|birth|secret", one)
        }

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from uness_auth import Policy, Site
from uness_auth.model import Account, Session
from uness_auth.outcomes import ChangeRefused, Scope, SessionsListed, Throttled
from uness_auth.policy import CodePolicy
from uness_auth.web.account_pages import AccountPages
from uness_auth.web.frame import PageContext
from uness_auth.web.http import Page
from uness_auth.web.pages import Pages


NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
CONTEXT = PageContext(language="fr", csrf="guard", next="/private", now=NOW)
BARE = Account(
    id="1", address="camille@univ-exemple.fr", credential_version=1, created_at=NOW
)
ACCOUNT = attrs.evolve(BARE, password_hash="$argon2id$")
OWN = Session(
    digest="0" * 64,
    account_id="1",
    credential_version=1,
    opened_at=NOW,
    last_seen_at=NOW - timedelta(minutes=1),
    browser="Firefox, Windows",
    network="192.0.2.0/24",
)
WAITS = Throttled(scope=Scope.ACCOUNT_PASSWORDS, until=NOW + timedelta(seconds=65))


def account_pages(
    policy: Policy | None = None, *, lists_sessions: bool = True
) -> AccountPages:
    """
    The pages of a site's accounts.
    """
    site = Site(base_url="https://portail.example.fr", home_path="/home")
    pages = Pages(site, policy or Policy.uness(), lambda name: f"/s/{name}")
    return AccountPages(pages, lists_sessions)


def view(page: Page) -> Any:
    """
    What a page shows.
    """
    return page.view


class TestNav:
    def test_leads_to_the_pages_of_the_account(self) -> None:
        """
        Home, password, sessions, and the way out.
        """
        nav = view(account_pages().ask_again(CONTEXT, account=ACCOUNT)).nav

        assert ("/home", "/auth/account/password", "/auth/account/sessions") == (
            nav.home_url,
            nav.password_url,
            nav.sessions_url,
        )
        assert "/auth/sign-out" == nav.action
        assert not nav.is_on_password
        assert not nav.is_on_sessions

    def test_says_where_one_is(self) -> None:
        """
        One entry is the present page.
        """
        pages = account_pages()
        listed = SessionsListed(own=OWN, others=(), is_recent=True)

        assert view(pages.change_password(CONTEXT, account=ACCOUNT)).nav.is_on_password
        assert view(pages.no_password(CONTEXT, account=BARE)).nav.is_on_password
        assert view(pages.sessions(CONTEXT, listed=listed)).nav.is_on_sessions

    def test_without_lists(self) -> None:
        """
        Where sessions cannot be listed nothing leads to them.
        """
        pages = account_pages(lists_sessions=False)

        assert not view(
            pages.change_password(CONTEXT, account=ACCOUNT)
        ).nav.sessions_label


class TestAskAgain:
    @pytest.mark.parametrize(
        ("account", "is_offered", "intro", "label"),
        [
            (ACCOUNT, True, "mot de passe.", True),
            (BARE, True, "code", False),
            (BARE, False, "créez d'abord", False),
        ],
    )
    def test_asks_for_what_there_is(
        self, account: Account, is_offered: bool, intro: str, label: bool
    ) -> None:
        """
        The password; without one a code; without both a link to create one.
        """
        policy = Policy.uness(code=CodePolicy(is_offered=is_offered))
        shown = view(account_pages(policy).ask_again(CONTEXT, account=account))

        assert intro in shown.intro
        assert label == bool(shown.field.label)
        assert is_offered == bool(shown.ways.code_heading)

    def test_the_wait_leads_back(self) -> None:
        """
        With where one was going, or without.
        """
        pages = account_pages()
        nowhere = attrs.evolve(CONTEXT, next="")

        assert (
            "/auth/again?next=/private"
            == view(pages.again_waits(CONTEXT, account=ACCOUNT, outcome=WAITS)).back_url
        )
        assert (
            "/auth/again"
            == view(pages.again_waits(nowhere, account=ACCOUNT, outcome=WAITS)).back_url
        )


class TestChangePassword:
    def test_marks_what_is_wrong(self) -> None:
        """
        The rules and the confirmation, in the words of this page.
        """
        fault = ChangeRefused(unmet=("too_short",), differs=True)
        page = account_pages().change_password(CONTEXT, account=ACCOUNT, fault=fault)
        shown = view(page)

        assert 422 == page.status
        assert shown.frame.title.startswith("Erreur")
        assert "n'est pas encore modifié" in shown.alert.lead
        assert "nouveau" in shown.password.label
        assert "nouveau" in shown.confirmation.label
        assert (True, True, False) == (
            shown.password.is_invalid,
            shown.confirmation.is_invalid,
            shown.current.is_invalid,
        )
        assert [True] == [one.is_unmet for one in shown.rules.rules if one.is_unmet]

    def test_cancel_leads_home(self) -> None:
        """
        « Annuler » changes nothing, and leads to the home page.
        """
        shown = view(account_pages().change_password(CONTEXT, account=ACCOUNT))

        assert "/home" == shown.cancel_url


class TestSessions:
    def test_says_what_is_not_known(self) -> None:
        """
        A browser that names itself nowhere is an unknown one; no network is no line.
        """
        other = attrs.evolve(OWN, digest="1" * 64, browser="", network="")
        listed = SessionsListed(own=OWN, others=(other,), is_recent=True)
        own, another = view(account_pages().sessions(CONTEXT, listed=listed)).entries

        assert ("Navigateur inconnu", "") == (another.name, another.network)
        assert "la session Navigateur inconnu" == another.close_what
        assert "instant" in own.seen
        assert "à 14 h 31" in another.seen

    def test_alone(self) -> None:
        """
        With nothing to close nobody has to prove anything.
        """
        listed = SessionsListed(own=OWN, others=(), is_recent=False)
        shown = view(account_pages().sessions(CONTEXT, listed=listed))

        assert "que sur cet appareil" in shown.intro
        assert ("", "", "") == (shown.again, shown.again_text, shown.close_others)

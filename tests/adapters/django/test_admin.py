"""
Accounts in Django's admin: seen, searched, acted on, and no password anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connections
from django.test import Client

from tests.adapters.django.portal import empty_database, installed
from uness_auth.django import models
from uness_auth.django.admin import STATES
from uness_auth.django.conf import get_auth
from uness_auth.model import Account, Session
from uness_auth.testing import Outbox


USER: Any = get_user_model()
LIST = "/admin/uness_auth/accountrow/"
PASSWORD_HASH = "argon2$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA"
NOW = datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC)
FRESH = "fresh@exemple.fr"
OPEN = "open@exemple.fr"
CLOSED = "closed@exemple.fr"
HALTED = "halted@exemple.fr"
EARLY = "early@exemple.fr"
ENDED = "ended@exemple.fr"
EVERYBODY = {FRESH, OPEN, CLOSED, HALTED, EARLY, ENDED}
# Under the version of whoever they are opened for, and what is added to it.
PHONE = Session(
    digest="9a" * 32,
    account_id="",
    credential_version=0,
    opened_at=NOW - timedelta(hours=1),
    last_seen_at=NOW,
    authenticated_at=NOW,
    browser="Safari, iOS",
    network="2001:db8:9::/48",
)
OLD_PC = attrs.evolve(
    PHONE,
    digest="9b" * 32,
    last_seen_at=NOW - timedelta(minutes=1),
    authenticated_at=None,
    browser="",
    # No network; but whatever a text holds, it is no HTML.
    network="192.0.2.0/24 <b>",
)
VOID = attrs.evolve(
    PHONE, digest="9c" * 32, credential_version=-1, network="198.51.100.0/24"
)


@pytest.fixture(name="outbox")
def _outbox() -> Outbox:
    """
    Where mails end.
    """
    return Outbox()


@pytest.fixture(name="people", autouse=True)
def _people(outbox: Outbox) -> Iterator[None]:
    """
    An account in each state, in a project with Django's own middleware.
    """
    empty_database()
    with installed(
        outbox=outbox,
        urls=settings.ROOT_URLCONF,
        more={"MIDDLEWARE": settings.MIDDLEWARE},
    ):
        for address in EVERYBODY:
            _ = get_auth().provisioning.add(address, display_name=f"Who is {address}")
        for address in EVERYBODY - {FRESH}:
            one = account(address)
            assert accounts().set_password(
                one.id, PASSWORD_HASH, one.credential_version
            )
        _ = get_auth().provisioning.disable(CLOSED)
        now = get_auth().clock()
        days: tuple[tuple[str, dict[str, Any]], ...] = (
            (OPEN, {"valid_from": now, "valid_until": now + timedelta(days=1)}),
            (EARLY, {"valid_from": now + timedelta(days=1)}),
            (ENDED, {"valid_until": now}),
        )
        for address, facts in days:
            one = attrs.evolve(account(address), **facts)
            assert get_auth().provisioning.registry.replace(one, one.credential_version)
        halted = account(HALTED)
        assert accounts().disable_password(halted.id, halted.credential_version)
        yield


def accounts() -> Any:
    """
    Return the account store.
    """
    return get_auth().sessions.accounts


def account(address: str) -> Account:
    """
    Return the account of that address.
    """
    found: Account | None = accounts().by_address(address)
    assert found is not None
    return found


def client(*codenames: str, is_superuser: bool = False) -> Client:
    """
    Return a browser in which somebody with these permissions is signed in.
    """
    helper = USER.objects.create(
        username="helper", is_staff=True, is_superuser=is_superuser
    )
    helper.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser = Client()
    browser.force_login(helper)
    return browser


def shown(page: Any) -> set[str]:
    """
    Return the addresses that a list shows.
    """
    return set(re.findall(r"[a-z]+@exemple\.fr(?=</a>)", page.content.decode()))


def act(browser: Client, action: str, *addresses: str) -> str:
    """
    Do *action* with these accounts, and return what is said about it.
    """
    ids = [row.id for row in models.AccountRow.objects.filter(address__in=addresses)]
    page = browser.post(LIST, {"action": action, "_selected_action": ids}, follow=True)
    assert 200 == page.status_code
    return messages_on(page)


def messages_on(page: Any) -> str:
    """
    Return what a page says above its list.
    """
    return " ".join(re.findall(r'<li class="[a-z]+">(.*?)</li>', page.content.decode()))


class TestRegistered:
    def test_accounts_alone(self) -> None:
        """
        Sessions have no list of their own; code challenges and counters are not shown.
        """
        ours = apps.get_app_config("uness_auth").get_models()

        assert [models.AccountRow] == [
            one for one in ours if admin.site.is_registered(one)
        ]


class TestList:
    def test_everybody(self) -> None:
        """
        The list shows each account with its state.
        """
        page = client("view_accountrow").get(LIST)

        assert EVERYBODY == shown(page)
        text = page.content.decode()
        assert [] == [
            one for key, one in STATES.items() if one not in text and key != "lost"
        ]

    @pytest.mark.parametrize(
        ("state", "found"),
        [
            ("open", {OPEN}),
            ("fresh", {FRESH}),
            ("suspended", {HALTED}),
            ("disabled", {CLOSED}),
            ("early", {EARLY}),
            ("ended", {ENDED}),
            ("lost", set()),
            ("nonsense", EVERYBODY),
        ],
    )
    def test_filtered(self, state: str, found: set[str]) -> None:
        """
        The filter shows those in one state.
        """
        assert found == shown(client("view_accountrow").get(LIST, {"state": state}))

    def test_searched(self) -> None:
        """
        The search looks into addresses and names.
        """
        browser = client("view_accountrow")

        assert {OPEN} == shown(browser.get(LIST, {"q": "open@"}))
        assert {FRESH} == shown(browser.get(LIST, {"q": "is fresh"}))

    def test_lost(self) -> None:
        """
        An account whose user lost the address is there, and says so.
        """
        user = USER.objects.get(pk=account(OPEN).id)
        user.email = "nobody"
        user.save()

        page = client("view_accountrow").get(LIST, {"state": "lost"}).content.decode()

        assert STATES["lost"] in page
        assert f"Who is {OPEN}" in page

    def test_permission(self) -> None:
        """
        Who may not look is refused.
        """
        assert 403 == client().get(LIST).status_code


class TestForm:
    def test_no_hash_and_nothing_to_write(self) -> None:
        """
        One account's page shows no hash, no digest, no version, and has no field.
        """
        url = f"{LIST}{account(OPEN).id}/change/"
        page = client(is_superuser=True).get(url).content.decode()

        row = models.AccountRow.objects.get(address=OPEN)
        assert OPEN in page
        assert [] == [
            secret
            for secret in (PASSWORD_HASH, row.seen_digest, str(row.credential_version))
            if secret in page
        ]
        form = page[page.index('id="accountrow_form"') :]
        assert [] == re.findall(
            r"<(?:input|select|textarea)[^>]* name=\"(?!csrf|_)", form
        )

    def test_sessions(self) -> None:
        """
        Who may see sessions sees those that are not void, and what would open none.
        """
        one = account(OPEN)
        for session in (PHONE, OLD_PC, VOID):
            store = get_auth().sessions.store
            shift = session.credential_version
            store.add(
                attrs.evolve(
                    session,
                    account_id=one.id,
                    credential_version=one.credential_version + shift,
                )
            )
        url = f"{LIST}{one.id}/change/"

        page = client("view_accountrow", "view_sessionrow").get(url).content.decode()

        assert page.index(PHONE.network) < page.index("192.0.2.0/24 &lt;b&gt;")
        assert PHONE.browser in page
        assert 1 == page.count("<td>unknown</td>")
        assert 1 == page.count("<td>never</td>")
        assert VOID.network not in page
        assert [] == [
            each for each in (PHONE, OLD_PC, VOID) if each.digest[:16] in page
        ]

    def test_no_sessions(self) -> None:
        """
        An account without sessions says so.
        """
        url = f"{LIST}{account(FRESH).id}/change/"
        page = client("view_accountrow", "view_sessionrow").get(url).content.decode()

        assert "<th>Last used</th>" not in page
        assert re.search(r"field-sessions.*?>none<", page, re.DOTALL)

    def test_sessions_have_a_permission_of_their_own(self) -> None:
        """
        Who may look at accounts alone is told nothing of their sessions.
        """
        url = f"{LIST}{account(FRESH).id}/change/"
        page = client("view_accountrow").get(url).content.decode()

        assert FRESH in page
        assert "field-sessions" not in page

    def test_neither_added_nor_deleted(self) -> None:
        """
        Not even a superuser makes or removes an account here.
        """
        browser = client(is_superuser=True)

        assert 403 == browser.get(f"{LIST}add/").status_code
        url = f"{LIST}{account(OPEN).id}/delete/"
        assert 403 == browser.post(url, {"post": "yes"}).status_code
        assert "delete_selected" not in browser.get(LIST).content.decode()


class TestActions:
    def test_looking_is_not_acting(self) -> None:
        """
        Who may only look is offered no action.
        """
        browser = client("view_accountrow")
        assert "sign_out" not in browser.get(LIST).content.decode()

        _ = act(browser, "disable", OPEN)

        assert not account(OPEN).is_disabled

    def test_first_links(self, outbox: Outbox) -> None:
        """
        Those without a password get a link, and nobody else a mail.
        """
        browser = client("change_accountrow", "view_accountrow")

        said = act(browser, "send_first_link", FRESH, OPEN, CLOSED)

        assert [FRESH] == [to for to, _ in outbox.messages]
        assert "1 mailed." in said
        assert "2 left" in said

    def test_atomic_requests(
        self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Where the project encloses its views in transactions, this one is left out.
        """
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)

        assert "1 mailed." == act(client("change_accountrow"), "send_first_link", FRESH)

    def test_mail_is_down(self, outbox: Outbox) -> None:
        """
        A mail that cannot be sent is told, and the others are tried.
        """
        outbox.is_down = True

        said = act(client("change_accountrow"), "send_first_link", FRESH)

        # Django begins each of its messages with a capital.
        assert FRESH in said.lower()
        assert "1 left" in said

    def test_disabled_and_enabled(self) -> None:
        """
        A disabled account is disabled for Django too; enabled, it is open again.
        """
        browser = client("change_accountrow")
        before = account(OPEN).credential_version

        assert "1 disabled." == act(browser, "disable", OPEN)
        assert account(OPEN).is_disabled
        assert not USER.objects.get(email=OPEN).is_active

        assert "1 enabled." == act(browser, "enable", OPEN)
        assert not account(OPEN).is_disabled
        assert before + 2 == account(OPEN).credential_version

    def test_signed_out(self) -> None:
        """
        Signed out everywhere, an account keeps its password under a new version.
        """
        before = account(OPEN)

        assert "1 signed out." == act(client("change_accountrow"), "sign_out", OPEN)
        after = account(OPEN)
        assert before.credential_version + 1 == after.credential_version
        assert before.password_hash == after.password_hash

    def test_without_an_address(self) -> None:
        """
        For an account without an address nothing can be done here.
        """
        row = account(OPEN).id
        _ = models.AccountRow.objects.filter(id=row).update(address=None)
        browser = client("change_accountrow")

        page = browser.post(
            LIST, {"action": "disable", "_selected_action": [row]}, follow=True
        )

        assert "1 left" in messages_on(page)

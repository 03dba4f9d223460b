"""
What Django changes without us moves the version before anything else happens.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, Event
from typing import Any

import attrs
import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import override_settings

from uness_auth.django.models import AccountRow
from uness_auth.django.storage import DjangoSessions, DjangoStorage
from uness_auth.errors import StorageError
from uness_auth.model import Account
from uness_auth.ports import Stores
from uness_auth.testing.contracts.accounts import ACCOUNT, OTHER
from uness_auth.testing.contracts.sessions import SESSION


VERSION = ACCOUNT.credential_version
User: Any = get_user_model()


@pytest.fixture(name="stores")
def _stores(using: str) -> Stores:
    """
    Stores that hold two accounts.
    """
    stores = DjangoStorage(using).stores
    assert stores.registry is not None
    _ = stores.registry.apply([ACCOUNT, OTHER])
    return stores


def user(using: str, account: Account = ACCOUNT) -> Any:
    """
    Return the user of that account.
    """
    return User.objects.using(using).get(pk=account.id)


def together(using: str, *calls: Callable[[], object]) -> list[object]:
    """
    Make the calls at the same moment, each in a thread of its own.
    """
    start = Barrier(len(calls))

    def call(one: Callable[[], object]) -> object:
        try:
            _ = start.wait()
            return one()
        finally:
            connections[using].close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def version(using: str) -> int:
    """
    Return the version as its row has it, without a look at the user.
    """
    row = AccountRow.objects.using(using).get(id=ACCOUNT.id)
    return row.credential_version


def new_password(user: Any) -> None:
    """
    Do what Django's own forms do.
    """
    user.set_password("Cheval7+Agrafe")


def inactive(user: Any) -> None:
    """
    Do what an administrator does.
    """
    user.is_active = False


def new_address(user: Any) -> None:
    """
    Do what a profile form does.
    """
    user.email = " New@Exemple.FR"


class Elsewhere:
    """
    A router of a project that keeps our tables in another database.
    """

    def allow_migrate(self, *_where: object, **_what: object) -> bool:
        return False


CHANGES = pytest.mark.parametrize("change", [new_password, inactive, new_address])


class TestFollowing:
    @CHANGES
    def test_a_saved_user(
        self, stores: Stores, using: str, change: Callable[[Any], None]
    ) -> None:
        """
        The version has moved, by one, when the save is over.
        """
        changed = user(using)
        change(changed)
        changed.save()

        assert VERSION + 1 == version(using)
        found = stores.accounts.by_id(ACCOUNT.id)
        assert found is not None
        assert VERSION + 1 == found.credential_version

    @CHANGES
    def test_an_update_that_nobody_tells(
        self, stores: Stores, using: str, change: Callable[[Any], None]
    ) -> None:
        """
        The version moves when the account is next read, and only once.
        """
        changed = user(using)
        change(changed)
        _ = User.objects.using(using).update(
            password=changed.password, email=changed.email, is_active=changed.is_active
        )
        assert VERSION == version(using)

        found = [stores.accounts.by_id(ACCOUNT.id) for _ in range(2)]

        assert [VERSION + 1] * 2 == [one and one.credential_version for one in found]

    @CHANGES
    def test_what_was_made_before_is_void(
        self, stores: Stores, using: str, change: Callable[[Any], None]
    ) -> None:
        """
        P17: under the version before nothing is set, though nobody has read the account
        yet.
        """
        changed = user(using)
        change(changed)
        _ = (
            User.objects.using(using)
            .filter(pk=changed.pk)
            .update(
                password=changed.password,
                email=changed.email,
                is_active=changed.is_active,
            )
        )
        accounts = stores.accounts

        assert not accounts.set_password(ACCOUNT.id, "stolen", VERSION)
        assert not accounts.rehash(ACCOUNT.id, "stolen", VERSION)
        assert not accounts.disable_password(ACCOUNT.id, VERSION)
        assert changed.password == user(using).password

    @CHANGES
    def test_sessions_end(
        self, stores: Stores, using: str, change: Callable[[Any], None]
    ) -> None:
        """
        P38: a session comes with the account as it is now: under another version.
        """
        stores.sessions.add(SESSION)
        changed = user(using)
        change(changed)
        _ = (
            User.objects.using(using)
            .filter(pk=changed.pk)
            .update(
                password=changed.password,
                email=changed.email,
                is_active=changed.is_active,
            )
        )
        assert isinstance(stores.sessions, DjangoSessions)

        found = stores.sessions.with_account(SESSION.digest)

        assert found is not None
        assert VERSION + 1 == found[1].credential_version
        assert found[1].is_disabled is not changed.is_active

    def test_a_sign_in_moves_nothing(self, stores: Stores, using: str) -> None:
        """
        What Django writes at each sign-in leaves the version alone.
        """
        changed = user(using)
        changed.last_login = ACCOUNT.created_at
        changed.save(update_fields=["last_login"])
        changed.first_name = "Camille"
        changed.save()

        assert stores.accounts.by_id(ACCOUNT.id) == ACCOUNT

    def test_many_look_at_once(self, stores: Stores, using: str) -> None:
        """
        Of 8 looks at the same moment one moves the version, and all see it.
        """
        _ = User.objects.using(using).filter(pk=ACCOUNT.id).update(password="x$new")

        found: list[Any] = together(
            using, *[partial(stores.accounts.by_id, ACCOUNT.id)] * 8
        )

        assert [VERSION + 1] * 8 == [one and one.credential_version for one in found]

    def test_a_reset_beside_djangos_own(self, stores: Stores, using: str) -> None:
        """
        Whichever of two new passwords comes first, Django's stands, and is a new version.

        A reset that came first is followed by it; one that came second has lost.
        """
        update = partial(User.objects.using(using).filter(pk=ACCOUNT.id).update)
        for number in range(12):
            before = stores.accounts.by_id(ACCOUNT.id)
            assert before is not None
            now, theirs = before.credential_version, f"x$theirs {number}"
            reset = partial(stores.accounts.set_password, ACCOUNT.id, "x$ours", now)

            is_reset, _ = together(using, reset, partial(update, password=theirs))

            found = stores.accounts.by_id(ACCOUNT.id)
            assert found == attrs.evolve(
                before,
                password_hash=theirs,
                credential_version=now + (2 if is_reset else 1),
            )

    def test_one_page_shows_all(self, stores: Stores, using: str) -> None:
        """
        A registrar's page has followed every user on it, and nobody without an address.
        """
        assert stores.registry is not None
        _ = User.objects.using(using).filter(pk=ACCOUNT.id).update(email="nobody")

        assert [OTHER] == list(stores.registry.page("", 10))
        assert [] == list(stores.registry.page("", 0))

    def test_users_of_another_database(self, stores: Stores, using: str) -> None:
        """
        Where our tables do not belong, nobody looks for them.
        """
        changed = user(using)
        new_password(changed)
        with override_settings(DATABASE_ROUTERS=[f"{__name__}.Elsewhere"]):
            changed.save(using=using)

        assert VERSION == version(using)

    def test_loading_fixtures_is_no_change(self, stores: Stores, using: str) -> None:
        """
        Raw saves are left alone: rows of ours may not be there yet.
        """
        changed = user(using)
        new_password(changed)
        changed.save_base(raw=True, using=using)

        assert VERSION == version(using)


class TestRaces:
    def test_an_address_that_moves(self, stores: Stores, using: str) -> None:
        """
        P8: while two threads give a user one address and the other, past us, a link
        made for the one never fits the account with the other.
        """
        addresses = (ACCOUNT.address, "elsewhere@example.org")
        made: list[tuple[str, int]] = []
        fitted: list[tuple[str, str]] = []
        done = Event()

        def move(address: str) -> None:
            while not done.is_set():
                _ = (
                    User.objects.using(using)
                    .filter(pk=ACCOUNT.id)
                    .update(email=address)
                )

        def look() -> None:
            for _ in range(60):
                # A user who never stands still is no answer, and no way in.
                with suppress(StorageError):
                    account = stores.accounts.by_id(ACCOUNT.id)
                    assert account is not None
                    # What a link for this address carries; who opens it looks again.
                    made.append((account.address, account.credential_version))
                    now = stores.accounts.by_id(ACCOUNT.id)
                    assert now is not None
                    fitted.extend(
                        (address, now.address)
                        for address, version in made[-5:]
                        if version == now.credential_version
                    )
            done.set()

        _ = together(
            using, partial(move, addresses[0]), partial(move, addresses[1]), look, look
        )
        look()

        assert fitted
        assert [] == [pair for pair in fitted if pair[0] != pair[1]]
        assert {address for address, _ in made} <= set(addresses)


class TestPasswords:
    def test_an_unusable_password_is_none(self, stores: Stores, using: str) -> None:
        """
        Django's ways to say that there is no password are ours, and no change.
        """
        changed = user(using)
        changed.set_unusable_password()
        changed.save()
        found = stores.accounts.by_id(ACCOUNT.id)
        assert found is not None
        assert not found.has_password
        assert VERSION + 1 == found.credential_version

        changed.password = ""
        changed.save()
        assert found == stores.accounts.by_id(ACCOUNT.id)

    def test_a_suspension_stays(self, stores: Stores, using: str) -> None:
        """
        A password that Django set is suspended as the one before was.
        """
        assert stores.accounts.disable_password(ACCOUNT.id, VERSION)
        changed = user(using)
        new_password(changed)
        changed.save()

        found = stores.accounts.by_id(ACCOUNT.id)

        assert found is not None
        assert found.is_password_suspended

    def test_passwords_are_the_users(self, stores: Stores, using: str) -> None:
        """
        What we set is where Django looks.
        """
        assert stores.accounts.set_password(ACCOUNT.id, "x$new", VERSION)
        assert user(using).password == "x$new"


class TestAddresses:
    def test_the_account_follows(self, stores: Stores, using: str) -> None:
        """
        It is found by the new address, in its canonical form, and not by the old.
        """
        changed = user(using)
        new_address(changed)
        changed.save()

        assert stores.accounts.by_address(ACCOUNT.address) is None
        found = stores.accounts.by_address("new@exemple.fr")
        assert found is not None
        assert ACCOUNT.id == found.id

    def test_an_update_frees_the_old_one(self, stores: Stores, using: str) -> None:
        """
        Looked up by its old address, an account whose user has another is not found.
        """
        _ = User.objects.using(using).filter(pk=ACCOUNT.id).update(email="n@exemple.fr")

        assert stores.accounts.by_address(ACCOUNT.address) is None
        assert stores.accounts.by_address("n@exemple.fr") is not None

    def test_no_address(self, stores: Stores, using: str) -> None:
        """
        Without one nobody signs in, by any way, until there is one again.
        """
        stores.sessions.add(SESSION)
        changed = user(using)
        changed.email = "camille at home"
        changed.save()
        accounts = stores.accounts
        assert isinstance(stores.sessions, DjangoSessions)

        assert accounts.by_id(ACCOUNT.id) is None
        assert stores.sessions.with_account(SESSION.digest) is None
        assert not accounts.set_password(ACCOUNT.id, "new", VERSION + 1)

        changed.email = ACCOUNT.address
        changed.save()
        assert accounts.by_address(ACCOUNT.address) == attrs.evolve(
            ACCOUNT, credential_version=VERSION + 2
        )

    def test_a_taken_address_stays_with_its_owner(
        self, stores: Stores, using: str
    ) -> None:
        """
        Who gave themselves the address of another is unknown; the other stays.
        """
        thief = user(using, OTHER)
        thief.email = ACCOUNT.address.upper()
        thief.save()

        assert stores.accounts.by_address(ACCOUNT.address) == ACCOUNT
        assert stores.accounts.by_address(OTHER.address) is None
        assert stores.accounts.by_id(OTHER.id) is None

    def test_spelling_stays_the_users(self, stores: Stores, using: str) -> None:
        """
        A change of other things leaves the address as the user typed it.
        """
        changed = user(using)
        changed.email = "Camille.Martin@univ-exemple.fr"
        changed.save()
        found = stores.accounts.by_id(ACCOUNT.id)
        assert found is not None
        assert stores.registry is not None
        named = attrs.evolve(found, display_name="Camille")

        assert stores.registry.replace(named, VERSION + 1)
        assert "Camille.Martin@univ-exemple.fr" == user(using).email
        assert named == stores.accounts.by_id(ACCOUNT.id)


class TestUsers:
    def test_a_deleted_user_takes_the_account_along(
        self, stores: Stores, using: str
    ) -> None:
        """
        Deleted by Django, nobody is there.
        """
        _ = user(using).delete()

        assert stores.accounts.by_id(ACCOUNT.id) is None
        assert stores.accounts.by_id(OTHER.id) == OTHER

    def test_a_user_alone_is_no_account(self, stores: Stores, using: str) -> None:
        """
        Whom Django made has none until adopted.
        """
        made = User.objects.db_manager(using).create_user("x", "x@exemple.fr", "secret")

        assert stores.accounts.by_address("x@exemple.fr") is None
        assert stores.accounts.by_id(str(made.pk)) is None
        made.save()

"""
What every account store does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from functools import partial
from typing import Final

import attrs

from ...model import Account
from ...ports import Accounts
from .base import NOW, StoreContract, is_utc


ACCOUNT: Final = Account(
    id="4711",
    address="camille.martin@univ-exemple.fr",
    credential_version=1_234_567_890,
    created_at=NOW - timedelta(days=400),
    display_name="Camille Martin",
    language="fr",
    password_hash="$argon2id$old",  # noqa: S106 - of a test account
)
OTHER: Final = attrs.evolve(ACCOUNT, id="4712", address="sacha@univ-exemple.fr")

# As long and as odd as they may be: nothing is cut, trimmed, folded or unescaped.
ODD: Final = Account(
    id="ID-" + "9" * 61,
    address="a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 61,
    credential_version=1,
    created_at=NOW,
    display_name=' Zoë O\'Brien-\u00c5ngstr\u00f6m \\ "100 %" %s {x} 李 👩🏽‍⚕️ ',
    language="en",
    password_hash="$x$" + "h" * 500,
)


class AccountsContract(StoreContract[Accounts], ABC):
    """
    What every `uness_auth.ports.Accounts` does.

    Subclass it in your test suite and build a store in `make`.
    """

    @abstractmethod
    def make(self, *accounts: Account) -> Accounts:
        """
        Return a store that holds exactly these accounts.
        """

    def test_found_by_id(self) -> None:
        """
        An account comes back by its id with every field as it was.
        """
        store = self.make(OTHER, ACCOUNT)

        assert ACCOUNT == store.by_id(ACCOUNT.id)

    def test_found_by_address(self) -> None:
        """
        An account comes back by its address with every field as it was.
        """
        store = self.make(OTHER, ACCOUNT)

        assert ACCOUNT == store.by_address(ACCOUNT.address)

    def test_flags_come_back(self) -> None:
        """
        A disabled account comes back disabled, a suspended one suspended.
        """
        disabled = attrs.evolve(ACCOUNT, is_disabled=True)
        suspended = attrs.evolve(OTHER, is_password_suspended=True)
        store = self.make(disabled, suspended)

        assert disabled == store.by_id(disabled.id)
        assert suspended == store.by_id(suspended.id)

    def test_odd_texts_come_back_whole(self) -> None:
        """
        Long ids, addresses and hashes, quotes, emoji and outer spaces stay as they are.
        """
        store = self.make(ODD)

        assert ODD == store.by_id(ODD.id)
        assert ODD == store.by_address(ODD.address)

    def test_instants_are_utc(self) -> None:
        """
        Instants come back aware, in UTC, to the second.
        """
        found = self.make(ACCOUNT).by_id(ACCOUNT.id)

        assert found is not None
        assert is_utc(found.created_at)
        assert ACCOUNT.created_at == found.created_at

    def test_unknown_is_none(self) -> None:
        """
        What nobody stored is None, whatever the text.
        """
        store = self.make(ACCOUNT)
        texts = ["", "0", "%", "_", "'", "\0", "\ud800", "é" * 10_000]

        assert [] == [text for text in texts if store.by_id(text) is not None]
        assert [] == [text for text in texts if store.by_address(text) is not None]

    def test_look_up_is_exact(self) -> None:
        """
        Another case, an accent, a space, a wildcard or a look-alike is another address.

        A collation that folds them would let a stranger's address receive the mails
        of an account.
        """
        known = attrs.evolve(ACCOUNT, id="Mike", address="mike@exemple.fr")
        store = self.make(known)
        addresses = [
            "MIKE@exemple.fr",
            "mikè@exemple.fr",
            "mike\u0301@exemple.fr",
            "mi\u212ae@exemple.fr",
            "mike@exemple.fr ",
            " mike@exemple.fr",
            "mike@exemple.fr\0",
            "mike@exemple.fr\n",
            "mik_@exemple.fr",
            "mike@%",
        ]
        ids = ["mike", "MIKE", "Mike ", "Mikè", "M%"]

        assert [] == [text for text in addresses if store.by_address(text) is not None]
        assert [] == [text for text in ids if store.by_id(text) is not None]

    def test_set_password(self) -> None:
        """
        A new password adds one to the version and leaves the rest of the account alone.
        """
        store = self.make(ACCOUNT, OTHER)

        assert store.set_password(ACCOUNT.id, "new", ACCOUNT.credential_version)
        assert store.by_id(ACCOUNT.id) == attrs.evolve(
            ACCOUNT,
            password_hash="new",  # noqa: S106 - of a test account
            credential_version=ACCOUNT.credential_version + 1,
        )
        assert OTHER == store.by_id(OTHER.id)

    def test_first_password(self) -> None:
        """
        An account without a password gets one the same way.
        """
        fresh = attrs.evolve(ACCOUNT, password_hash="")
        store = self.make(fresh)

        assert store.set_password(fresh.id, "first", fresh.credential_version)
        found = store.by_id(fresh.id)
        assert found is not None
        assert found.has_password

    def test_versions_outgrow_31_bits(self) -> None:
        """
        A version born as the largest 31-bit number grows like any other.
        """
        grown = attrs.evolve(ACCOUNT, credential_version=2**31 - 1)
        store = self.make(grown)

        assert store.set_password(grown.id, "new", 2**31 - 1)
        assert store.set_password(grown.id, "newer", 2**31)

    def test_stale_version_sets_no_password(self) -> None:
        """
        Under any version but the account's own nothing is set.
        """
        store = self.make(ACCOUNT)
        version = ACCOUNT.credential_version

        assert not store.set_password(ACCOUNT.id, "new", version - 1)
        assert not store.set_password(ACCOUNT.id, "new", version + 1)
        assert ACCOUNT == store.by_id(ACCOUNT.id)

    def test_disabled_account_sets_no_password(self) -> None:
        """
        A disabled account keeps its old password, even under its own version.
        """
        disabled = attrs.evolve(ACCOUNT, is_disabled=True)
        store = self.make(disabled)

        assert not store.set_password(disabled.id, "new", disabled.credential_version)
        assert disabled == store.by_id(disabled.id)

    def test_nobody_is_changed(self) -> None:
        """
        For an account that is not there every change is refused, and none appears.
        """
        store = self.make(OTHER)
        version = ACCOUNT.credential_version

        assert not store.set_password(ACCOUNT.id, "new", version)
        assert not store.rehash(ACCOUNT.id, "new", version)
        assert not store.disable_password(ACCOUNT.id, version)
        assert store.by_id(ACCOUNT.id) is None

    def test_set_password_has_one_winner(self) -> None:
        """
        Of 16 concurrent calls with one version exactly one sets its password.
        """
        store = self.make(ACCOUNT)
        version = ACCOUNT.credential_version
        hashes = [f"hash {number}" for number in range(16)]

        won = self.together(
            [partial(store.set_password, ACCOUNT.id, one, version) for one in hashes]
        )

        assert 1 == won.count(True)
        assert store.by_id(ACCOUNT.id) == attrs.evolve(
            ACCOUNT,
            password_hash=hashes[won.index(True)],
            credential_version=version + 1,
        )

    def test_rehash(self) -> None:
        """
        A rehash replaces the hash and moves no version.
        """
        store = self.make(ACCOUNT, OTHER)

        assert store.rehash(ACCOUNT.id, "again", ACCOUNT.credential_version)
        assert store.by_id(ACCOUNT.id) == attrs.evolve(
            ACCOUNT,
            password_hash="again",  # noqa: S106 - of a test account
        )
        assert OTHER == store.by_id(OTHER.id)

    def test_rehash_loses_to_a_new_password(self) -> None:
        """
        A rehash under the version before is refused: an old password never comes back.
        """
        store = self.make(ACCOUNT)
        version = ACCOUNT.credential_version
        assert store.set_password(ACCOUNT.id, "new", version)

        assert not store.rehash(ACCOUNT.id, "old again", version)
        found = store.by_id(ACCOUNT.id)
        assert found is not None
        assert "new" == found.password_hash

    def test_rehash_at_the_same_moment_loses(self) -> None:
        """
        A new password stands, whatever rehashes ran beside it.
        """
        store = self.make(ACCOUNT)
        version = ACCOUNT.credential_version
        rehash = partial(store.rehash, ACCOUNT.id, "old again", version)
        set_password = partial(store.set_password, ACCOUNT.id, "new", version)

        answers = self.together([rehash] * 7 + [set_password] + [rehash] * 8)

        assert answers[7]
        found = store.by_id(ACCOUNT.id)
        assert found is not None
        assert ("new", version + 1) == (found.password_hash, found.credential_version)

    def test_disable_password(self) -> None:
        """
        A suspended password moves no version and keeps its hash.
        """
        store = self.make(ACCOUNT, OTHER)

        assert store.disable_password(ACCOUNT.id, ACCOUNT.credential_version)
        assert store.by_id(ACCOUNT.id) == attrs.evolve(
            ACCOUNT, is_password_suspended=True
        )
        assert OTHER == store.by_id(OTHER.id)

    def test_disable_password_under_a_stale_version_is_refused(self) -> None:
        """
        A password that was set meanwhile is not suspended for its predecessor's sake.
        """
        store = self.make(ACCOUNT)
        assert store.set_password(ACCOUNT.id, "new", ACCOUNT.credential_version)

        assert not store.disable_password(ACCOUNT.id, ACCOUNT.credential_version)
        found = store.by_id(ACCOUNT.id)
        assert found is not None
        assert not found.is_password_suspended

    def test_only_a_new_password_lifts_the_suspension(self) -> None:
        """
        A rehash leaves a password suspended; setting one lifts it.
        """
        suspended = attrs.evolve(ACCOUNT, is_password_suspended=True)
        store = self.make(suspended)
        version = suspended.credential_version

        assert store.rehash(suspended.id, "again", version)
        found = store.by_id(suspended.id)
        assert found is not None
        assert found.is_password_suspended

        assert store.set_password(suspended.id, "new", version)
        found = store.by_id(suspended.id)
        assert found is not None
        assert not found.is_password_suspended

"""
What every account store does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from functools import partial
from operator import methodcaller
from typing import ClassVar, Final

import attrs

from ...model import Account
from ...ports import Accounts
from .base import ELSEWHERE, LATE, NOW, PROCESSES, StoreContract, is_utc, second


ACCOUNT: Final = Account(
    id="4711",
    address="camille.martin@univ-exemple.fr",
    credential_version=1_234_567_890,
    created_at=NOW - timedelta(days=400),
    display_name="Camille Martin",
    language="fr",
    password_hash="$argon2id$old",  # noqa: S106 - of a test account
    provisioned_by="Facult\u00e9 de m\u00e9decine",
    valid_from=NOW - timedelta(days=30),
    valid_until=NOW + timedelta(days=300),
)
NEW: Final = attrs.evolve(
    ACCOUNT,
    password_hash="new",  # noqa: S106 - of a test account
    credential_version=ACCOUNT.credential_version + 1,
)
OTHER: Final = attrs.evolve(ACCOUNT, id="4712", address="sacha@univ-exemple.fr")

# As long and as odd as they may be: nothing is cut, trimmed, folded or unescaped.
ODD: Final = Account(
    id="".join(["Zo\u00eb's \"\\%_ ", "9" * 50, "\U0001f469\u200d "]),
    address="a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 61,
    credential_version=1,
    created_at=NOW,
    display_name=' Zoe\u0308 O\'Brien-\u00c5ngstr\u00f6m \\ "100 %" %s {x} \\n\t'
    + "\u674e" * 900
    + "\U0001f469\U0001f3fd\u200d\u2695\ufe0f ",
    language="en",
    password_hash="$x$" + "h" * 500,
    provisioned_by="'\u00c9 \"\\%_ " + "r" * 54 + "\U0001f469 ",
    external_id=" n\u00b0 '%_\\ " + "9" * 117 + "\U0001f469 ",
)

# What one collation or another takes for the same: case, accents, composed or not,
# the Turkish i, ligatures, width, what is invisible, and spaces at the ends.
LOOK_ALIKES: Final = (
    "mike",
    "Mike",
    "MIKE",
    "mik\u00e9",
    "mike\u0301",
    "m\u0131ke",
    "m\u0130ke",
    "mi\u212ae",
    "\uff4dike",
    "mi\u00adke",
    "mike\u200b",
    "mike ",
    " mike",
    "mike\t",
    "strasse",
    "stra\u00dfe",
    "file",
    "\ufb01le",
)


_SET_PASSWORD: Final = methodcaller(
    "set_password", ACCOUNT.id, NEW.password_hash, ACCOUNT.credential_version
)
_REHASH: Final = methodcaller("rehash", NEW.id, "newer", NEW.credential_version)
_DISABLE_PASSWORD: Final = methodcaller(
    "disable_password", NEW.id, NEW.credential_version
)


class AccountsContract(StoreContract[Accounts], ABC):
    """
    What every `uness_auth.ports.Accounts` does.

    Subclass it in your test suite and build a store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (ACCOUNT.address, ACCOUNT.password_hash)

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
        Long texts, quotes, backslashes, accents, emoji and outer spaces stay as they are.
        """
        self.need("supports_any_text")
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

    def test_zones_are_understood(self) -> None:
        """
        An instant given in another time zone comes back as the instant that it is.
        """
        foreign = attrs.evolve(ACCOUNT, created_at=ELSEWHERE)
        store = self.make(foreign)

        assert foreign == store.by_id(foreign.id)

    def test_seconds_are_not_rounded(self) -> None:
        """
        An instant with microseconds comes back as the same second, never as the next.
        """
        found = self.make(attrs.evolve(ACCOUNT, created_at=NOW + LATE)).by_id("4711")

        assert found is not None
        assert NOW == second(found.created_at)

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
        self.need("supports_any_text")
        known = attrs.evolve(ACCOUNT, id="Mike", address="mike@exemple.fr")
        store = self.make(known)
        addresses = [
            *(f"{text}@exemple.fr" for text in LOOK_ALIKES[1:]),
            "mike@exemple.fr ",
            "mike@exemple.fr\0",
            "mike@exemple.fr\n",
            "mik_@exemple.fr",
            "mike@%",
        ]
        ids = ["mike", "MIKE", "Mike ", "Mik\u00e9", "M\u0131ke", "M%", "Mike\0"]

        assert [] == [text for text in addresses if store.by_address(text) is not None]
        assert [] == [text for text in ids if store.by_id(text) is not None]

    def test_look_alikes_are_accounts_of_their_own(self) -> None:
        """
        Addresses and ids that some collation takes for one another name different people.
        """
        self.need("supports_any_text")
        people = [
            attrs.evolve(ACCOUNT, id=text, address=f"{text}@exemple.fr")
            for text in LOOK_ALIKES
        ]
        store = self.make(*people)

        found = [store.by_address(one.address) for one in people]

        assert list(LOOK_ALIKES) == [one.id if one else None for one in found]
        assert people == [store.by_id(one.id) for one in people]

    def test_set_password(self) -> None:
        """
        A new password adds one to the version and leaves the rest of the account alone.
        """
        store = self.make(ACCOUNT, OTHER)

        assert store.set_password(ACCOUNT.id, "new", ACCOUNT.credential_version)
        assert NEW == store.by_id(ACCOUNT.id)
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

    def test_strangers_do_not_wait_in_vain(self) -> None:
        """
        Changes of 16 accounts at the same moment are all done.
        """
        people = [
            attrs.evolve(ACCOUNT, id=f"{n}", address=f"{n}@exemple.fr")
            for n in range(1, 17)
        ]
        store = self.make(*people)
        version = ACCOUNT.credential_version

        done = self.together(
            [partial(store.set_password, one.id, "new", version) for one in people]
        )

        assert [True] * 16 == done
        assert [attrs.evolve(NEW, id=p.id, address=p.address) for p in people] == [
            store.by_id(p.id) for p in people
        ]

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
        assert not store.rehash(ACCOUNT.id, "new again", version + 2)
        assert NEW == store.by_id(ACCOUNT.id)

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
        assert NEW == store.by_id(ACCOUNT.id)

    def test_done_twice_is_done(self) -> None:
        """
        A change that changes nothing is True: the account is under that version.

        A database may count the rows that it changed rather than those that it found.
        """
        store = self.make(ACCOUNT)
        version = ACCOUNT.credential_version

        assert store.rehash(ACCOUNT.id, "again", version)
        assert store.rehash(ACCOUNT.id, "again", version)
        assert store.disable_password(ACCOUNT.id, version)
        assert store.disable_password(ACCOUNT.id, version)

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
        assert not store.disable_password(ACCOUNT.id, NEW.credential_version + 1)
        assert NEW == store.by_id(ACCOUNT.id)

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

    def test_set_password_has_one_winner_among_processes(self) -> None:
        """
        Of processes with one version exactly one sets its password.
        """
        store = self.make(ACCOUNT)
        version = ACCOUNT.credential_version
        hashes = [f"hash {number}" for number in range(PROCESSES)]

        won = self.in_processes(
            *([methodcaller("set_password", ACCOUNT.id, h, version)] for h in hashes)
        )

        assert 1 == won.count([True])
        assert store.by_id(ACCOUNT.id) == attrs.evolve(
            NEW, password_hash=hashes[won.index([True])]
        )

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        What was read before is read anew: another process may have changed it.
        """
        store = self.make(ACCOUNT)
        assert ACCOUNT == store.by_id(ACCOUNT.id)
        assert ACCOUNT == store.by_address(ACCOUNT.address)

        [[done]] = self.in_processes([_SET_PASSWORD])

        assert done
        assert NEW == store.by_id(ACCOUNT.id)
        assert NEW == store.by_address(ACCOUNT.address)

    def test_a_crash_takes_nothing_back(self) -> None:
        """
        What was answered is written, though the process ended at that moment.
        """
        store = self.make(ACCOUNT)

        [done] = self.in_processes([_SET_PASSWORD, _REHASH, _DISABLE_PASSWORD])

        assert [True, True, True] == done
        assert store.by_id(ACCOUNT.id) == attrs.evolve(
            NEW,
            password_hash="newer",  # noqa: S106 - of a test account
            is_password_suspended=True,
        )
        assert store.set_password(ACCOUNT.id, "newest", NEW.credential_version)

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database every method raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        version = ACCOUNT.credential_version

        assert {} == self.out_of_reach(
            by_id=(ACCOUNT.id,),
            by_address=(ACCOUNT.address,),
            set_password=(ACCOUNT.id, ACCOUNT.password_hash, version),
            rehash=(ACCOUNT.id, ACCOUNT.password_hash, version),
            disable_password=(ACCOUNT.id, version),
        )

"""
What every registry does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from functools import partial
from operator import methodcaller
from typing import ClassVar, Final, Protocol

import attrs

from ...errors import StorageError
from ...model import Account
from ...ports import BulkRegistry, Registry
from .accounts import ACCOUNT, LOOK_ALIKES, ODD, OTHER
from .base import ELSEWHERE, LATE, NOW, PROCESSES, StoreContract, is_utc, second


_MOVED: Final = attrs.evolve(
    ACCOUNT,
    address="new@exemple.fr",
    credential_version=ACCOUNT.credential_version + 1,
)
# Known to their registrar under ids of its own; anybody else's may be the same.
_NUMBERED: Final = attrs.evolve(ACCOUNT, external_id="E-1001")
_NAMESAKE: Final = attrs.evolve(
    OTHER, provisioned_by="CHU", external_id=_NUMBERED.external_id
)
_REPLACE: Final = methodcaller("replace", _MOVED, ACCOUNT.credential_version)
_APPLY: Final = methodcaller("apply", [OTHER])


class RegistryContract(StoreContract[Registry], ABC):
    """
    What every `uness_auth.ports.Registry` does.

    Subclass it in your test suite and build an empty store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (ACCOUNT.address, ACCOUNT.password_hash)

    @abstractmethod
    def make(self) -> Registry:
        """
        Return an empty store.
        """

    def test_applied_accounts_are_there(self) -> None:
        """
        What is added comes back with every field, and its ids are told.
        """
        store = self.make()
        disabled = attrs.evolve(OTHER, is_disabled=True)

        added = store.apply([ACCOUNT, disabled])

        assert frozenset({ACCOUNT.id, disabled.id}) == added
        assert [ACCOUNT, disabled] == list(store.page("", 10))

    def test_odd_texts_are_applied_whole(self) -> None:
        """
        Long texts, quotes, backslashes, accents, emoji and outer spaces stay as they are.
        """
        self.need("supports_any_text")
        store = self.make()

        assert frozenset({ODD.id}) == store.apply([ODD])
        assert [ODD] == list(store.page("", 10))

    def test_nothing_is_applied(self) -> None:
        """
        No account at all is nothing added.
        """
        store = self.make()

        assert frozenset() == store.apply([])
        assert [] == list(store.page("", 10))

    def test_thousands_are_applied(self) -> None:
        """
        A whole intake fits into one call.
        """
        store = self.make()
        intake = [
            attrs.evolve(ACCOUNT, id=f"{n}", address=f"{n}@exemple.fr")
            for n in range(10_000, 15_000)
        ]

        assert {account.id for account in intake} == store.apply(intake)
        assert intake == list(store.page("", 6_000))

    def test_known_ids_are_skipped(self) -> None:
        """
        An account whose id is known is left as it is; the others are added.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])
        same_id = attrs.evolve(ACCOUNT, address="new@exemple.fr")

        assert frozenset({OTHER.id}) == store.apply([same_id, OTHER])
        assert [ACCOUNT, OTHER] == list(store.page("", 10))

    def test_known_addresses_are_skipped(self) -> None:
        """
        An account whose address is known is left as it is; the others are added.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])
        same_address = attrs.evolve(ACCOUNT, id="4713")

        assert frozenset({OTHER.id}) == store.apply([same_address, OTHER])
        assert [ACCOUNT, OTHER] == list(store.page("", 10))

    def test_the_first_of_twins_is_added(self) -> None:
        """
        Of two with one address, or one id, in one call the first is added.
        """
        store = self.make()
        same_address = attrs.evolve(ACCOUNT, id="4713")
        same_id = attrs.evolve(ACCOUNT, address="new@exemple.fr")

        assert frozenset({ACCOUNT.id}) == store.apply([ACCOUNT, same_address, same_id])
        assert [ACCOUNT] == list(store.page("", 10))

    def test_known_external_ids_are_skipped(self) -> None:
        """
        An account whose external id its registrar has given is left as it is.
        """
        store = self.make()
        _ = store.apply([_NUMBERED])
        same = attrs.evolve(_NUMBERED, id="4713", address="new@exemple.fr")
        twin = attrs.evolve(
            OTHER, id="4714", address="twin@exemple.fr", external_id="E-1002"
        )
        other = attrs.evolve(OTHER, external_id="E-1002")

        assert frozenset({OTHER.id}) == store.apply([same, other, twin])
        assert [_NUMBERED, other] == list(store.page("", 10))

    def test_external_ids_are_each_registrars_own(self) -> None:
        """
        Two registrars may give one id, and any number of accounts have none.
        """
        store = self.make()
        nobodys = [
            attrs.evolve(ACCOUNT, id=one, address=one, provisioned_by=registrar)
            for one, registrar in (("5", ""), ("6", ""), ("7", "CHU"), ("8", "CHU"))
        ]
        people = [_NUMBERED, _NAMESAKE, *nobodys]

        assert {one.id for one in people} == store.apply(people)
        assert people == list(store.page("", 10))

    def test_similar_external_ids_are_not_known(self) -> None:
        """
        External ids and registrars that differ by case, accent or space are others.
        """
        self.need("supports_any_text")
        store = self.make()
        accounts = [
            attrs.evolve(
                ACCOUNT, id=f"{n}", address=f"{n}", provisioned_by=who, external_id=one
            )
            for n, (who, one) in enumerate(
                [("CHU", one) for one in LOOK_ALIKES]
                + [(one, "E-1001") for one in LOOK_ALIKES]
            )
        ]

        assert {one.id for one in accounts} == store.apply(accounts)

    def test_similar_addresses_are_not_known(self) -> None:
        """
        Addresses and ids that differ by case, accent or space belong to others.
        """
        self.need("supports_any_text")
        store = self.make()
        accounts = [attrs.evolve(ACCOUNT, id=one, address=one) for one in LOOK_ALIKES]

        assert frozenset(LOOK_ALIKES) == store.apply(accounts)

    def test_all_or_none_are_applied(self) -> None:
        """
        Where one account cannot be stored, none is; what is stored is stored whole.
        """
        # No database encodes a lone surrogate, and some end a text at a NUL.
        for odd in ("\ud800", "a\0b"):
            store = self.make()
            people = [ACCOUNT, attrs.evolve(OTHER, display_name=odd)]
            added: frozenset[str] = frozenset()

            with suppress(StorageError):
                added = store.apply(people)

            assert list(store.page("", 10)) == (people if added else [])

    def test_instants_are_utc(self) -> None:
        """
        Instants come back aware, in UTC, in the second that they lie in.
        """
        store = self.make()
        late = attrs.evolve(OTHER, created_at=NOW + LATE)
        _ = store.apply([attrs.evolve(ACCOUNT, created_at=NOW), late])

        instants = [one.created_at for one in store.page("", 10)]

        assert [True, True] == [is_utc(one) for one in instants]
        assert [NOW, NOW] == [second(one) for one in instants]

    def test_zones_are_understood(self) -> None:
        """
        An instant given in another time zone comes back as the instant that it is.
        """
        store = self.make()
        foreign = attrs.evolve(ACCOUNT, created_at=ELSEWHERE)
        _ = store.apply([foreign, attrs.evolve(OTHER, created_at=NOW)])

        assert store.replace(
            attrs.evolve(OTHER, created_at=ELSEWHERE), OTHER.credential_version
        )
        assert [foreign, attrs.evolve(OTHER, created_at=NOW)] == list(store.page("", 9))

    def test_one_address_has_one_owner(self) -> None:
        """
        Of 16 concurrent calls with one address exactly one adds it.
        """
        store = self.make()
        rivals = [attrs.evolve(ACCOUNT, id=f"{n}") for n in range(101, 117)]

        added = self.together([partial(store.apply, [rival]) for rival in rivals])

        stored = [account.id for account in store.page("", 20)]
        assert 1 == len(stored)
        assert [frozenset(stored)] == [ids for ids in added if ids]

    def test_one_external_id_has_one_owner(self) -> None:
        """
        Of 16 concurrent calls with one external id of one registrar exactly one adds it.
        """
        store = self.make()
        rivals = [
            attrs.evolve(_NUMBERED, id=f"{n}", address=f"{n}@exemple.fr")
            for n in range(101, 117)
        ]

        added = self.together([partial(store.apply, [rival]) for rival in rivals])

        stored = [account.id for account in store.page("", 20)]
        assert 1 == len(stored)
        assert [frozenset(stored)] == [ids for ids in added if ids]

    def test_intakes_at_the_same_moment(self) -> None:
        """
        Of accounts in two concurrent calls, each in its own order, each is added once.

        Calls that lock one account after the other may wait for each other for ever.
        """
        store = self.make()
        people = [
            attrs.evolve(ACCOUNT, id=f"{n}", address=f"{n}@exemple.fr")
            for n in range(101, 301)
        ]

        one, other = self.together(
            [partial(store.apply, people), partial(store.apply, people[::-1])]
        )

        assert frozenset() == one & other
        assert {account.id for account in people} == one | other
        assert people == list(store.page("", 300))

    def test_pages_go_on_after_the_last_id(self) -> None:
        """
        Pages hold each account once, by id as text: 10 before 9.

        The id to go on after may be gone.
        """
        store = self.make()
        ids = ["1", "10", "12", "2", "21", "3", "9"]
        _ = store.apply(
            [attrs.evolve(ACCOUNT, id=one, address=one) for one in reversed(ids)]
        )

        pages = [store.page(after, 3) for after in ("", "12", "3")]

        assert [ids[:3], ids[3:6], ids[6:]] == [
            [account.id for account in page] for page in pages
        ]
        assert [] == list(store.page("9", 3))
        assert store.erase("12")
        assert ids[3:4] == [account.id for account in store.page("12", 1)]

    def test_pages_are_in_the_order_of_characters(self) -> None:
        """
        Capitals come before small letters, and small letters before accents.
        """
        self.need("supports_any_text")
        store = self.make()
        ids = ["0", "10", "9", "B", "a", "a b", "\u00e9"]
        _ = store.apply(
            [attrs.evolve(ACCOUNT, id=one, address=one) for one in reversed(ids)]
        )

        pages = [store.page(after, 3) for after in ("", "9", "a b")]

        assert [ids[:3], ids[3:6], ids[6:]] == [
            [account.id for account in page] for page in pages
        ]

    def test_replace_writes_every_field(self) -> None:
        """
        An account is replaced as a whole, and nobody else is.
        """
        store = self.make()
        _ = store.apply([ACCOUNT, OTHER])
        new = Account(
            id=ACCOUNT.id,
            address="new@exemple.fr",
            credential_version=ACCOUNT.credential_version + 1,
            created_at=NOW,
            display_name="Camille Durand",
            language="en",
            password_hash="",
            is_disabled=True,
            provisioned_by="CHU",
            external_id="E-1002",
            valid_from=None,
            valid_until=NOW,
        )

        assert store.replace(new, ACCOUNT.credential_version)
        assert [new, OTHER] == list(store.page("", 10))

    def test_replaced_by_the_same(self) -> None:
        """
        An account may be written as it stands: it is under that version.

        A database may count the rows that it changed rather than those that it found.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])

        assert store.replace(ACCOUNT, ACCOUNT.credential_version)
        assert [ACCOUNT] == list(store.page("", 10))

    def test_replace_under_a_stale_version_is_refused(self) -> None:
        """
        Under any version but the stored one nothing is written.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])
        new = attrs.evolve(ACCOUNT, display_name="Camille Durand")

        assert not store.replace(new, ACCOUNT.credential_version - 1)
        assert not store.replace(new, ACCOUNT.credential_version + 1)
        assert [ACCOUNT] == list(store.page("", 10))

    def test_replace_to_a_taken_address_is_refused(self) -> None:
        """
        An address that belongs to another stays with its owner.
        """
        store = self.make()
        _ = store.apply([ACCOUNT, OTHER])
        thief = attrs.evolve(OTHER, address=ACCOUNT.address)

        assert not store.replace(thief, OTHER.credential_version)
        assert [ACCOUNT, OTHER] == list(store.page("", 10))

    def test_replace_to_a_taken_external_id_is_refused(self) -> None:
        """
        An external id of the same registrar stays with its owner.
        """
        store = self.make()
        _ = store.apply([_NUMBERED, _NAMESAKE])
        thief = attrs.evolve(_NAMESAKE, provisioned_by=_NUMBERED.provisioned_by)

        assert not store.replace(thief, OTHER.credential_version)
        assert [_NUMBERED, _NAMESAKE] == list(store.page("", 10))

    def test_a_new_external_id_frees_the_old(self) -> None:
        """
        After a change of external id the old one is free and the new one taken.
        """
        store = self.make()
        _ = store.apply([_NUMBERED])
        renumbered = attrs.evolve(_NUMBERED, external_id="E-2001")
        assert store.replace(renumbered, ACCOUNT.credential_version)

        heir = attrs.evolve(OTHER, external_id=_NUMBERED.external_id)
        late = attrs.evolve(renumbered, id="4713", address="late@exemple.fr")

        assert frozenset({heir.id}) == store.apply([heir, late])
        assert store.erase(renumbered.id)
        assert frozenset({late.id}) == store.apply([late])

    def test_replace_creates_nobody(self) -> None:
        """
        An account that is not there is not replaced, and does not appear.
        """
        store = self.make()

        assert not store.replace(ACCOUNT, ACCOUNT.credential_version)
        assert [] == list(store.page("", 10))

    def test_replace_leaves_the_suspension_alone(self) -> None:
        """
        A suspended password stays so, and one that is not does not become so.
        """
        store = self.make()
        suspended = attrs.evolve(ACCOUNT, is_password_suspended=True)
        _ = store.apply([suspended, OTHER])
        version = ACCOUNT.credential_version

        assert store.replace(ACCOUNT, version)
        assert store.replace(attrs.evolve(OTHER, is_password_suspended=True), version)
        assert [suspended, OTHER] == list(store.page("", 10))

    def test_replace_has_one_winner(self) -> None:
        """
        Of 16 concurrent calls with one version exactly one writes.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])
        version = ACCOUNT.credential_version
        rivals = [
            attrs.evolve(ACCOUNT, display_name=f"{n}", credential_version=version + 1)
            for n in range(16)
        ]

        won = self.together([partial(store.replace, one, version) for one in rivals])

        assert 1 == won.count(True)
        assert [rivals[won.index(True)]] == list(store.page("", 10))

    def test_a_new_address_has_one_owner(self) -> None:
        """
        Of 8 accounts that move to one address at the same moment exactly one does.
        """
        store = self.make()
        people = [
            attrs.evolve(ACCOUNT, id=f"{n}", address=f"{n}@exemple.fr")
            for n in range(1, 9)
        ]
        _ = store.apply(people)
        moved = [attrs.evolve(one, address="new@exemple.fr") for one in people]

        won = self.together(
            [partial(store.replace, one, one.credential_version) for one in moved]
        )

        assert 1 == won.count(True)
        assert list(store.page("", 10)) == [
            new if is_won else old
            for is_won, old, new in zip(won, people, moved, strict=True)
        ]

    def test_a_new_address_frees_the_old(self) -> None:
        """
        After a change of address the old one is free and the new one taken.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])
        moved = attrs.evolve(ACCOUNT, address="new@exemple.fr")
        assert store.replace(moved, ACCOUNT.credential_version)

        heir = attrs.evolve(OTHER, address=ACCOUNT.address)
        late = attrs.evolve(OTHER, id="4713", address=moved.address)

        assert frozenset({heir.id}) == store.apply([heir, late])
        assert [moved, heir] == list(store.page("", 10))

    def test_erased_once(self) -> None:
        """
        An erased account is gone, alone, and its id and address may be used again.
        """
        store = self.make()
        _ = store.apply([ACCOUNT, OTHER])

        assert store.erase(ACCOUNT.id)
        assert not store.erase(ACCOUNT.id)
        assert [OTHER] == list(store.page("", 10))
        assert frozenset({ACCOUNT.id}) == store.apply([ACCOUNT])

    def test_erase_has_one_winner(self) -> None:
        """
        Of 16 concurrent calls exactly one erases.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])

        won = self.together([partial(store.erase, ACCOUNT.id)] * 16)

        assert 1 == won.count(True)

    def test_one_address_has_one_owner_among_processes(self) -> None:
        """
        Of processes that add one address exactly one does.
        """
        store = self.make()
        rivals = [attrs.evolve(ACCOUNT, id=f"{n + 101}") for n in range(PROCESSES)]

        added = self.in_processes(*([methodcaller("apply", [one])] for one in rivals))

        stored = [account.id for account in store.page("", 10)]
        assert 1 == len(stored)
        assert [[frozenset(stored)]] == [ids for ids in added if ids != [set()]]

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        What was read before is read anew: another process may have changed it.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])
        assert [ACCOUNT] == list(store.page("", 10))

        [done] = self.in_processes([_REPLACE, _APPLY])

        assert [True, {OTHER.id}] == done
        assert [_MOVED, OTHER] == list(store.page("", 10))

    def test_a_crash_takes_nothing_back(self) -> None:
        """
        What was answered is written, though the process ended at that moment.
        """
        store = self.make()
        _ = store.apply([ACCOUNT])

        [done] = self.in_processes([_APPLY, _REPLACE, methodcaller("erase", OTHER.id)])

        assert [{OTHER.id}, True, True] == done
        assert [_MOVED] == list(store.page("", 10))
        assert {OTHER.id} == store.apply([OTHER])

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database every method raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        assert {} == self.out_of_reach(
            page=("", 10),
            apply=([ACCOUNT],),
            replace=(ACCOUNT, ACCOUNT.credential_version),
            erase=(ACCOUNT.id,),
        )


class BulkWritingRegistry(Registry, BulkRegistry, Protocol):
    """
    A registry that replaces many accounts at a time.
    """


class BulkRegistryContract(StoreContract[BulkWritingRegistry], ABC):
    """
    What every `uness_auth.ports.BulkRegistry` does, beside `RegistryContract`.

    Subclass it in your test suite and build an empty store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (ACCOUNT.address, ACCOUNT.password_hash)

    @abstractmethod
    def make(self) -> BulkWritingRegistry:
        """
        Return an empty store.
        """

    def test_many_are_replaced(self) -> None:
        """
        Each is written whole, a suspension left as it is, and the ids are told.
        """
        store = self.make()
        suspended = attrs.evolve(ACCOUNT, is_password_suspended=True)
        _ = store.apply([suspended, OTHER])
        moved = attrs.evolve(_MOVED, display_name="Camille", is_disabled=True)
        renamed = attrs.evolve(OTHER, display_name="Dominique")

        written = store.replace_many(
            [(moved, ACCOUNT.credential_version), (renamed, OTHER.credential_version)]
        )

        assert frozenset({ACCOUNT.id, OTHER.id}) == written
        kept = attrs.evolve(moved, is_password_suspended=True)
        assert [kept, renamed] == list(store.page("", 10))

    def test_none_are_replaced(self) -> None:
        """
        No account at all is nothing written, and one that is not there does not appear.
        """
        store = self.make()

        assert frozenset() == store.replace_many([])
        assert frozenset() == store.replace_many([(ACCOUNT, 1)])
        assert [] == list(store.page("", 10))

    def test_stale_versions_are_passed_over(self) -> None:
        """
        Who is under another version by now is left alone; the others are written.
        """
        store = self.make()
        _ = store.apply([ACCOUNT, OTHER])
        renamed = attrs.evolve(OTHER, display_name="Dominique")

        written = store.replace_many(
            [
                (_MOVED, ACCOUNT.credential_version - 1),
                (renamed, OTHER.credential_version),
            ]
        )

        assert frozenset({OTHER.id}) == written
        assert [ACCOUNT, renamed] == list(store.page("", 10))

    def test_taken_keys_are_passed_over(self) -> None:
        """
        An address that belongs to another stays with its owner; the others are written.
        """
        store = self.make()
        third = attrs.evolve(ACCOUNT, id="9", address="third@exemple.fr")
        _ = store.apply([ACCOUNT, OTHER, third])
        thief = attrs.evolve(OTHER, address=ACCOUNT.address)
        renamed = attrs.evolve(third, display_name="Dominique")

        written = store.replace_many(
            [(thief, OTHER.credential_version), (renamed, third.credential_version)]
        )

        assert frozenset({third.id}) == written
        assert {ACCOUNT, OTHER, renamed} == {*store.page("", 10)}

    def test_all_or_none_are_replaced(self) -> None:
        """
        Where one account cannot be stored, none is; what is stored is stored whole.
        """
        # No database encodes a lone surrogate, and some end a text at a NUL.
        for odd in ("\ud800", "a\0b"):
            store = self.make()
            _ = store.apply([ACCOUNT, OTHER])
            people = [
                attrs.evolve(ACCOUNT, display_name="Camille"),
                attrs.evolve(OTHER, display_name=odd),
            ]
            written: frozenset[str] = frozenset()

            with suppress(StorageError):
                written = store.replace_many(
                    [(one, one.credential_version) for one in people]
                )

            stored = list(store.page("", 10))
            assert stored == (people if written else [ACCOUNT, OTHER])

    def test_each_has_one_winner(self) -> None:
        """
        Of accounts in two concurrent calls, each in its own order, each is written once.

        Calls that lock one account after the other may wait for each other for ever.
        """
        store = self.make()
        people = [
            attrs.evolve(ACCOUNT, id=f"{n}", address=f"{n}@exemple.fr")
            for n in range(101, 301)
        ]
        _ = store.apply(people)
        changes = [
            (
                attrs.evolve(one, credential_version=one.credential_version + 1),
                one.credential_version,
            )
            for one in people
        ]

        one, other = self.together(
            [
                partial(store.replace_many, changes),
                partial(store.replace_many, changes[::-1]),
            ]
        )

        assert frozenset() == one & other
        assert {account.id for account in people} == one | other

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database it raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        changes = [(ACCOUNT, ACCOUNT.credential_version)]

        assert {} == self.out_of_reach(replace_many=(changes,))

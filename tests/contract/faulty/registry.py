"""
Registries with planted faults.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import ClassVar, Final

import attrs

from tests.contract.faulty.planting import (
    Meeting,
    changing,
    local,
    naive,
    planted_in,
    rounded,
)
from uness_auth.errors import StorageError
from uness_auth.model import Account
from uness_auth.storage.memory import (
    MemoryRegistry,
    Rows,
)
from uness_auth.testing import contracts
from uness_auth.testing.contracts.base import NOW


def external(account: Account) -> tuple[str, str]:
    return account.provisioned_by, account.external_id


class FaultyRegistry(MemoryRegistry):
    contract: ClassVar = contracts.RegistryContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()

    @classmethod
    def build(cls) -> MemoryRegistry:
        return cls(Rows())

    def put(self, account: Account) -> None:
        # Whoever has its keys loses them.
        self._rows.accounts[account.id] = account
        self._rows.ids[account.address] = account.id
        if account.external_id:
            self._rows.external_ids[external(account)] = account.id

    def is_new(self, account: Account) -> bool:
        return account.id not in self._rows.accounts and self._rows.is_free(account)


class AddsOpenAccountsOnly(FaultyRegistry):
    rejected_by = ("test_applied_accounts_are_there",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        return super().apply([attrs.evolve(one, is_disabled=False) for one in accounts])


class CutsNames(FaultyRegistry):
    rejected_by = ("test_odd_texts_are_applied_whole",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        return super().apply(
            [attrs.evolve(one, display_name=one.display_name[:255]) for one in accounts]
        )


class TellsWhatWasAsked(FaultyRegistry):
    rejected_by = (
        "test_known_ids_are_skipped",
        "test_known_addresses_are_skipped",
        "test_one_address_has_one_owner",
        "test_a_new_address_frees_the_old",
    )

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        _ = super().apply(accounts)
        return frozenset(account.id for account in accounts)


class InsertsDefaults(FaultyRegistry):
    rejected_by = ("test_nothing_is_applied",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        if not accounts:
            self.put(Account(id="0", address="", credential_version=0, created_at=NOW))
        return super().apply(accounts)


class RunsOutOfParameters(FaultyRegistry):
    rejected_by = ("test_thousands_are_applied",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        return super().apply(accounts[:999])


class Overwrites(FaultyRegistry):
    rejected_by = (
        "test_known_ids_are_skipped",
        "test_known_addresses_are_skipped",
        "test_the_first_of_twins_is_added",
    )

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        for account in accounts:
            self.put(account)
        return frozenset(account.id for account in accounts)


class FoldsAddresses(FaultyRegistry):
    rejected_by = ("test_similar_addresses_are_not_known",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        kept = {one.address.casefold().rstrip(): one for one in reversed(accounts)}
        return super().apply([one for one in accounts if one in kept.values()])


class IgnoresExternalIds(FaultyRegistry):
    rejected_by = ("test_known_external_ids_are_skipped",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        numbers = {one.id: one.external_id for one in accounts}
        added = super().apply([attrs.evolve(one, external_id="") for one in accounts])
        for one in added:
            stored = self._rows.accounts[one]
            self.put(attrs.evolve(stored, external_id=numbers[one]))
        return added


class SharesRegistrars(FaultyRegistry):
    rejected_by = ("test_external_ids_are_each_registrars_own",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        kept = {one.external_id or one.id: one for one in reversed(accounts)}
        return super().apply([one for one in accounts if one in kept.values()])


class TakesNoneForAnId(FaultyRegistry):
    rejected_by = ("test_external_ids_are_each_registrars_own",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        kept = {external(one): one for one in reversed(accounts)}
        return super().apply([one for one in accounts if one in kept.values()])


class FoldsExternalIds(FaultyRegistry):
    rejected_by = ("test_similar_external_ids_are_not_known",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        kept = {
            "\n".join(external(one)).casefold() if one.external_id else one.id: one
            for one in reversed(accounts)
        }
        return super().apply([one for one in accounts if one in kept.values()])


class SharesExternalIds(FaultyRegistry):
    rejected_by = ("test_replace_to_a_taken_external_id_is_refused",)

    def replace(self, account: Account, version: int, /) -> bool:
        if self._rows.under(account.id, version) is None:
            return False
        self._rows.external_ids.pop(external(account), None)
        return super().replace(account, version)


class KeepsOldExternalIds(FaultyRegistry):
    rejected_by = ("test_a_new_external_id_frees_the_old",)

    def replace(self, account: Account, version: int, /) -> bool:
        before = external(self._rows.accounts[account.id])
        done = super().replace(account, version)
        self._rows.external_ids[before] = account.id
        return done


class KeepsErasedExternalIds(FaultyRegistry):
    rejected_by = ("test_a_new_external_id_frees_the_old",)

    def erase(self, account_id: str, /) -> bool:
        account = self._rows.accounts[account_id]
        done = super().erase(account_id)
        self._rows.external_ids[external(account)] = account_id
        return done


class AppliesOneByOne(FaultyRegistry):
    rejected_by = ("test_all_or_none_are_applied",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        added: frozenset[str] = frozenset()
        for account in accounts:
            if not account.display_name.isprintable():
                msg = "no such character"
                raise StorageError(msg)
            added |= super().apply([account])
        return added


class LooksThenAdds(FaultyRegistry):
    rejected_by = (
        "test_one_address_has_one_owner",
        "test_one_external_id_has_one_owner",
        "test_intakes_at_the_same_moment",
    )

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        new = [account for account in accounts if self.is_new(account)]
        self.meeting.wait()
        for account in new:
            self.put(account)
        return frozenset(account.id for account in new)


class LooksOnceForAll(FaultyRegistry):
    rejected_by = ("test_the_first_of_twins_is_added",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        new = [account for account in accounts if self.is_new(account)]
        for account in new:
            self.put(account)
        return frozenset(account.id for account in new)


class RepeatsTheLast(FaultyRegistry):
    rejected_by = ("test_pages_go_on_after_the_last_id",)

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        found = sorted(one for one in self._rows.accounts if one >= after)
        return [self._rows.accounts[one] for one in found[:limit]]


class SortsByNumbers(FaultyRegistry):
    rejected_by = ("test_pages_go_on_after_the_last_id",)

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        return sorted(super().page(after, limit), key=lambda one: int(one.id))


class SortsByWords(FaultyRegistry):
    rejected_by = ("test_pages_are_in_the_order_of_characters",)

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        return sorted(super().page(after, limit), key=lambda one: one.id.casefold())


class ReplacesSome(FaultyRegistry):
    rejected_by = ("test_replace_writes_every_field",)

    def replace(self, account: Account, version: int, /) -> bool:
        stored = self._rows.accounts[account.id]
        return super().replace(
            attrs.evolve(account, display_name=stored.display_name), version
        )


class ReplacesAnyVersion(FaultyRegistry):
    rejected_by = (
        "test_replace_under_a_stale_version_is_refused",
        "test_replace_has_one_winner",
    )

    def replace(self, account: Account, version: int, /) -> bool:
        stored = self._rows.accounts[account.id]
        return super().replace(account, stored.credential_version)


class SharesAddresses(FaultyRegistry):
    rejected_by = ("test_replace_to_a_taken_address_is_refused",)

    def replace(self, account: Account, version: int, /) -> bool:
        if self._rows.under(account.id, version) is None:
            return False
        self.put(account)
        return True


class ReplacesNobody(FaultyRegistry):
    rejected_by = ("test_replace_creates_nobody",)

    def replace(self, account: Account, version: int, /) -> bool:
        _ = super().apply([account])
        return super().replace(account, version)


class ReplacesTheSuspension(FaultyRegistry):
    rejected_by = ("test_replace_leaves_the_suspension_alone",)

    def replace(self, account: Account, version: int, /) -> bool:
        done = super().replace(account, version)
        self.put(account)
        return done


class LooksThenReplaces(FaultyRegistry):
    rejected_by = ("test_replace_has_one_winner",)

    def replace(self, account: Account, version: int, /) -> bool:
        if self._rows.under(account.id, version) is None:
            return False
        self.meeting.wait()
        self.put(account)
        return True


class KeepsOldAddresses(FaultyRegistry):
    rejected_by = ("test_a_new_address_frees_the_old",)

    def replace(self, account: Account, version: int, /) -> bool:
        stored = self._rows.accounts[account.id]
        done = super().replace(account, version)
        self._rows.ids[stored.address] = account.id
        return done


class KeepsErasedAddresses(FaultyRegistry):
    rejected_by = ("test_erased_once",)

    def erase(self, account_id: str, /) -> bool:
        account = self._rows.accounts.get(account_id)
        done = super().erase(account_id)
        if account is not None:
            self._rows.ids[account.address] = "nobody"
        return done


class LooksThenErases(FaultyRegistry):
    rejected_by = ("test_erase_has_one_winner",)

    def erase(self, account_id: str, /) -> bool:
        is_there = account_id in self._rows.accounts
        self.meeting.wait()
        _ = super().erase(account_id)
        return is_there


class ForgetsTheZoneOfPages(FaultyRegistry):
    rejected_by = ("test_instants_are_utc", "test_applied_accounts_are_there")

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        return [changing(one, naive) for one in super().page(after, limit)]


class RoundsUpPages(FaultyRegistry):
    rejected_by = ("test_instants_are_utc",)

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        return [changing(one, rounded) for one in super().page(after, limit)]


class AppliesLocalTime(FaultyRegistry):
    rejected_by = ("test_zones_are_understood",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        return super().apply([changing(one, local) for one in accounts])


class EndsTextsAtNUL(FaultyRegistry):
    rejected_by = ("test_all_or_none_are_applied",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        return super().apply(
            [
                attrs.evolve(one, display_name=one.display_name.partition("\0")[0])
                for one in accounts
            ]
        )


class FoldsLookAlikes(FaultyRegistry):
    rejected_by = ("test_similar_addresses_are_not_known",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        kept = {
            unicodedata.normalize("NFKD", one.address).encode("ascii", "ignore"): one
            for one in reversed(accounts)
        }
        return super().apply([one for one in accounts if one in kept.values()])


class CountsReplacedRows(FaultyRegistry):
    rejected_by = ("test_replaced_by_the_same",)

    def replace(self, account: Account, version: int, /) -> bool:
        before = self._rows.accounts.get(account.id)
        return super().replace(account, version) and before != account


class LooksThenMoves(FaultyRegistry):
    rejected_by = ("test_a_new_address_has_one_owner",)

    def replace(self, account: Account, version: int, /) -> bool:
        is_taken = account.address in self._rows.ids
        self.meeting.wait()
        if is_taken or self._rows.under(account.id, version) is None:
            return False
        self.put(account)
        return True


class FaultyBulk(MemoryRegistry):
    contract: ClassVar = contracts.BulkRegistryContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()

    @classmethod
    def build(cls) -> MemoryRegistry:
        return cls(Rows())


class ReplacesAllButNames(FaultyBulk):
    rejected_by = ("test_many_are_replaced", "test_taken_keys_are_passed_over")

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        return super().replace_many(
            [(attrs.evolve(one, display_name=""), version) for one, version in changes]
        )


class AddsWhoIsNotThere(FaultyBulk):
    rejected_by = ("test_none_are_replaced",)

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        _ = self.apply([one for one, _ in changes])
        return super().replace_many(changes)


class ReplacesManyOfAnyVersion(FaultyBulk):
    rejected_by = ("test_stale_versions_are_passed_over", "test_each_has_one_winner")

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        stored = self._rows.accounts
        return super().replace_many(
            [(one, stored[one.id].credential_version) for one, _ in changes]
        )


class GivesUpWhereOneIsTaken(FaultyBulk):
    rejected_by = ("test_taken_keys_are_passed_over",)

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        if not all(self._rows.is_free(one) for one, _ in changes):
            return frozenset()
        return super().replace_many(changes)


class ReplacesOneByOne(FaultyBulk):
    rejected_by = ("test_all_or_none_are_replaced",)

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        written: frozenset[str] = frozenset()
        for account, version in changes:
            if not account.display_name.isprintable():
                msg = "no such character"
                raise StorageError(msg)
            written |= super().replace_many([(account, version)])
        return written


PLANTED: Final = planted_in(FaultyRegistry, FaultyBulk)

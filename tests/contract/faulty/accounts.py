"""
Account stores with planted faults.
"""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Callable
from threading import Lock
from typing import Any, ClassVar, Final

import attrs

from tests.contract.faulty.planting import (
    Crossing,
    Meeting,
    changing,
    local,
    naive,
    planted_in,
    rounded,
    to_the_minute,
)
from uness_auth.model import Account
from uness_auth.storage.memory import (
    MemoryAccounts,
    MemoryRegistry,
    Rows,
)
from uness_auth.testing import contracts


class FaultyAccounts(MemoryAccounts):
    contract: ClassVar = contracts.AccountsContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()
        self.crossing = Crossing()
        self.turn = Lock()

    @classmethod
    def build(cls, *accounts: Account) -> MemoryAccounts:
        rows = Rows()
        _ = MemoryRegistry(rows).apply(accounts)
        return cls(rows)

    def find(self, is_it: Callable[[Account], bool]) -> Account | None:
        return next(filter(is_it, self._rows.accounts.values()), None)

    def force(self, account_id: str, **changes: Any) -> bool:
        account = self._rows.accounts.get(account_id)
        if account is None:
            return False
        self._rows.accounts[account_id] = attrs.evolve(account, **changes)
        return True


class LosesFields(FaultyAccounts):
    rejected_by = ("test_found_by_id", "test_found_by_address")

    def by_id(self, account_id: str, /) -> Account | None:
        found = super().by_id(account_id)
        return found and attrs.evolve(found, language="")

    def by_address(self, address: str, /) -> Account | None:
        found = super().by_address(address)
        return found and attrs.evolve(found, password_hash="")


class LosesFlags(FaultyAccounts):
    rejected_by = ("test_flags_come_back",)

    def by_id(self, account_id: str, /) -> Account | None:
        found = super().by_id(account_id)
        return found and attrs.evolve(
            found, is_disabled=False, is_password_suspended=False
        )


class TrimsTexts(FaultyAccounts):
    rejected_by = ("test_odd_texts_come_back_whole",)

    def by_id(self, account_id: str, /) -> Account | None:
        found = super().by_id(account_id)
        return found and attrs.evolve(found, display_name=found.display_name.strip())


class ForgetsTheZone(FaultyAccounts):
    rejected_by = ("test_instants_are_utc", "test_found_by_id")

    def by_id(self, account_id: str, /) -> Account | None:
        found = super().by_id(account_id)
        return found and attrs.evolve(found, created_at=naive(found.created_at))


class ReadsWildcards(FaultyAccounts):
    rejected_by = ("test_unknown_is_none", "test_look_up_is_exact")

    def by_address(self, address: str, /) -> Account | None:
        pattern = address.replace("%", "*").replace("_", "?")
        return self.find(lambda one: fnmatch.fnmatchcase(one.address, pattern))


class FoldsCase(FaultyAccounts):
    rejected_by = ("test_look_up_is_exact",)

    def by_address(self, address: str, /) -> Account | None:
        return self.find(lambda one: one.address.casefold() == address.casefold())


class FoldsAccents(FaultyAccounts):
    rejected_by = ("test_look_up_is_exact",)

    def by_address(self, address: str, /) -> Account | None:
        bare = unicodedata.normalize("NFKD", address)
        bare = "".join(mark for mark in bare if not unicodedata.combining(mark))
        return super().by_address(bare)


class FoldsCaseOfIds(FaultyAccounts):
    rejected_by = ("test_look_up_is_exact",)

    def by_id(self, account_id: str, /) -> Account | None:
        return self.find(lambda one: one.id.casefold() == account_id.casefold())


class IgnoresTrailingSpaces(FaultyAccounts):
    rejected_by = ("test_look_up_is_exact",)

    def by_address(self, address: str, /) -> Account | None:
        return super().by_address(address.rstrip(" "))


class MovesNoVersion(FaultyAccounts):
    rejected_by = ("test_set_password", "test_set_password_has_one_winner")

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        return self.rehash(account_id, password_hash, version)


class SetsEverybody(FaultyAccounts):
    rejected_by = ("test_set_password", "test_rehash", "test_disable_password")

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        others = [one for one in self._rows.accounts if one != account_id]
        for other in others:
            self.force(other, password_hash=password_hash)
        return super().set_password(account_id, password_hash, version)

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        for one in self._rows.accounts:
            _ = self.force(one, password_hash=password_hash)
        return True

    def disable_password(self, account_id: str, version: int, /) -> bool:
        for one in self._rows.accounts:
            _ = self.force(one, is_password_suspended=True)
        return True


class NeedsAnOldPassword(FaultyAccounts):
    rejected_by = ("test_first_password",)

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        found = self.by_id(account_id)
        has_one = found is not None and found.has_password
        return has_one and super().set_password(account_id, password_hash, version)


class KeepsSmallVersions(FaultyAccounts):
    rejected_by = ("test_versions_outgrow_31_bits",)

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        return version < 2**31 and super().set_password(
            account_id, password_hash, version
        )


class IgnoresVersions(FaultyAccounts):
    rejected_by = (
        "test_stale_version_sets_no_password",
        "test_rehash_loses_to_a_new_password",
        "test_disable_password_under_a_stale_version_is_refused",
    )

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        return self.force(
            account_id, password_hash=password_hash, credential_version=version + 1
        )

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        return self.force(account_id, password_hash=password_hash)

    def disable_password(self, account_id: str, version: int, /) -> bool:
        return self.force(account_id, is_password_suspended=True)


class OpensDisabledAccounts(FaultyAccounts):
    rejected_by = ("test_disabled_account_sets_no_password",)

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        is_under = self._rows.under(account_id, version) is not None
        return is_under and self.force(
            account_id, password_hash=password_hash, credential_version=version + 1
        )


class AlwaysDone(FaultyAccounts):
    rejected_by = ("test_nobody_is_changed", "test_stale_version_sets_no_password")

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        _ = super().set_password(account_id, password_hash, version)
        return True


class ComparesVersionsItself(FaultyAccounts):
    rejected_by = ("test_set_password_has_one_winner",)

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        if self._rows.under(account_id, version) is None:
            return False
        self.meeting.wait()
        return self.force(
            account_id, password_hash=password_hash, credential_version=version + 1
        )


class RehashesByWritingBack(FaultyAccounts):
    rejected_by = ("test_rehash_at_the_same_moment_loses",)

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        with self.crossing.act():
            return super().set_password(account_id, password_hash, version)

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        if self._rows.under(account_id, version) is None:
            return False
        self.crossing.before_write()
        return self.force(account_id, password_hash=password_hash)


class RehashMovesTheVersion(FaultyAccounts):
    rejected_by = ("test_rehash",)

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        return self.set_password(account_id, password_hash, version)


class RehashLiftsTheSuspension(FaultyAccounts):
    rejected_by = ("test_only_a_new_password_lifts_the_suspension",)

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        done = super().rehash(account_id, password_hash, version)
        return done and self.force(account_id, is_password_suspended=False)


class NothingLiftsTheSuspension(FaultyAccounts):
    rejected_by = ("test_only_a_new_password_lifts_the_suspension",)

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        was = self._rows.accounts[account_id].is_password_suspended
        done = super().set_password(account_id, password_hash, version)
        return done and self.force(account_id, is_password_suspended=was)


class SuspensionSignsOut(FaultyAccounts):
    rejected_by = ("test_disable_password",)

    def disable_password(self, account_id: str, version: int, /) -> bool:
        done = super().disable_password(account_id, version)
        return done and self.force(account_id, credential_version=version + 1)


class CutsSeconds(FaultyAccounts):
    rejected_by = ("test_found_by_id", "test_instants_are_utc")

    def by_id(self, account_id: str, /) -> Account | None:
        found = super().by_id(account_id)
        return found and changing(found, to_the_minute)


class KeepsLocalTime(FaultyAccounts):
    rejected_by = ("test_zones_are_understood",)

    def by_id(self, account_id: str, /) -> Account | None:
        found = super().by_id(account_id)
        return found and changing(found, local)


class RoundsUp(FaultyAccounts):
    rejected_by = ("test_seconds_are_not_rounded",)

    def by_id(self, account_id: str, /) -> Account | None:
        found = super().by_id(account_id)
        return found and changing(found, rounded)


class FoldsCompatibly(FaultyAccounts):
    rejected_by = (
        "test_look_up_is_exact",
        "test_look_alikes_are_accounts_of_their_own",
    )

    def by_address(self, address: str, /) -> Account | None:
        def folded(text: str) -> str:
            return unicodedata.normalize("NFKC", text).casefold()

        return self.find(lambda one: folded(one.address) == folded(address))


class DotsTheTurkishI(FaultyAccounts):
    rejected_by = (
        "test_look_up_is_exact",
        "test_look_alikes_are_accounts_of_their_own",
    )

    def by_address(self, address: str, /) -> Account | None:
        dotted = str.maketrans("\u0131\u0130", "ii")
        return self.find(
            lambda one: one.address.translate(dotted) == address.translate(dotted)
        )


class CountsChangedRows(FaultyAccounts):
    rejected_by = ("test_done_twice_is_done",)

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        before = self._rows.accounts.get(account_id)
        done = super().rehash(account_id, password_hash, version)
        return done and self._rows.accounts[account_id] != before


class LocksTheTable(FaultyAccounts):
    rejected_by = ("test_strangers_do_not_wait_in_vain",)

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.changes = 0

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        seen = self.changes
        self.meeting.wait()
        with self.turn:
            if self.changes != seen:
                return False
            self.changes += 1
            return super().set_password(account_id, password_hash, version)


PLANTED: Final = planted_in(FaultyAccounts)

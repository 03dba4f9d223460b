"""
The contracts reject stores with planted faults, each by the name of a test.

Every test of every contract has at least one fault here that only it, or it with a few
others, finds: a test that finds nothing proves nothing.
"""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from threading import Barrier, BrokenBarrierError, Event, Lock
from typing import Any, ClassVar, Final
from unittest import SkipTest

import attrs
import pytest

from uness_auth.errors import StorageError
from uness_auth.model import Account, CodeChallenge, Session
from uness_auth.storage.memory import (
    MemoryAccounts,
    MemoryCodeChallenges,
    MemoryCounters,
    MemoryRegistry,
    MemorySessions,
    Rows,
)
from uness_auth.testing import contracts
from uness_auth.testing.contracts import Contract
from uness_auth.testing.contracts.base import NOW, SECOND


LATEST: Final = NOW + 16 * SECOND  # in test_the_latest_touch_stays

CONTRACTS: Final = [
    getattr(contracts, name)
    for name in contracts.__all__
    if name.endswith("Contract") and name != "Contract"
]


class Meeting:
    """
    Where the first threads that have looked wait for each other before they write.

    So a race is lost every time, however busy the machine is.
    """

    def __init__(self, parties: int = 2) -> None:
        self._barrier = Barrier(parties)

    def wait(self) -> None:
        """
        Wait for the others, once; later callers pass.
        """
        with suppress(BrokenBarrierError):
            _ = self._barrier.wait(5)
        self._barrier.abort()


class Crossing:
    """
    Lets one call act between another's look and its write.
    """

    def __init__(self) -> None:
        self._looked = Event()
        self._acted = Event()

    def before_write(self) -> None:
        """
        Wait, having looked, until the other call has acted.
        """
        self._looked.set()
        _ = self._acted.wait(5)

    @contextmanager
    def act(self) -> Iterator[None]:
        """
        Act when somebody has looked.
        """
        _ = self._looked.wait(5)
        yield
        self._acted.set()


def naive(instant: datetime) -> datetime:
    """
    Return what a column without a time zone gives back.
    """
    return instant.replace(tzinfo=None)


# --- Accounts -------------------------------------------------------------------


class FaultyAccounts(MemoryAccounts):
    contract: ClassVar = contracts.AccountsContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()
        self.crossing = Crossing()

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


# --- Registry -------------------------------------------------------------------


class FaultyRegistry(MemoryRegistry):
    contract: ClassVar = contracts.RegistryContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()

    @classmethod
    def build(cls) -> MemoryRegistry:
        return cls(Rows())

    def put(self, account: Account) -> None:
        self._rows.accounts[account.id] = account
        self._rows.ids[account.address] = account.id

    def is_new(self, account: Account) -> bool:
        return (
            account.id not in self._rows.accounts
            and account.address not in self._rows.ids
        )


class AddsOpenAccountsOnly(FaultyRegistry):
    rejected_by = ("test_applied_accounts_are_there",)

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        return super().apply([attrs.evolve(one, is_disabled=False) for one in accounts])


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
    rejected_by = ("test_one_address_has_one_owner",)

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


class SortsByWords(FaultyRegistry):
    rejected_by = ("test_pages_go_on_after_the_last_id",)

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
        return self._rows.accounts.pop(account_id, None) is not None


class LooksThenErases(FaultyRegistry):
    rejected_by = ("test_erase_has_one_winner",)

    def erase(self, account_id: str, /) -> bool:
        is_there = account_id in self._rows.accounts
        self.meeting.wait()
        _ = super().erase(account_id)
        return is_there


# --- Code challenges ------------------------------------------------------------


class FaultyChallenges(MemoryCodeChallenges):
    contract: ClassVar = contracts.CodeChallengesContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()
        self.crossing = Crossing()

    @classmethod
    def build(cls) -> MemoryCodeChallenges:
        return cls(Rows())

    def force(self, challenge_id: str, **changes: Any) -> CodeChallenge:
        challenge = attrs.evolve(self._rows.challenges[challenge_id], **changes)
        self._rows.challenges[challenge_id] = challenge
        return challenge


class LosesTheBrowser(FaultyChallenges):
    rejected_by = ("test_challenge_comes_back_whole",)

    def add(self, challenge: CodeChallenge, /) -> None:
        super().add(attrs.evolve(challenge, browser_digest=""))


class ForgetsTheZoneOfChallenges(FaultyChallenges):
    rejected_by = ("test_instants_are_utc", "test_attempts_run_out_exactly")

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        spent = super().spend_attempt(challenge_id)
        return spent and attrs.evolve(spent, sent_at=naive(spent.sent_at))


class ConsumesWhatIsNotThere(FaultyChallenges):
    rejected_by = ("test_unknown_challenge", "test_consumed_once")

    def consume(self, challenge_id: str, /) -> bool:
        _ = super().consume(challenge_id)
        return True


class GivesOneAttemptMore(FaultyChallenges):
    rejected_by = ("test_attempts_run_out_exactly",)

    def add(self, challenge: CodeChallenge, /) -> None:
        more = challenge.attempts_left + 1
        super().add(attrs.evolve(challenge, attempts_left=more))


class LooksThenSpends(FaultyChallenges):
    rejected_by = ("test_attempts_run_out_exactly_at_the_same_moment",)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        challenge = self._rows.challenges.get(challenge_id)
        if challenge is None or challenge.attempts_left == 0:
            return None
        self.meeting.wait()
        return self.force(challenge_id, attempts_left=challenge.attempts_left - 1)


class LooksThenConsumes(FaultyChallenges):
    rejected_by = ("test_consume_has_one_winner",)

    def consume(self, challenge_id: str, /) -> bool:
        is_there = challenge_id in self._rows.challenges
        self.meeting.wait()
        _ = super().consume(challenge_id)
        return is_there


class SpendsByWritingBack(FaultyChallenges):
    rejected_by = ("test_consumed_stays_consumed",)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        challenge = self._rows.challenges.get(challenge_id)
        if challenge is None or challenge.attempts_left == 0:
            return None
        self.crossing.before_write()
        spent = attrs.evolve(challenge, attempts_left=challenge.attempts_left - 1)
        self._rows.challenges[challenge_id] = spent
        return spent

    def consume(self, challenge_id: str, /) -> bool:
        with self.crossing.act():
            return super().consume(challenge_id)


class SpendsAll(FaultyChallenges):
    rejected_by = ("test_one_challenge_changes_alone",)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        for other in [one for one in self._rows.challenges if one != challenge_id]:
            _ = super().spend_attempt(other)
        return super().spend_attempt(challenge_id)


class RenewsTheTimeOfSendingOnly(FaultyChallenges):
    rejected_by = ("test_renewed_when_due",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        before = self._rows.challenges[challenge_id].expires_at
        return super().renew(challenge_id, not_sent_after, sent_at, before)


class RenewsAttempts(FaultyChallenges):
    rejected_by = ("test_renewal_gives_no_attempt_back",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed and (self.force(challenge_id, attempts_left=5), renewed[1])


class RenewsByWritingBack(FaultyChallenges):
    rejected_by = ("test_renewal_at_the_same_moment_gives_no_attempt_back",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        before = self._rows.challenges.get(challenge_id)
        if before is None:
            return None
        self.crossing.before_write()
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed and (
            self.force(challenge_id, attempts_left=before.attempts_left),
            renewed[1],
        )

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        with self.crossing.act():
            return super().spend_attempt(challenge_id)


class IsDueASecondLate(FaultyChallenges):
    rejected_by = ("test_due_to_the_second",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        challenge = self._rows.challenges[challenge_id]
        if challenge.sent_at == not_sent_after:
            return challenge, False
        return super().renew(challenge_id, not_sent_after, sent_at, expires_at)


class RenewsAfterTheWindow(FaultyChallenges):
    rejected_by = ("test_window_ends_to_the_second",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        challenge = self._rows.challenges[challenge_id]
        if challenge.window_ends_at == sent_at:
            return challenge, False
        return super().renew(challenge_id, not_sent_after, sent_at, expires_at)


class RenewsSpentChallenges(FaultyChallenges):
    rejected_by = ("test_spent_challenge_is_gone",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed or (self._rows.challenges[challenge_id], False)


class LooksThenRenews(FaultyChallenges):
    rejected_by = ("test_renew_has_one_winner",)

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        is_due = self._rows.challenges[challenge_id].sent_at <= not_sent_after
        self.meeting.wait()
        renewed = super().renew(challenge_id, not_sent_after, sent_at, expires_at)
        return renewed and (renewed[0], is_due)


class PurgesWhatEndsNow(FaultyChallenges):
    rejected_by = ("test_purged_after_the_window",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before.replace(second=before.second + 1), limit)


class PurgesAllChallenges(FaultyChallenges):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before, 1_000)


# --- Sessions -------------------------------------------------------------------


class FaultySessions(MemorySessions):
    contract: ClassVar = contracts.SessionsContract

    def __init__(self, rows: Rows, joins: MemoryAccounts) -> None:
        super().__init__(rows, joins)
        self.meeting = Meeting()
        self.crossing = Crossing()

    @classmethod
    def build(cls) -> MemorySessions:
        rows = Rows()
        return cls(rows, MemoryAccounts(rows))

    def force(self, digest: str, **changes: Any) -> bool:
        self._rows.sessions[digest] = attrs.evolve(
            self._rows.sessions[digest], **changes
        )
        return True


class RemembersEverybody(FaultySessions):
    rejected_by = ("test_session_comes_back_whole",)

    def add(self, session: Session, /) -> None:
        super().add(attrs.evolve(session, is_remembered=True))


class ForgetsTheZoneOfSessions(FaultySessions):
    rejected_by = ("test_instants_are_utc", "test_session_comes_back_whole")

    def by_digest(self, digest: str, /) -> Session | None:
        found = super().by_digest(digest)
        return found and attrs.evolve(found, opened_at=naive(found.opened_at))


class FoldsDigests(FaultySessions):
    rejected_by = ("test_unknown_session",)

    def by_digest(self, digest: str, /) -> Session | None:
        return super().by_digest(digest.lower())


class TouchesEverybody(FaultySessions):
    rejected_by = ("test_touched",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        for other in self._rows.sessions:
            _ = super().touch(other, seen_at)
        return super().touch(digest, seen_at)


class TouchesBack(FaultySessions):
    rejected_by = ("test_touch_never_moves_back",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        return self.force(digest, last_seen_at=seen_at)


class TouchesLateInVain(FaultySessions):
    rejected_by = ("test_touch_never_moves_back",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        found = self.by_digest(digest)
        is_later = found is not None and found.last_seen_at < seen_at
        return is_later and super().touch(digest, seen_at)


class LastTouchStays(FaultySessions):
    rejected_by = ("test_the_latest_touch_stays",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        if seen_at == LATEST:
            with self.crossing.act():
                return super().touch(digest, seen_at)
        self.crossing.before_write()
        return self.force(digest, last_seen_at=seen_at)


class TouchRevives(FaultySessions):
    rejected_by = ("test_touch_revives_nothing", "test_unknown_session")

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        if not super().touch(digest, seen_at):
            self._rows.sessions[digest] = Session(
                digest=digest,
                account_id="",
                credential_version=0,
                opened_at=seen_at,
                last_seen_at=seen_at,
            )
        return True


class TouchesByWritingBack(FaultySessions):
    rejected_by = ("test_touch_at_the_same_moment_revives_nothing",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        found = self.by_digest(digest)
        if found is None:
            return False
        self.crossing.before_write()
        self._rows.sessions[digest] = attrs.evolve(found, last_seen_at=seen_at)
        return True

    def close(self, digest: str, /) -> bool:
        with self.crossing.act():
            return super().close(digest)


class ClosesNothing(FaultySessions):
    rejected_by = ("test_closed_once",)

    def close(self, digest: str, /) -> bool:
        return digest in self._rows.sessions


class LooksThenCloses(FaultySessions):
    rejected_by = ("test_close_has_one_winner",)

    def close(self, digest: str, /) -> bool:
        is_open = digest in self._rows.sessions
        self.meeting.wait()
        _ = super().close(digest)
        return is_open


class PurgesWhatWasSeenNow(FaultySessions):
    rejected_by = ("test_purged_when_long_unseen",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before.replace(second=before.second + 1), limit)


class PurgesAllSessions(FaultySessions):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before, 1_000)


class FaultyJoin(MemorySessions):
    contract: ClassVar = contracts.JoinedSessionsContract

    @classmethod
    def build(cls, *accounts: Account) -> tuple[MemorySessions, MemoryAccounts]:
        rows = Rows()
        store = MemoryAccounts(rows)
        _ = MemoryRegistry(rows).apply(accounts)
        return cls(rows, store), store


class JoinsOthers(FaultyJoin):
    rejected_by = ("test_joins_these_accounts",)

    @classmethod
    def build(cls, *accounts: Account) -> tuple[MemorySessions, MemoryAccounts]:
        store, _ = super().build(*accounts)
        return store, MemoryAccounts(Rows())


class JoinsAnyAccount(FaultyJoin):
    rejected_by = ("test_session_comes_with_its_account", "test_none_without_either")

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        found = self.by_digest(digest)
        if found is None:
            return None
        return found, next(iter(self._rows.accounts.values()))


class JoinsOnce(FaultyJoin):
    rejected_by = ("test_changes_are_seen_at_once",)
    known: tuple[Session, Account] | None = None

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        self.known = self.known or super().with_account(digest)
        return self.known


# --- Counters -------------------------------------------------------------------


class FaultyCounters(MemoryCounters):
    contract: ClassVar = contracts.CountersContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()

    @classmethod
    def build(cls) -> MemoryCounters:
        return cls(Rows())

    def overwrite(self, key: str, after: str, expires_at: datetime) -> bool:
        swap = super().swap
        while not swap(key, self.read(key), after, expires_at):
            continue
        return True


class ReadsEmptyTexts(FaultyCounters):
    rejected_by = (
        "test_nothing_stands_at_first",
        "test_text_is_not_swapped_for_nothing",
    )

    def read(self, key: str, /) -> str | None:
        return super().read(key) or ""


class WritesFirstTextsAnywhere(FaultyCounters):
    rejected_by = ("test_first_text",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        before = self.read(key) if before is None else before
        return super().swap(key, before, after, expires_at)


class SharesKeys(FaultyCounters):
    rejected_by = ("test_swapped", "test_numbers_start_at_zero")

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        done = super().swap(key, before, after, expires_at)
        for other in [one for one in self._rows.counters if one != key]:
            _ = super().swap(other, self.read(other), after, expires_at)
        return done

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key[:8] and "", delta, expires_at)


class SwapsAnything(FaultyCounters):
    rejected_by = (
        "test_stale_text_is_not_swapped",
        "test_text_is_not_swapped_for_nothing",
    )

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        return super().swap(key, self.read(key), after, expires_at)


class FoldsTexts(FaultyCounters):
    rejected_by = ("test_texts_are_compared_exactly",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        known = self.read(key)
        if known is not None and before is not None:
            before = known if known.lower() == before.rstrip().lower() else before
        return super().swap(key, before, after, expires_at)


class CutsTexts(FaultyCounters):
    rejected_by = ("test_long_texts_stay_whole",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        return super().swap(key, before and before[:255], after[:255], expires_at)


class LooksThenWrites(FaultyCounters):
    rejected_by = ("test_first_text_has_one_winner",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        if self.read(key) is not None:
            return False
        self.meeting.wait()
        return self.overwrite(key, after, expires_at)


class LooksThenSwaps(FaultyCounters):
    rejected_by = ("test_swap_has_one_winner",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        if before is None:
            return super().swap(key, before, after, expires_at)
        if self.read(key) != before:
            return False
        self.meeting.wait()
        return self.overwrite(key, after, expires_at)


class CountsBelowZero(FaultyCounters):
    rejected_by = ("test_numbers_never_fall_below_zero",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key, delta or 0, expires_at) or min(delta, 0)


class CountsLooks(FaultyCounters):
    rejected_by = ("test_none_only_looks",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key, delta or 1, expires_at)


class LooksThenAddsUp(FaultyCounters):
    rejected_by = ("test_no_call_is_lost",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        before = super().add(key, 0, expires_at)
        self.meeting.wait()
        now = super().add(key, 0, expires_at)
        return super().add(key, before + delta - now, expires_at)


class LooksThenGivesBack(FaultyCounters):
    rejected_by = ("test_what_is_given_back_is_given_back",)

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.all_have_taken = Meeting(8)
        self.all_have_looked = Meeting(8)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        if delta > 0:
            return super().add(key, delta, expires_at)
        self.all_have_taken.wait()
        before = super().add(key, 0, expires_at)
        self.all_have_looked.wait()
        now = super().add(key, 0, expires_at)
        return super().add(key, before + delta - now, expires_at)


class PurgesWhatExpiresNow(FaultyCounters):
    rejected_by = ("test_purged_when_expired",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before.replace(second=before.second + 1), limit)


class PurgesAllCounters(FaultyCounters):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before, 1_000)


class KeepsTheFirstEnd(FaultyCounters):
    rejected_by = ("test_a_later_call_keeps_longer",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        row = self._rows.counters.get(key)
        return super().add(key, delta, row.expires_at if row else expires_at)


# --- Password hashing -----------------------------------------------------------


class FaultyHashing:
    contract: ClassVar = contracts.PasswordHashingContract

    def __init__(self) -> None:
        self.lock = Lock()
        self.made = 0

    @classmethod
    def build(cls) -> FaultyHashing:
        return cls()

    def hash(self, password: str, /) -> str:
        self.made += 1
        return f"{self.made}${hash(password)}"

    def verify(self, password_hash: str, password: str, /) -> bool:
        return password_hash.partition("$")[2] == str(hash(password))

    def needs_rehash(self, _password_hash: str, /) -> bool:
        return False

    def decoy(self, password: str, /) -> None:
        _ = hash(password)


class TrimsPasswords(FaultyHashing):
    rejected_by = ("test_knows_its_own",)

    def verify(self, password_hash: str, password: str, /) -> bool:
        return super().verify(password_hash, password.strip())


class HashesWithoutSalt(FaultyHashing):
    rejected_by = ("test_salted",)

    def hash(self, password: str, /) -> str:
        return f"${hash(password)}"


class CutsPasswords(FaultyHashing):
    rejected_by = ("test_compares_to_the_end",)

    def hash(self, password: str, /) -> str:
        return super().hash(password[:72])

    def verify(self, password_hash: str, password: str, /) -> bool:
        return super().verify(password_hash, password[:72])


class RaisesOnOddHashes(FaultyHashing):
    rejected_by = ("test_never_raises",)

    def verify(self, password_hash: str, password: str, /) -> bool:
        assert "$" in password_hash
        return super().verify(password_hash, password)


class RehashesForEver(FaultyHashing):
    rejected_by = ("test_own_hash_needs_no_rehash",)

    def needs_rehash(self, _password_hash: str, /) -> bool:
        return True


class RaisesOnOddDecoys(FaultyHashing):
    rejected_by = ("test_decoy_takes_anything",)

    def decoy(self, password: str, /) -> None:
        assert password.isprintable()


# --- The proof ------------------------------------------------------------------


FAMILIES: Final = (
    FaultyAccounts,
    FaultyRegistry,
    FaultyChallenges,
    FaultySessions,
    FaultyJoin,
    FaultyCounters,
    FaultyHashing,
)
PLANTED: Final[list[Any]] = [
    fault for family in FAMILIES for fault in family.__subclasses__()
]


def build(planted: Any) -> Contract:
    """
    Return the contract, bound to stores with the planted fault.
    """
    make = staticmethod(planted.build)
    bound = type(f"Test{planted.__name__}", (planted.contract,), {"make": make})
    assert issubclass(bound, Contract)
    return bound()


def names_of(contract: type[Contract]) -> Iterator[str]:
    """
    Return the names of the tests of a contract.
    """
    return (name for name in vars(contract) if name.startswith("test_"))


class TestContracts:
    @pytest.mark.parametrize(
        ("planted", "name"),
        [(planted, name) for planted in PLANTED for name in planted.rejected_by],
        ids=lambda value: getattr(value, "__name__", value),
    )
    def test_fault_is_rejected(self, planted: Any, name: str) -> None:
        """
        The test that should find the fault finds it.
        """
        with pytest.raises(AssertionError):
            getattr(build(planted), name)()

    @pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.__name__)
    def test_every_test_finds_a_fault(self, contract: type[Contract]) -> None:
        """
        No test of a contract is without a fault that it rejects.
        """
        found = {
            name
            for planted in PLANTED
            if planted.contract is contract
            for name in planted.rejected_by
        }

        assert set(names_of(contract)) == found

    @pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.__name__)
    def test_every_test_says_what_it_wants(self, contract: type[Contract]) -> None:
        """
        The docstrings print as the specification.
        """
        silent = [
            name for name in names_of(contract) if not vars(contract)[name].__doc__
        ]

        assert [] == silent

    def test_missing_ability_is_told(self) -> None:
        """
        A store that takes one thread only says why, and its tests are skipped.
        """
        planted = build(LooksThenConsumes)
        type(planted).supports_concurrency = "one connection"

        with pytest.raises(SkipTest) as told:
            _ = planted.together([lambda: None])

        assert "TestLooksThenConsumes: one connection" == str(told.value)

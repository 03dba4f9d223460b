"""
Stores and flows with planted faults: a walk finds each of them, in some order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import attrs

from tests.unit.interleavings.desk import (
    Desk,
    Plant,
    Replant,
    StopsBefore,
    as_it_is,
    as_they_are,
)
from uness_auth import UnessAuth
from uness_auth.flows.password_link import PasswordLink
from uness_auth.guard import Guard, Taken
from uness_auth.model import Account, Client, CodeChallenge
from uness_auth.outcomes import (
    LinkUsed,
    PasswordSetAnswer,
    PasswordSuspended,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongPassword,
)
from uness_auth.password_check import PasswordCheck
from uness_auth.policy import DAY, Budget
from uness_auth.ports import (
    Accounts,
    CodeChallenges,
    Counters,
    Registry,
    Sessions,
    Stores,
)
from uness_auth.sessions import SessionKeeper
from uness_auth.site_guard import SiteGuard, WindowTaken
from uness_auth.throttle import History, Spender
from uness_auth.tokens import LinkToken


@attrs.frozen(kw_only=True)
class Planted:
    """
    One fault, the race that finds it, and what the walk then says.
    """

    name: str
    race: str
    says: str
    plant: Plant = as_they_are
    replant: Replant = as_it_is


# --- Stores ---------------------------------------------------------------------
#
# Most of them look, and write what they saw: two steps in place of one.


class FaultyStore(StopsBefore):
    field: ClassVar[str]
    port: ClassVar[type]
    found: ClassVar[tuple[str, str]]

    def look(self, table: str, key: str) -> Any:
        rows = self.desk.rows
        return self.step(
            "looks", table, key, perform=lambda: getattr(rows, table).get(key)
        )

    def put(self, table: str, key: str, row: object) -> None:
        rows = self.desk.rows
        self.step(
            "writes",
            table,
            key,
            row,
            perform=lambda: getattr(rows, table).update({key: row}),
        )


class ConsumesWhatItSaw(FaultyStore):
    field = "code_challenges"
    port = CodeChallenges
    found = ("two confirms of one code", "answers")

    def consume(self, challenge_id: str, /) -> bool:
        there = self.look("challenges", challenge_id) is not None
        rows = self.desk.rows
        self.step(
            "removes",
            challenge_id,
            perform=lambda: rows.challenges.pop(challenge_id, None),
        )
        return there


class SpendsWhatItSaw(FaultyStore):
    field = "code_challenges"
    port = CodeChallenges
    found = ("two wrong codes with one attempt left", "comparisons beyond")

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        seen = self.look("challenges", challenge_id)
        if seen is None or seen.attempts_left == 0:
            return None
        spent: CodeChallenge = attrs.evolve(seen, attempts_left=seen.attempts_left - 1)
        self.put("challenges", challenge_id, spent)
        return spent


class LosesAnAttempt(SpendsWhatItSaw):
    found = ("two wrong codes with five attempts left", "attempts left")


class RenewsWhatItSaw(FaultyStore):
    field = "code_challenges"
    port = CodeChallenges
    found = ("a wrong code and the same code again", "attempts left")

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        seen = self.look("challenges", challenge_id)
        if seen is None or seen.attempts_left == 0:
            return None
        if seen.sent_at > not_sent_after:
            return seen, False
        renewed = attrs.evolve(seen, sent_at=sent_at, expires_at=expires_at)
        self.put("challenges", challenge_id, renewed)
        return renewed, True


class RenewsWhatIsUsed(RenewsWhatItSaw):
    found = ("the right code and the same code again", "the challenge")


class RenewsTwice(RenewsWhatItSaw):
    found = ("two who ask for the same code again", "answers")


class ChecksTheVersionItself(FaultyStore):
    field = "accounts"
    port = Accounts
    found = ("two posts of one link", "answers")

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        seen = self.look("accounts", account_id)
        if seen.credential_version != version or seen.is_disabled:
            return False
        self.put(
            "accounts",
            account_id,
            attrs.evolve(
                seen, password_hash=password_hash, credential_version=version + 1
            ),
        )
        return True


class SetsForTheDisabled(ChecksTheVersionItself):
    found = ("disabling and a link", "the account is disabled")


class SetsOverASignOut(ChecksTheVersionItself):
    found = ("signing out everywhere and a link", "how often the version grew")


class RehashesWhatItSaw(FaultyStore):
    field = "accounts"
    port = Accounts
    found = ("a link and a rehash", "the stored hash")

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        def write() -> bool:
            account = self.desk.rows.accounts[account_id]
            changed = attrs.evolve(account, password_hash=password_hash)
            self.desk.rows.accounts[account_id] = changed
            return True

        return bool(self.step("rehashes", account_id, password_hash, perform=write))


class SuspendsAnyVersion(FaultyStore):
    field = "accounts"
    port = Accounts
    found = ("a link and the wrong password that suspends", "whether it is suspended")

    def disable_password(self, account_id: str, _version: int, /) -> bool:
        def write() -> bool:
            account = self.desk.rows.accounts[account_id]
            changed = attrs.evolve(account, is_password_suspended=True)
            self.desk.rows.accounts[account_id] = changed
            return True

        return bool(self.step("suspends", account_id, perform=write))


class RevivesSessions(FaultyStore):
    field = "sessions"
    port = Sessions
    found = ("signing out and two requests", "sessions")

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        seen = self.look("sessions", digest)
        if seen is None:
            return False
        self.put("sessions", digest, attrs.evolve(seen, last_seen_at=seen_at))
        return True


class SwapsWhatItSaw(FaultyStore):
    field = "counters"
    port = Counters
    found = ("two wrong passwords with one try left", "comparisons beyond")

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        store = self.desk.storage.counters
        if self.step("looks", key, perform=lambda: store.read(key)) != before:
            return False

        def write() -> bool:
            return store.swap(key, store.read(key), after, expires_at)

        return bool(self.step("writes", key, after, perform=write))


class LosesFailures(SwapsWhatItSaw):
    found = ("a wrong and the right password", "failures that are counted")


class MailsTwice(SwapsWhatItSaw):
    found = ("two requests for a link", "mails beyond one a minute")


class AddsToWhatItSaw(FaultyStore):
    field = "counters"
    port = Counters
    found = ("a network with two tries left", "comparisons within the budget")

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        store = self.desk.storage.counters
        seen = self.step("looks", key, perform=lambda: store.add(key, 0, expires_at))
        wanted = max(0, int(seen) + delta)

        def write() -> None:
            while (now := store.add(key, 0, expires_at)) != wanted:
                _ = store.add(key, 1 if now < wanted else -1, expires_at)

        self.step("writes", key, wanted, perform=write)
        return wanted


class AddsAccountsItDidNotSee(FaultyStore):
    field = "registry"
    port = Registry
    found = ("two who add one address", "accounts")

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        (account,) = accounts
        if self.look("ids", account.address) is not None:
            return frozenset()
        self.put("accounts", account.id, account)
        self.put("ids", account.address, account.id)
        return frozenset({account.id})


class ReplacesAnyVersion(FaultyStore):
    field = "registry"
    port = Registry
    found = ("signing out everywhere and a link", "how often the version grew")

    def replace(self, account: Account, _version: int, /) -> bool:
        self.put("accounts", account.id, account)
        return True


class AddsTheAccountBeforeItsAddress(AddsAccountsItDidNotSee):
    found = ("an adding that fails", "a retry")


class SetsThePasswordInTwoSteps(FaultyStore):
    field = "accounts"
    port = Accounts
    found = ("a link that fails", "the stored hash")

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        accounts = self.desk.storage.accounts
        args = (account_id, password_hash, version)
        _ = self.step("writes", *args, perform=lambda: accounts.rehash(*args))
        is_set = self.step(
            "counts", *args, perform=lambda: accounts.set_password(*args)
        )
        return bool(is_set)


# --- Flows ----------------------------------------------------------------------


class ComparesThenSpends(PasswordCheck):
    found = ("two wrong passwords with one try left", "comparisons")

    def _in_slot(
        self, account: Account | None, password: str, spender: Spender
    ) -> Account | WrongPassword | PasswordSuspended | Throttled:
        proven = self._compare(account, password)
        attempt = self._spend(account, spender)
        if isinstance(attempt, Throttled):
            return attempt
        return self._wrong(attempt) if proven is None else self._right(proven, attempt)


class CountsNothingInACrash(ComparesThenSpends):
    found = ("a wrong password that fails", "compared and not counted")


class RehashesUnderALaterVersion(PasswordCheck):
    found = ("a link and a rehash", "the stored hash")

    def _rehash(self, account: Account, password: str) -> None:
        latest = self.accounts.by_id(account.id)
        assert latest is not None
        super()._rehash(
            attrs.evolve(account, credential_version=latest.credential_version),
            password,
        )


class ReadsTheVersionLate(SessionKeeper):
    found = ("a link and the old password", "sessions that work")

    def open(
        self, account: Account, client: Client, /, **how: Any
    ) -> SignedIn | SignInVetoed:
        latest = self.accounts.by_id(account.id)
        assert latest is not None
        return super().open(latest, client, **how)


class ReadsTheVersionLateForCodes(ReadsTheVersionLate):
    found = ("a code and a link", "sessions that work")


class SetsUnderALaterVersion(PasswordLink):
    found = ("two posts of one link", "answers")

    def _set(
        self,
        link: LinkToken,
        account: Account,
        password: str,
        confirmation: str,
        client: Client,
    ) -> PasswordSetAnswer:
        match self.accounts.by_id(account.id):
            case Account(credential_version=version):
                later = attrs.evolve(link, credential_version=version)
                return super()._set(later, account, password, confirmation, client)
            case _:
                return LinkUsed(has_password=False)


class ForgivesEverybody(Guard):
    found = ("a wrong and the right password", "failures that are counted")

    def forgive_password(self, taken: Taken, /) -> None:
        self._rewrite(taken.key, lambda _: History(), DAY)


class LooksAtTheNetworkFirst(SiteGuard):
    found = ("a network with two tries left", "comparisons within the budget")

    def _take_network(
        self, name: str, budget: Budget, client: Client
    ) -> WindowTaken | None:
        most, taken = self._network_window(name, budget, client)
        if self.counters.add(taken.key, 0, taken.expires_at) >= most:
            return None
        _ = self.counters.add(taken.key, 1, taken.expires_at)
        return taken


# --- All of them ------------------------------------------------------------------


def _faulty(fault: Any, sound: Any) -> Any:
    # Frozen classes of ours: the fault has the fields of what it stands in for.
    return fault(**attrs.asdict(sound, recurse=False))


def _in_the_stores(fault: type[FaultyStore]) -> Planted:
    def plant(desk: Desk, stores: Stores) -> Stores:
        store = fault(desk, fault.port, getattr(desk.storage, fault.field))
        return attrs.evolve(stores, **{fault.field: store})

    race, says = fault.found
    return Planted(name=fault.__name__, race=race, says=says, plant=plant)


def _replant_sessions(auth: UnessAuth, fault: Any) -> None:
    sessions = _faulty(fault, auth.sessions)
    auth.password_sign_in = attrs.evolve(auth.password_sign_in, sessions=sessions)
    auth.code_sign_in = attrs.evolve(auth.code_sign_in, sessions=sessions)


def _replant_guard(auth: UnessAuth, fault: Any) -> None:
    sound = auth.code_sign_in.guard
    if issubclass(fault, SiteGuard):
        guard = attrs.evolve(sound, site=_faulty(fault, sound.site))
    else:
        guard = _faulty(fault, sound)
    auth.code_sign_in = attrs.evolve(auth.code_sign_in, guard=guard)
    flow = auth.password_sign_in
    check = attrs.evolve(flow.password_check, guard=guard)
    auth.password_sign_in = attrs.evolve(flow, guard=guard, password_check=check)


def _in_the_flows(fault: Any) -> Planted:
    def replant(auth: UnessAuth) -> None:
        if issubclass(fault, PasswordLink):
            auth.password_link = _faulty(fault, auth.password_link)
        elif issubclass(fault, PasswordCheck):
            flow = auth.password_sign_in
            check = _faulty(fault, flow.password_check)
            auth.password_sign_in = attrs.evolve(flow, password_check=check)
        elif issubclass(fault, SessionKeeper):
            _replant_sessions(auth, fault)
        else:
            _replant_guard(auth, fault)

    race, says = fault.found
    return Planted(name=fault.__name__, race=race, says=says, replant=replant)


PLANTED: Final = [
    *map(
        _in_the_stores,
        (
            ConsumesWhatItSaw,
            SpendsWhatItSaw,
            LosesAnAttempt,
            RenewsWhatItSaw,
            RenewsWhatIsUsed,
            RenewsTwice,
            ChecksTheVersionItself,
            SetsForTheDisabled,
            SetsOverASignOut,
            RehashesWhatItSaw,
            SuspendsAnyVersion,
            RevivesSessions,
            SwapsWhatItSaw,
            LosesFailures,
            MailsTwice,
            AddsToWhatItSaw,
            AddsAccountsItDidNotSee,
            AddsTheAccountBeforeItsAddress,
            SetsThePasswordInTwoSteps,
            ReplacesAnyVersion,
        ),
    ),
    *map(
        _in_the_flows,
        (
            ComparesThenSpends,
            CountsNothingInACrash,
            RehashesUnderALaterVersion,
            ReadsTheVersionLate,
            ReadsTheVersionLateForCodes,
            SetsUnderALaterVersion,
            ForgivesEverybody,
            LooksAtTheNetworkFirst,
        ),
    ),
]

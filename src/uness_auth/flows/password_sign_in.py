"""
Sign-in with the password.
"""

from __future__ import annotations

import logging
from typing import Final

import attrs

from ..addresses import AddressFault, canonical
from ..directory import Directory
from ..errors import HashingError, StorageError
from ..events import Audit, EventKind
from ..guard import Guard, NetworkTaken, Taken
from ..model import Account, Client
from ..outcomes import (
    AddressMalformed,
    Busy,
    NothingTyped,
    PasswordAnswer,
    PasswordSuspended,
    Scope,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongPassword,
)
from ..passwords import HashingSlots
from ..ports import Accounts, PasswordHashing
from ..sessions import SessionKeeper


METHOD: Final = "password"
_logger: Final = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class _Attempt:
    """
    What was spent, and what a right password gives back.
    """

    account: Account | None
    client: Client
    network: NetworkTaken
    taken: Taken


@attrs.frozen(kw_only=True)
class PasswordSignIn:
    """
    S7: compare a password, at a cost, within budgets.
    """

    directory: Directory
    accounts: Accounts
    guard: Guard
    hashing: PasswordHashing
    slots: HashingSlots
    sessions: SessionKeeper
    audit: Audit

    def sign_in(
        self, typed: str, password: str, client: Client, /, *, is_remembered: bool
    ) -> PasswordAnswer:
        """
        Sign in the account of the address *typed*, if *password* is its own.

        In this order: look, slot, spend, compare.  A throttled try hashes nothing,
        and `Busy` costs nobody an attempt.

        Returns:
            `SignedIn`; `WrongPassword`, whatever the reason; `PasswordSuspended`;
            `Throttled`; `Busy`; `NothingTyped`; `AddressMalformed`; `SignInVetoed`.

        Raises:
            uness_auth.errors.StorageError: Nothing passes.

        Timing:
            An unknown address, and an account without a password, cost a decoy hash
            and the same look-ups and budgets.
        """
        address = canonical(typed)
        if isinstance(address, AddressFault):
            return AddressMalformed(fault=address)
        if password == "":
            return NothingTyped()
        account = self.directory.active(address)
        account_id = account.id if account else self.guard.decoy_id(address)
        waiting = self.guard.look_password(account_id, client)
        is_suspended = account is not None and account.is_password_suspended
        if is_suspended or isinstance(waiting, PasswordSuspended):
            self._refuse(account, client, "the password is suspended")
            return self._suspend(account, client)
        if waiting is not None:
            return waiting
        return self._in_slot(
            account, account_id, password, client, is_remembered=is_remembered
        )

    def _in_slot(
        self,
        account: Account | None,
        account_id: str,
        password: str,
        client: Client,
        *,
        is_remembered: bool,
    ) -> PasswordAnswer:
        with self.slots.take() as is_taken:
            if not is_taken:
                return Busy(retry_after=self.slots.retry_after)
            attempt = self._spend(account, account_id, client)
            if isinstance(attempt, Throttled):
                return attempt
            return self._answer(attempt, password, is_remembered=is_remembered)

    def _spend(
        self, account: Account | None, account_id: str, client: Client
    ) -> _Attempt | Throttled:
        network = self.guard.take_network(Scope.NETWORK_PASSWORDS, client)
        if isinstance(network, Throttled):
            return network
        taken = self.guard.take_password(account_id, client)
        if isinstance(taken, Throttled):
            self.guard.give_back_network(network)
            return taken
        return _Attempt(account=account, client=client, network=network, taken=taken)

    def _answer(
        self, attempt: _Attempt, password: str, *, is_remembered: bool
    ) -> SignedIn | SignInVetoed | WrongPassword | PasswordSuspended:
        if self.guard.is_suspended(attempt.taken):
            # Nothing was compared, so nothing of the network's failed.
            self.guard.give_back_network(attempt.network)
            return self._suspend(attempt.account, attempt.client)
        proven = self._compare(attempt.account, password)
        if proven is None:
            return self._wrong(attempt)
        self._rehash(proven, password)
        return self._right(proven, attempt, is_remembered=is_remembered)

    def _compare(self, account: Account | None, password: str) -> Account | None:
        if account is None or not account.has_password:
            self.hashing.decoy(password)
            return None
        is_right = self.hashing.verify(account.password_hash, password)
        return account if is_right else None

    def _right(
        self, account: Account, attempt: _Attempt, *, is_remembered: bool
    ) -> SignedIn | SignInVetoed:
        self.guard.forgive_password(attempt.taken)
        self.guard.give_back_network(attempt.network)
        self.audit.record(
            EventKind.PASSWORD_ACCEPTED, account, client=attempt.client, method=METHOD
        )
        return self.sessions.open(
            account, attempt.client, method=METHOD, is_remembered=is_remembered
        )

    def _wrong(self, attempt: _Attempt) -> WrongPassword | PasswordSuspended:
        reason = "wrong password"
        if attempt.account is None:
            reason = "no account, or a disabled one"
        elif not attempt.account.has_password:
            reason = "no password yet"
        self._refuse(attempt.account, attempt.client, reason)
        if self.guard.suspends(attempt.taken):
            return self._suspend(attempt.account, attempt.client)
        return WrongPassword()

    def _suspend(self, account: Account | None, client: Client) -> PasswordSuspended:
        if (
            account is not None
            and not account.is_password_suspended
            and self.accounts.disable_password(account.id, account.credential_version)
        ):
            self.audit.record(
                EventKind.PASSWORD_SUSPENDED,
                account,
                client=client,
                method=METHOD,
                reason="too many wrong passwords in a row",
            )
        return PasswordSuspended()

    def _rehash(self, account: Account, password: str) -> None:
        if not self.hashing.needs_rehash(account.password_hash):
            return
        try:
            _ = self.accounts.rehash(
                account.id, self.hashing.hash(password), account.credential_version
            )
        except (StorageError, HashingError):
            # The old hash is as right as before; the next sign-in tries again.
            _logger.warning("a password hash could not be upgraded", exc_info=True)

    def _refuse(self, account: Account | None, client: Client, reason: str) -> None:
        self.audit.record(
            EventKind.PASSWORD_REFUSED,
            account,
            client=client,
            method=METHOD,
            reason=reason,
        )

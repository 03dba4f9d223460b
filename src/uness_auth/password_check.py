"""
Whether a password is an account's own: compared at a cost, within budgets.

And whether it may become one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import attrs

from .errors import HashingError, StorageError
from .events import Audit, EventKind
from .guard import Guard, Taken, unless_decoy
from .model import Account, Client
from .outcomes import Busy, PasswordSuspended, Scope, Throttled, WrongPassword
from .passwords import HashingSlots
from .policy import PasswordPolicy
from .ports import Accounts, PasswordHashing
from .site_guard import WindowTaken
from .throttle import Spender


METHOD: Final = "password"
_logger: Final = logging.getLogger(__name__)

PasswordCheckAnswer: TypeAlias = (
    Account | WrongPassword | PasswordSuspended | Throttled | Busy
)


@attrs.frozen
class NewPasswords:
    """
    Judges a new password: by the policy, and then by what the host knows of leaks.
    """

    policy: PasswordPolicy
    is_leaked: Callable[[str], bool]

    def unmet(self, text: str, /, *, about: Sequence[str]) -> tuple[str, ...]:
        """
        Return the names of the rules that *text* breaks; empty: acceptable.

        The host is asked last, only of what would be set, and a leaked password is
        told as one that is too common.

        Raises:
            uness_auth.errors.HashingError: The host cannot say: nothing passes.
        """
        unmet = self.policy.unmet(text, about=about)
        if not unmet and self._is_leaked(text):
            return ("too_common",)
        return unmet

    def _is_leaked(self, text: str) -> bool:
        try:
            return self.is_leaked(text)
        except Exception as exc:  # noqa: BLE001 - whatever the host's function raises
            # No more than its type: the message may hold the password.
            msg = f"is_leaked() failed: {type(exc).__name__}"
            raise HashingError(msg) from None


@attrs.frozen(kw_only=True)
class _Attempt:
    """
    What was spent, and what a right password gives back.
    """

    account: Account | None
    spender: Spender
    network: tuple[WindowTaken, ...]
    taken: Taken

    @property
    def client(self) -> Client:
        return self.spender.client


@attrs.frozen(kw_only=True)
class PasswordCheck:
    """
    Compares passwords, for whoever asks for one.
    """

    accounts: Accounts
    guard: Guard
    hashing: PasswordHashing
    slots: HashingSlots
    audit: Audit

    def check(
        self, account: Account | None, account_id: str, password: str, client: Client, /
    ) -> PasswordCheckAnswer:
        """
        Say whether *password* is the account's own.

        In this order: look, slot, spend, compare.  A throttled try hashes nothing,
        and `Busy` costs nobody an attempt.

        Args:
            account: None for a decoy, which costs the same.

        Returns:
            The account as it was compared; `WrongPassword`, whatever the reason;
            `PasswordSuspended`; `Throttled`; `Busy`.

        Raises:
            uness_auth.errors.StorageError: Nothing passes.
        """
        spender = self.guard.spender(account_id, account, client)
        waiting = self.guard.look_password(spender)
        is_suspended = account is not None and account.is_password_suspended
        if is_suspended or isinstance(waiting, PasswordSuspended):
            self._refuse(account, spender, "the password is suspended")
            return self._suspend(account, client)
        if waiting is not None:
            return waiting
        with self.slots.take() as is_taken:
            if not is_taken:
                return Busy(retry_after=self.slots.retry_after)
            return self._in_slot(account, password, spender)

    def _in_slot(
        self, account: Account | None, password: str, spender: Spender
    ) -> Account | WrongPassword | PasswordSuspended | Throttled:
        attempt = self._spend(account, spender)
        if isinstance(attempt, Throttled):
            return attempt
        return self._answer(attempt, password)

    def _spend(self, account: Account | None, spender: Spender) -> _Attempt | Throttled:
        network = self._spend_network(spender)
        if isinstance(network, Throttled):
            return network
        taken = self.guard.take_password(spender)
        if isinstance(taken, Throttled):
            self.guard.site.give_back(network)
            return taken
        return _Attempt(account=account, spender=spender, network=network, taken=taken)

    def _spend_network(self, spender: Spender) -> tuple[WindowTaken, ...] | Throttled:
        if spender.is_known_device:
            # Whoever shares its network cannot hold it up.
            return ()
        taken = self.guard.site.take_network(Scope.NETWORK_PASSWORDS, spender.client)
        return taken if isinstance(taken, Throttled) else (taken,)

    def _answer(
        self, attempt: _Attempt, password: str
    ) -> Account | WrongPassword | PasswordSuspended:
        if self.guard.is_suspended(attempt.taken):
            # Nothing was compared, so nothing of the network's failed.
            self.guard.site.give_back(attempt.network)
            return self._suspend(attempt.account, attempt.client)
        proven = self._compare(attempt.account, password)
        if proven is None:
            return self._wrong(attempt)
        self._rehash(proven, password)
        return self._right(proven, attempt)

    def _compare(self, account: Account | None, password: str) -> Account | None:
        if account is None or not account.has_password:
            self.hashing.decoy(password)
            return None
        is_right = self.hashing.verify(account.password_hash, password)
        return account if is_right else None

    def _right(self, account: Account, attempt: _Attempt) -> Account:
        self.guard.forgive_password(attempt.taken)
        if attempt.spender.is_known_device:
            # What strangers made the account wait for ends with its owner's success.
            self.guard.end_wait(attrs.evolve(attempt.spender, device_id=""))
        self.guard.site.give_back(attempt.network)
        self.audit.record(
            EventKind.PASSWORD_ACCEPTED, account, client=attempt.client, method=METHOD
        )
        return account

    def _wrong(self, attempt: _Attempt) -> WrongPassword | PasswordSuspended:
        reason = "wrong password"
        if attempt.account is None:
            reason = "no account, or a closed one"
        elif not attempt.account.has_password:
            reason = "no password yet"
        self._refuse(attempt.account, attempt.spender, reason)
        self.guard.site.count_wrong_password(attempt.client)
        if not self.guard.suspends(attempt.taken):
            return WrongPassword()
        if attempt.account is None:
            # The same step, of nobody: it finds nothing to suspend.
            _ = self.accounts.disable_password(attempt.spender.account_id, 0)
        return self._suspend(attempt.account, attempt.client)

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

    def _refuse(self, account: Account | None, spender: Spender, reason: str) -> None:
        self.audit.record(
            EventKind.PASSWORD_REFUSED,
            account,
            client=spender.client,
            # A disabled account's, which is not at hand.
            account_id=unless_decoy(spender.account_id),
            method=METHOD,
            reason=reason,
        )

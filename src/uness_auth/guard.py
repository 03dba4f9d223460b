"""
Spends budgets of an account before anything is compared, and gives them back on success.

They are rarely contended, so each is a short history that is read and swapped; the
budgets of many are `uness_auth.site_guard`'s.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

import attrs

from .devices import Devices
from .errors import StorageError
from .events import EventKind
from .keys import KeyRing, Purpose
from .model import Account, Client, OrderKind
from .outcomes import PasswordSuspended, Scope, Throttled
from .policy import DAY, MINUTE, Budget, ThrottlePolicy
from .ports import Counters
from .site_guard import SiteGuard
from .throttle import (
    Decision,
    History,
    Refused,
    Spender,
    Spent,
    forgive,
    mended,
    spend,
    spend_password,
    without,
)


# Account budgets are rarely contended: the hashing slots let few in at once.
SWAP_TRIES: Final = 8
# A run of failures has no window (NIST 800-63B-4, 3.2.2): kept for a year without one.
RUN_KEPT: Final = timedelta(days=366)
_PASSWORDS: Final = "passwords"
_CODES: Final = "codes"
_CODE_MAILS: Final = "code mails"
_LINK_MAILS: Final = "link mails"
_KEPT: Final = (_PASSWORDS, _CODES, _CODE_MAILS, _LINK_MAILS)
_DECOY: Final = "decoy-"


@attrs.frozen(kw_only=True)
class Taken:
    """
    One try of an account's budget, or a device's, to be given back on success.
    """

    key: str = attrs.field(repr=False)
    at: datetime
    network: str
    text: str = attrs.field(repr=False)
    history: History


@attrs.frozen(kw_only=True)
class Held:
    """
    An account that one process works on, and others leave alone meanwhile.
    """

    key: str = attrs.field(repr=False)
    text: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class MailRefused:
    """
    The mail budget of an account is spent.
    """

    sent_at: datetime
    until: datetime


MailTaken: TypeAlias = Taken | MailRefused


def unless_decoy(account_id: str, /) -> str:
    """
    Return the account id for an event; empty where it is a decoy's, which is nobody's.
    """
    return "" if account_id.startswith(_DECOY) else account_id


@attrs.frozen(kw_only=True)
class Guard:
    """
    Spends and gives back.  A store that cannot be reached raises, so nothing passes.

    Attributes:
        site: Guards what is not one account's.
    """

    site: SiteGuard
    counters: Counters
    policy: ThrottlePolicy
    keys: KeyRing
    devices: Devices
    clock: Callable[[], datetime]

    def decoy_id(self, address: str, /) -> str:
        """
        Return the account id of nobody that stands for an unknown address.

        With it an unknown address has budgets and challenges like any other, and
        nothing answers to it.
        """
        return f"{_DECOY}{self.keys.digest(Purpose.DECOY, address)[:32]}"

    def spender(
        self, account_id: str, account: Account | None, client: Client, /
    ) -> Spender:
        """
        Say whose budgets *client* spends with a try at the account.

        Args:
            account: None where *account_id* is a decoy's, which no device knows.
        """
        device = self.devices.read(
            client.device,
            account_id,
            account.credential_version if account else 0,
            self.clock(),
        )
        return Spender(
            account_id=account_id,
            client=client,
            device_id=device.id if device.is_known else "",
        )

    # --- Passwords of an account ---------------------------------------------

    def look_password(
        self, spender: Spender, /
    ) -> Throttled | PasswordSuspended | None:
        """
        Say whether the account waits, without spending: a wait hashes nothing.

        A run that is over is told first, and of a decoy too: an account keeps its
        suspension whatever it waits for, and must not be known by that.
        """
        key = self._key(_PASSWORDS, spender)
        _, history = self._read(key, RUN_KEPT)
        if history.in_a_row >= self.policy.passwords_in_a_row:
            return PasswordSuspended()
        match self._spend_password(history, spender):
            case Refused(until=until):
                return self._throttled(Scope.ACCOUNT_PASSWORDS, key, until, spender)
            case Spent():
                return None
            case _ as never:
                assert_never(never)

    def take_password(self, spender: Spender, /) -> Taken | Throttled:
        """
        Spend one wrong password in advance.
        """
        key = self._key(_PASSWORDS, spender)
        decision = self._swap(
            key,
            lambda history: self._spend_password(history, spender),
            spender,
            RUN_KEPT,
        )
        match decision:
            case Taken():
                return decision
            case Refused(until=until):
                return self._throttled(Scope.ACCOUNT_PASSWORDS, key, until, spender)
            case _ as never:
                assert_never(never)

    def is_suspended(self, taken: Taken, /) -> bool:
        """
        Whether this try lies beyond the run that suspends the password.
        """
        return taken.history.in_a_row > self.policy.passwords_in_a_row

    def suspends(self, taken: Taken, /) -> bool:
        """
        Whether this try, if it is wrong, is the last of the run.
        """
        return taken.history.in_a_row >= self.policy.passwords_in_a_row

    def forgive_password(self, taken: Taken, /) -> None:
        """
        End the wait and the run that this try was part of: it was right.
        """
        self._rewrite(
            taken.key,
            lambda history: forgive(history, taken.at, taken.network),
            RUN_KEPT,
            known=taken.text,
        )

    def end_wait(self, spender: Spender, /) -> None:
        """
        End the account's wait and run, and its known device's: they are proven.

        Nothing else: what was spent of a day stays spent.
        """
        keys = [self._account_key(_PASSWORDS, spender.account_id)]
        if spender.is_known_device:
            keys.append(self._key(_PASSWORDS, spender))
        for key in keys:
            self._rewrite(
                key,
                lambda history: attrs.evolve(history, in_a_row=0, wait_until=None),
                RUN_KEPT,
            )

    # --- Codes and mails of an account ---------------------------------------

    def take_code(self, spender: Spender, /) -> Taken | Throttled:
        """
        Spend one try at a code, over all challenges of the account.
        """
        key = self._key(_CODES, spender)
        budgets = self.policy.codes
        if spender.is_known_device:
            budgets = self.policy.device_codes
        decision = self._swap(key, self._spender_of(budgets, spender), spender)
        match decision:
            case Taken():
                return decision
            case Refused(until=until):
                return self._throttled(Scope.ACCOUNT_CODES, key, until, spender)
            case _ as never:
                assert_never(never)

    def take_mail(self, spender: Spender, kind: OrderKind, /) -> MailTaken:
        """
        Spend one mail to the account, or say when the last one left.
        """
        # One budget for both links: to a mailbox a mail is a mail.
        name = _CODE_MAILS if kind is OrderKind.CODE else _LINK_MAILS
        key = self._key(name, spender)
        budgets = self._mail_budgets(spender, kind)
        decision = self._swap(key, self._spender_of(budgets, spender), spender)
        match decision:
            case Taken():
                return decision
            case Refused(until=until):
                _, history = self._read(key, DAY)
                return MailRefused(sent_at=history.last_at or self.clock(), until=until)
            case _ as never:
                assert_never(never)

    def give_back(self, taken: Taken, /) -> None:
        """
        Take the try or the mail back out of the account's budget.
        """
        self._rewrite(
            taken.key,
            lambda history: without(history, taken.at, taken.network),
            DAY,
            known=taken.text,
        )

    # --- One at a time -------------------------------------------------------

    def hold(self, name: str, account_id: str, lasting: timedelta, /) -> Held | None:
        """
        Keep others from doing *name* to the account for a while; None: another does.

        Atomicity: of any number of concurrent calls at most one holds it.
        """
        key = self.keys.digest(Purpose.THROTTLE, "held", name, account_id)
        now = self.clock()
        before = self.counters.read(key)
        until = now + lasting
        # No longer than it may last, whatever the clock did that wrote it.
        if before is not None and (
            now.timestamp() < _held_until(before) <= until.timestamp()
        ):
            return None
        # Of two that come at one moment each writes a text of its own.
        text = f"{int(until.timestamp())} {secrets.token_hex(8)}"
        if not self.counters.swap(key, before, text, until):
            return None
        return Held(key=key, text=text)

    def let_go(self, held: Held, /) -> None:
        """
        Let the next one hold the account at once.
        """
        free = f"0 {secrets.token_hex(8)}"
        _ = self.counters.swap(held.key, held.text, free, self.clock())

    # --- What is kept of an account ------------------------------------------

    def histories(self, account_id: str, /) -> dict[str, History]:
        """
        Return what is kept of the account, by name; of its known devices nothing.
        """
        found = {
            name: self.counters.read(self._account_key(name, account_id))
            for name in _KEPT
        }
        return {
            name: self._history(text)
            for name, text in found.items()
            if text is not None
        }

    def forget(self, account_id: str, /) -> None:
        """
        Empty what is kept of the account; it is gone with the next purge.
        """
        for name in _KEPT:
            key = self._account_key(name, account_id)
            self._rewrite(key, lambda _: History(), MINUTE)

    # --- How ----------------------------------------------------------------

    def _spend_password(self, history: History, spender: Spender) -> Decision:
        return spend_password(
            history, self.policy, self.clock(), self._network_tag(spender)
        )

    def _spender_of(
        self, budgets: tuple[Budget, ...], spender: Spender
    ) -> Callable[[History], Decision]:
        tag = self._network_tag(spender)
        return lambda history: spend(history, budgets, self.clock(), tag)

    def _mail_budgets(self, spender: Spender, kind: OrderKind) -> tuple[Budget, ...]:
        is_code = kind is OrderKind.CODE
        if spender.is_known_device:
            policy = self.policy
            return policy.device_code_mails if is_code else policy.device_link_mails
        return self.policy.code_mails if is_code else self.policy.link_mails

    def _swap(
        self,
        key: str,
        decide: Callable[[History], Decision],
        spender: Spender,
        kept: timedelta = DAY,
    ) -> Taken | Refused:
        for _ in range(SWAP_TRIES):
            before, history = self._read(key, kept)
            decision = decide(history)
            if not isinstance(decision, Spent):
                return decision
            after = decision.after.as_text()
            if self.counters.swap(key, before, after, self.clock() + kept):
                return Taken(
                    key=key,
                    at=decision.after.entries[-1].at,
                    network=self._network_tag(spender),
                    text=after,
                    history=decision.after,
                )
        raise _contended()

    def _read(self, key: str, kept: timedelta) -> tuple[str | None, History]:
        text = self.counters.read(key)
        history = self._history(text)
        sound = mended(history, self.clock(), self.policy.longest_wait)
        if sound == history:
            return text, history
        after = sound.as_text()
        is_written = self.counters.swap(key, text, after, self.clock() + kept)
        # Where another call was first, whoever swaps with this text tries again.
        return (after if is_written else text), sound

    def _rewrite(
        self,
        key: str,
        change: Callable[[History], History],
        kept: timedelta,
        *,
        known: str | None = None,
    ) -> None:
        before = self.counters.read(key) if known is None else known
        for _ in range(SWAP_TRIES):
            if before is None:
                return
            after = change(self._history(before)).as_text()
            if after == before:
                return
            if self.counters.swap(key, before, after, self.clock() + kept):
                return
            before = self.counters.read(key)
        raise _contended()

    def _throttled(
        self, scope: Scope, key: str, until: datetime, spender: Spender
    ) -> Throttled:
        self.site.tell_once(
            EventKind.THROTTLED,
            scope,
            key,
            until,
            spender.client,
            account_id=unless_decoy(spender.account_id),
        )
        return Throttled(scope=scope, until=until)

    def _key(self, name: str, spender: Spender) -> str:
        if not spender.is_known_device:
            return self._account_key(name, spender.account_id)
        return self.keys.digest(
            Purpose.THROTTLE, "device", name, spender.account_id, spender.device_id
        )

    def _account_key(self, name: str, account_id: str) -> str:
        return self.keys.digest(Purpose.THROTTLE, "account", name, account_id)

    def _network_tag(self, spender: Spender) -> str:
        if spender.is_known_device:
            return ""
        network = spender.client.network
        return self.keys.digest(Purpose.THROTTLE, "tag", network)[:8]

    def _history(self, text: str | None) -> History:
        try:
            return History.from_text(text)
        except ValueError as exc:
            raise _not_ours() from exc


def _held_until(text: str) -> int:
    try:
        return int(text.partition(" ")[0])
    except ValueError as exc:
        raise _not_ours() from exc


def _not_ours() -> StorageError:
    return StorageError("a counter holds something that this library did not write")


def _contended() -> StorageError:
    return StorageError(f"a counter changed {SWAP_TRIES} times while it was swapped")

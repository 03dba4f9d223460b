"""
Spends budgets before anything is compared, and gives them back on success.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, assert_never

import attrs

from .errors import StorageError
from .events import Audit, EventKind
from .keys import KeyRing, Purpose
from .model import Client, OrderKind
from .outcomes import PasswordSuspended, Scope, Throttled
from .policy import DAY, MINUTE, Budget, ThrottlePolicy
from .ports import Counters
from .throttle import (
    Decision,
    History,
    Refused,
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
_UNKNOWN: Final = "unknown"


@attrs.frozen(kw_only=True)
class Taken:
    """
    One try of an account's budget, to be given back on success.
    """

    key: str = attrs.field(repr=False)
    at: datetime
    network: str
    text: str = attrs.field(repr=False)
    history: History


@attrs.frozen(kw_only=True)
class NetworkTaken:
    """
    One try of a network's budget, to be given back on success.
    """

    key: str = attrs.field(repr=False)
    expires_at: datetime


@attrs.frozen(kw_only=True)
class MailRefused:
    """
    The mail budget of an account is spent.
    """

    sent_at: datetime
    until: datetime


MailTaken: TypeAlias = Taken | MailRefused


@attrs.frozen
class Guard:
    """
    Spends and gives back.  A store that cannot be reached raises, so nothing passes.
    """

    counters: Counters
    policy: ThrottlePolicy
    keys: KeyRing
    clock: Callable[[], datetime]
    audit: Audit

    def decoy_id(self, address: str, /) -> str:
        """
        Return the account id of nobody that stands for an unknown address.

        With it an unknown address has budgets and challenges like any other, and
        nothing answers to it.
        """
        return f"decoy-{self.keys.digest(Purpose.DECOY, address)[:32]}"

    # --- Passwords of an account ---------------------------------------------

    def look_password(
        self, account_id: str, client: Client, /
    ) -> Throttled | PasswordSuspended | None:
        """
        Say whether the account waits, without spending: a wait hashes nothing.

        A run that is over is told first, and of a decoy too: an account keeps its
        suspension whatever it waits for, and must not be known by that.
        """
        key = self._account_key(_PASSWORDS, account_id)
        _, history = self._read(key, RUN_KEPT)
        if history.in_a_row >= self.policy.passwords_in_a_row:
            return PasswordSuspended()
        match self._spend_password(history, client):
            case Refused(until=until):
                return self._throttled(Scope.ACCOUNT_PASSWORDS, key, until, client)
            case Spent():
                return None
            case _ as never:
                assert_never(never)

    def take_password(self, account_id: str, client: Client, /) -> Taken | Throttled:
        """
        Spend one wrong password in advance.
        """
        key = self._account_key(_PASSWORDS, account_id)
        decision = self._swap(
            key, lambda history: self._spend_password(history, client), client, RUN_KEPT
        )
        match decision:
            case Taken():
                return decision
            case Refused(until=until):
                return self._throttled(Scope.ACCOUNT_PASSWORDS, key, until, client)
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
        End the account's wait and run: this try was right.
        """
        self._rewrite(
            taken.key,
            lambda history: forgive(history, taken.at, taken.network),
            RUN_KEPT,
            known=taken.text,
        )

    def end_wait(self, account_id: str, /) -> None:
        """
        End the account's wait and run: it was proven another way.
        """
        self._rewrite(
            self._account_key(_PASSWORDS, account_id),
            lambda history: attrs.evolve(history, in_a_row=0, wait_until=None),
            RUN_KEPT,
        )

    # --- Codes and mails of an account ---------------------------------------

    def take_code(self, account_id: str, client: Client, /) -> Taken | Throttled:
        """
        Spend one try at a code, over all challenges of the account.
        """
        key = self._account_key(_CODES, account_id)
        decision = self._swap(key, self._spender(self.policy.codes, client), client)
        match decision:
            case Taken():
                return decision
            case Refused(until=until):
                return self._throttled(Scope.ACCOUNT_CODES, key, until, client)
            case _ as never:
                assert_never(never)

    def take_mail(
        self, account_id: str, kind: OrderKind, client: Client, /
    ) -> MailTaken:
        """
        Spend one mail to the account, or say when the last one left.
        """
        is_code = kind is OrderKind.CODE
        budgets = self.policy.code_mails if is_code else self.policy.link_mails
        # One budget for both links: to a mailbox a mail is a mail.
        key = self._account_key("code mails" if is_code else "link mails", account_id)
        decision = self._swap(key, self._spender(budgets, client), client)
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

    # --- Networks ------------------------------------------------------------

    def take_network(self, scope: Scope, client: Client, /) -> NetworkTaken | Throttled:
        """
        Spend one of the network's budget for *scope*.

        Atomicity: of a budget of N exactly N are taken within its window, however
        many ask at once.
        """
        budget: Budget = getattr(self.policy, scope)
        match self._take_network(scope, budget, client):
            case Refused(until=until):
                return Throttled(scope=scope, until=until)
            case NetworkTaken() as taken:
                return taken
            case _ as never:
                assert_never(never)

    def give_back_network(self, taken: NetworkTaken, /) -> None:
        """
        Only failures count against a network.
        """
        _ = self.counters.add(taken.key, -1, taken.expires_at)

    def may_tell(self, client: Client, /) -> bool:
        """
        Say whether the network may still be told of an unknown address.

        Asked before the account is looked up, so that where one page serves everybody
        a known address costs what an unknown one does.
        """
        if not self.policy.tells_unknown:
            return False
        most, window = self._network_budget(
            _UNKNOWN, self.policy.network_unknown, client
        )
        if self.counters.add(window.key, 0, window.expires_at) < most:
            return True
        self._tell_once(_UNKNOWN, window.key, window.expires_at, client)
        return False

    def take_unknown(self, client: Client, /) -> bool:
        """
        Spend one unknown address of the network; False: others were faster.

        Atomicity: of a budget of N exactly N are told within its window.
        """
        taken = self._take_network(_UNKNOWN, self.policy.network_unknown, client)
        return isinstance(taken, NetworkTaken)

    # --- How ----------------------------------------------------------------

    def _take_network(
        self, name: str, budget: Budget, client: Client
    ) -> NetworkTaken | Refused:
        most, taken = self._network_budget(name, budget, client)
        if self.counters.add(taken.key, 1, taken.expires_at) <= most:
            return taken
        # Given back at once, so that the number is always what really failed.
        self.give_back_network(taken)
        self._tell_once(name, taken.key, taken.expires_at, client)
        return Refused(until=taken.expires_at)

    def _network_budget(
        self, name: str, budget: Budget, client: Client
    ) -> tuple[int, NetworkTaken]:
        factor = self.policy.trusted_network_factor if client.is_trusted_network else 1
        start, end = _window(self.clock(), budget.per)
        key = self.keys.digest(
            Purpose.THROTTLE, "network", name, client.network, start.isoformat()
        )
        return budget.most * factor, NetworkTaken(key=key, expires_at=end)

    def _spend_password(self, history: History, client: Client) -> Decision:
        return spend_password(
            history, self.policy, self.clock(), self._network_tag(client)
        )

    def _spender(
        self, budgets: tuple[Budget, ...], client: Client
    ) -> Callable[[History], Decision]:
        tag = self._network_tag(client)
        return lambda history: spend(history, budgets, self.clock(), tag)

    def _swap(
        self,
        key: str,
        decide: Callable[[History], Decision],
        client: Client,
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
                    network=self._network_tag(client),
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
        self, scope: Scope, key: str, until: datetime, client: Client
    ) -> Throttled:
        self._tell_once(scope, key, until, client)
        return Throttled(scope=scope, until=until)

    def _tell_once(self, name: str, key: str, until: datetime, client: Client) -> None:
        # One event per window: a flood of requests must not become one of events.
        told = self.keys.digest(Purpose.THROTTLE, "told", key, until.isoformat())
        if self.counters.add(told, 1, until + MINUTE) == 1:
            self.audit.record(
                EventKind.THROTTLED,
                client=client,
                method=name,
                reason=f"until {until.isoformat()}",
            )

    def _account_key(self, name: str, account_id: str) -> str:
        return self.keys.digest(Purpose.THROTTLE, "account", name, account_id)

    def _network_tag(self, client: Client) -> str:
        return self.keys.digest(Purpose.THROTTLE, "tag", client.network)[:8]

    def _history(self, text: str | None) -> History:
        try:
            return History.from_text(text)
        except ValueError as exc:
            msg = "a counter holds something that this library did not write"
            raise StorageError(msg) from exc


def _contended() -> StorageError:
    return StorageError(f"a counter changed {SWAP_TRIES} times while it was swapped")


def _window(now: datetime, per: timedelta) -> tuple[datetime, datetime]:
    # Windows begin at multiples of their length, so the key says which it is and a
    # store needs no clock.
    seconds = int(per.total_seconds())
    start = int(now.timestamp()) // seconds * seconds
    return (
        datetime.fromtimestamp(start, UTC),
        datetime.fromtimestamp(start + seconds, UTC),
    )

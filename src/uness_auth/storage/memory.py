"""
Keeps everything in memory, for development and tests: gone when the process ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from threading import Lock
from typing import ClassVar, Final, TypeVar

import attrs

from ..errors import StorageError
from ..events import Event, EventKind
from ..model import Account, CodeChallenge, Session
from ..ports import Stores


_Row = TypeVar("_Row")

# What is developed on for days must not grow for ever: the oldest events go.
EVENTS_KEPT: Final = 10_000


class MemoryStorage:
    """
    Every store of a site that lives in one process and forgets everything at its end.

    Attributes:
        stores: For `uness_auth.UnessAuth`.
    """

    for_development_only: ClassVar[bool] = True

    def __init__(self) -> None:
        rows = Rows()
        self.accounts: MemoryAccounts = MemoryAccounts(rows)
        self.registry: MemoryRegistry = MemoryRegistry(rows)
        self.code_challenges: MemoryCodeChallenges = MemoryCodeChallenges(rows)
        self.sessions: MemorySessions = MemorySessions(rows, self.accounts)
        self.session_lists: MemorySessions = self.sessions
        self.counters: MemoryCounters = MemoryCounters(rows)
        self.events: MemoryEvents = MemoryEvents(rows)
        self.stores: Stores = Stores(
            accounts=self.accounts,
            registry=self.registry,
            code_challenges=self.code_challenges,
            sessions=self.sessions,
            counters=self.counters,
            session_lists=self.session_lists,
            events=self.events,
        )


@attrs.define(eq=False)
class _Text:
    text: str
    expires_at: datetime


@attrs.define(eq=False)
class _Number:
    number: int
    expires_at: datetime


class Rows:
    """
    What the stores of one `MemoryStorage` share.

    One lock for all of it: a step that looks at two tables, as the join does, sees both
    at one moment, and nobody waits for long where nothing touches a disk.
    """

    def __init__(self) -> None:
        self.lock: Lock = Lock()
        self.accounts: dict[str, Account] = {}
        self.ids: dict[str, str] = {}
        self.external_ids: dict[tuple[str, str], str] = {}
        self.challenges: dict[str, CodeChallenge] = {}
        self.sessions: dict[str, Session] = {}
        self.counters: dict[str, _Text | _Number] = {}
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)

    def under(self, account_id: str, version: int, /) -> Account | None:
        """
        Return the account if it is under *version*.
        """
        account = self.accounts.get(account_id)
        if account is None or account.credential_version != version:
            return None
        return account

    def is_free(self, account: Account, /) -> bool:
        """
        Return whether no other account has its address or its external id.
        """
        owners = {self.ids.get(account.address, account.id)}
        if account.external_id:
            owners.add(self.external_ids.get(_external(account), account.id))
        return owners == {account.id}

    def put(self, account: Account, /) -> None:
        """
        Store the account, in the place of what stood under its id.
        """
        _ = self.remove(account.id)
        self.accounts[account.id] = account
        self.ids[account.address] = account.id
        if account.external_id:
            self.external_ids[_external(account)] = account.id

    def remove(self, account_id: str, /) -> bool:
        """
        Remove the account with its keys, and return whether it was there.
        """
        account = self.accounts.pop(account_id, None)
        if account is None:
            return False
        del self.ids[account.address]
        _ = self.external_ids.pop(_external(account), None)
        return True


def _external(account: Account) -> tuple[str, str]:
    return account.provisioned_by, account.external_id


@attrs.define(eq=False)
class MemoryAccounts:
    """
    The `uness_auth.ports.Accounts` of `MemoryStorage`.
    """

    for_development_only: ClassVar[bool] = True

    _rows: Rows

    def by_id(self, account_id: str, /) -> Account | None:
        """
        Return the account, or None.
        """
        with self._rows.lock:
            return self._rows.accounts.get(account_id)

    def by_address(self, address: str, /) -> Account | None:
        """
        Return the account with exactly this address, or None.
        """
        with self._rows.lock:
            account_id = self._rows.ids.get(address)
            return None if account_id is None else self._rows.accounts[account_id]

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        """
        Set the hash, add one to the version, lift the suspension.
        """
        with self._rows.lock:
            account = self._rows.under(account_id, version)
            if account is None or account.is_disabled:
                return False
            self._rows.accounts[account_id] = attrs.evolve(
                account,
                password_hash=password_hash,
                credential_version=version + 1,
                is_password_suspended=False,
            )
            return True

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        """
        Replace the hash and leave the version alone.
        """
        with self._rows.lock:
            account = self._rows.under(account_id, version)
            if account is None:
                return False
            self._rows.accounts[account_id] = attrs.evolve(
                account, password_hash=password_hash
            )
            return True

    def disable_password(self, account_id: str, version: int, /) -> bool:
        """
        Suspend the password and leave the version alone.
        """
        with self._rows.lock:
            account = self._rows.under(account_id, version)
            if account is None:
                return False
            self._rows.accounts[account_id] = attrs.evolve(
                account, is_password_suspended=True
            )
            return True


@attrs.define(eq=False)
class MemoryRegistry:
    """
    The `uness_auth.ports.Registry` of `MemoryStorage`.
    """

    for_development_only: ClassVar[bool] = True

    _rows: Rows

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        """
        Return up to *limit* accounts whose id is greater than *after*, by id.
        """
        with self._rows.lock:
            ids = sorted(one for one in self._rows.accounts if one > after)[:limit]
            return [self._rows.accounts[one] for one in ids]

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        """
        Add those whose keys are new; return the ids of those added.
        """
        added: set[str] = set()
        with self._rows.lock:
            for account in accounts:
                is_known = account.id in self._rows.accounts
                if not is_known and self._rows.is_free(account):
                    self._rows.put(account)
                    added.add(account.id)
        return frozenset(added)

    def replace(self, account: Account, version: int, /) -> bool:
        """
        Write every field of *account* except `is_password_suspended`.
        """
        return bool(self.replace_many([(account, version)]))

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        """
        Replace each account under the version beside it; return the ids of those written.
        """
        written: set[str] = set()
        with self._rows.lock:
            for account, version in changes:
                stored = self._rows.under(account.id, version)
                if stored is None or not self._rows.is_free(account):
                    continue
                self._rows.put(
                    attrs.evolve(
                        account, is_password_suspended=stored.is_password_suspended
                    )
                )
                written.add(account.id)
        return frozenset(written)

    def erase(self, account_id: str, /) -> bool:
        """
        Remove the account and say whether this call was the one that did.
        """
        with self._rows.lock:
            return self._rows.remove(account_id)


@attrs.define(eq=False)
class MemoryCodeChallenges:
    """
    The `uness_auth.ports.CodeChallenges` of `MemoryStorage`.
    """

    for_development_only: ClassVar[bool] = True

    _rows: Rows

    def add(self, challenge: CodeChallenge, /) -> None:
        """
        Store *challenge*.
        """
        with self._rows.lock:
            if challenge.id in self._rows.challenges:
                msg = "MemoryCodeChallenges.add() failed: the id is taken"
                raise StorageError(msg)
            self._rows.challenges[challenge.id] = challenge

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        """
        Note that the code is sent again, if that is due.
        """
        with self._rows.lock:
            challenge = self._rows.challenges.get(challenge_id)
            if (
                challenge is None
                or challenge.attempts_left == 0
                or challenge.window_ends_at <= sent_at
            ):
                return None
            if challenge.sent_at > not_sent_after:
                return challenge, False
            renewed = attrs.evolve(challenge, sent_at=sent_at, expires_at=expires_at)
            self._rows.challenges[challenge_id] = renewed
            return renewed, True

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        """
        Take one attempt off and return the challenge as it is afterwards.
        """
        with self._rows.lock:
            challenge = self._rows.challenges.get(challenge_id)
            if challenge is None or challenge.attempts_left == 0:
                return None
            spent = attrs.evolve(challenge, attempts_left=challenge.attempts_left - 1)
            self._rows.challenges[challenge_id] = spent
            return spent

    def consume(self, challenge_id: str, /) -> bool:
        """
        Remove the challenge and say whether this call was the one that did.
        """
        with self._rows.lock:
            return self._rows.challenges.pop(challenge_id, None) is not None

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* challenges whose window ended before *before*.
        """
        with self._rows.lock:
            return _remove(
                self._rows.challenges, lambda row: row.window_ends_at < before, limit
            )


@attrs.define(eq=False)
class MemorySessions:
    """
    The `uness_auth.ports.Sessions` of `MemoryStorage`, which can join and list.
    """

    for_development_only: ClassVar[bool] = True

    _rows: Rows
    joins: MemoryAccounts

    def add(self, session: Session, /) -> None:
        """
        Store *session*.
        """
        with self._rows.lock:
            if session.digest in self._rows.sessions:
                msg = "MemorySessions.add() failed: the digest is taken"
                raise StorageError(msg)
            self._rows.sessions[session.digest] = session

    def by_digest(self, digest: str, /) -> Session | None:
        """
        Return the session, or None.
        """
        with self._rows.lock:
            return self._rows.sessions.get(digest)

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        """
        Return the session and its account, or None.
        """
        with self._rows.lock:
            session = self._rows.sessions.get(digest)
            if session is None:
                return None
            account = self._rows.accounts.get(session.account_id)
            return None if account is None else (session, account)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        """
        Note that the session was used.  Never moves `last_seen_at` back.
        """
        with self._rows.lock:
            session = self._rows.sessions.get(digest)
            if session is None:
                return False
            self._rows.sessions[digest] = attrs.evolve(
                session, last_seen_at=max(session.last_seen_at, seen_at)
            )
            return True

    def close(self, digest: str, /) -> bool:
        """
        Remove the session and say whether this call was the one that did.
        """
        with self._rows.lock:
            return self._rows.sessions.pop(digest, None) is not None

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        """
        Return up to *limit* sessions of the account, the last used first.
        """
        with self._rows.lock:
            own = self._of(account_id)
        return sorted(own, key=lambda one: one.last_seen_at, reverse=True)[:limit]

    def close_others(self, account_id: str, kept: str, /) -> int:
        """
        Remove all sessions of the account but the one whose digest is *kept*.
        """
        with self._rows.lock:
            others = [one.digest for one in self._of(account_id) if one.digest != kept]
            for digest in others:
                del self._rows.sessions[digest]
            return len(others)

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* sessions last seen before *before*.
        """
        with self._rows.lock:
            return _remove(
                self._rows.sessions, lambda row: row.last_seen_at < before, limit
            )

    def _of(self, account_id: str) -> list[Session]:
        rows = self._rows.sessions.values()
        return [one for one in rows if one.account_id == account_id]


@attrs.define(eq=False)
class MemoryCounters:
    """
    The `uness_auth.ports.Counters` of `MemoryStorage`.
    """

    for_development_only: ClassVar[bool] = True

    _rows: Rows

    def read(self, key: str, /) -> str | None:
        """
        Return the text under *key*, or None.
        """
        with self._rows.lock:
            return self._text(key)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Write *after* where *before* stands; None means: where nothing stands.
        """
        with self._rows.lock:
            if self._text(key) != before:
                return False
            self._rows.counters[key] = _Text(after, expires_at)
            return True

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Add *delta* and return the number afterwards, never below zero.
        """
        with self._rows.lock:
            row = self._rows.counters.get(key)
            if delta == 0:
                return row.number if isinstance(row, _Number) else 0
            if not isinstance(row, _Number):
                row = self._rows.counters[key] = _Number(0, expires_at)
            row.number = max(0, row.number + delta)
            row.expires_at = max(row.expires_at, expires_at)
            return row.number

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* rows that expired before *before*.
        """
        with self._rows.lock:
            return _remove(
                self._rows.counters, lambda row: row.expires_at < before, limit
            )

    def _text(self, key: str) -> str | None:
        row = self._rows.counters.get(key)
        return row.text if isinstance(row, _Text) else None


@attrs.define(eq=False)
class MemoryEvents:
    """
    The `uness_auth.ports.Events` of `MemoryStorage`: the last `EVENTS_KEPT`.
    """

    for_development_only: ClassVar[bool] = True

    _rows: Rows

    def add(self, events: Sequence[Event], /) -> None:
        """
        Store *events*, in their order.
        """
        with self._rows.lock:
            self._rows.events.extend(events)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        """
        Return up to *limit* events of the account, the newest first.
        """
        with self._rows.lock:
            own = [
                one for one in reversed(self._rows.events) if _is_of(one, account_id)
            ]
        # Stable: of one second the last added stays first.
        return sorted(own, key=lambda one: one.at, reverse=True)[:limit]

    def erase(self, account_id: str, /) -> int:
        """
        Empty account id, address, network and reason of the account's events.
        """
        with self._rows.lock:
            events = self._rows.events
            own = [n for n, one in enumerate(events) if _is_of(one, account_id)]
            for n in own:
                events[n] = attrs.evolve(
                    events[n], account_id="", address="", network="", reason=""
                )
            return len(own)

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        """
        Remove up to *limit* events of these kinds that happened before *before*.
        """
        with self._rows.lock:
            events = self._rows.events
            is_over = [one.kind in kinds and one.at < before for one in events]
            over = [n for n, is_so in enumerate(is_over) if is_so][:limit]
            for n in reversed(over):
                del events[n]
            return len(over)


def _is_of(event: Event, account_id: str) -> bool:
    return account_id != "" and event.account_id == account_id


def _remove(rows: dict[str, _Row], is_over: Callable[[_Row], bool], limit: int) -> int:
    keys = [key for key, row in rows.items() if is_over(row)][:limit]
    for key in keys:
        del rows[key]
    return len(keys)

"""
The Protocols an integrator fills: as few methods as the flows call.

Every method may be called from several threads and processes at once, and is one
atomic step.  A store that cannot be reached raises `uness_auth.errors.StorageError`;
it never answers.  Instants are aware UTC in whole seconds; digests are hex.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol, runtime_checkable

import attrs

from .events import Event, EventKind
from .model import Account, CodeChallenge, MailOrder, Session


class Accounts(Protocol):
    """
    Finds accounts and keeps their password hashes.
    """

    def by_id(self, account_id: str, /) -> Account | None:
        """
        Return the account, or None.  Any text is fine.
        """
        ...

    def by_address(self, address: str, /) -> Account | None:
        """
        Return the account with exactly this canonical address, or None.

        Compared byte by byte: no case folding, no accents folded, no trailing
        spaces ignored, whatever the collation of the database.
        """
        ...

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        """
        Set the hash, add one to the credential version, lift the suspension.

        Atomicity: compare-and-swap.  Only if the account is under *version* and not
        disabled; of any number of concurrent calls with one version exactly one
        gets True.  In SQL one ``UPDATE … WHERE id = … AND credential_version = …``.
        """
        ...

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        """
        Replace the hash of the same password and leave the version alone.

        Atomicity: only if the account is still under *version*: it loses to any
        change, or an old password could come back.
        """
        ...

    def disable_password(self, account_id: str, version: int, /) -> bool:
        """
        Suspend the password, and leave version, sessions and links alone.

        Atomicity: only if the account is still under *version*.
        """
        ...


class Registry(Protocol):
    """
    Creates and changes accounts: for provisioning, never for a visitor.
    """

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        """
        Return up to *limit* accounts whose id is greater than *after*, by id.
        """
        ...

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        """
        Add those whose keys are new; return the ids of those added.

        The keys of an account are its id, its address and, where it is not empty, its
        external id among those of its registrar.

        A store that keeps ids of its own, as where they are numbers, gives one in the
        place of an id that it cannot keep, and returns the id that it was given.

        Atomicity: all of them or, where it raises, none; of two concurrent calls
        with one address, or one external id of one registrar, exactly one adds it.
        """
        ...

    def replace(self, account: Account, version: int, /) -> bool:
        """
        Write every field of *account* except `is_password_suspended`.

        Atomicity: compare-and-swap.  Only if the stored version is *version*; False
        where it is not, where the account is gone, or where its new address, or its
        new external id, belongs to another.
        """
        ...

    def erase(self, account_id: str, /) -> bool:
        """
        Remove the account and say whether this call was the one that did.
        """
        ...


@runtime_checkable
class BulkRegistry(Protocol):
    """
    What a registry may do besides: replace many accounts in one transaction.

    Where each transaction waits for a disk, a file that changes every account is then
    written in seconds instead of minutes.
    """

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        """
        Replace each account under the version beside it; return the ids of those written.

        Each as `Registry.replace` would, as if one after the other.

        Atomicity: each is a compare-and-swap; all of those told or, where it raises,
        none.  Calls with the same accounts in another order do not wait for each other
        for ever.
        """
        ...


class CodeChallenges(Protocol):
    """
    Keeps the sign-ins by code that are waiting for their code.
    """

    def add(self, challenge: CodeChallenge, /) -> None:
        """
        Store *challenge*.  Its id has never been seen before.
        """
        ...

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

        Due is a challenge with attempts left, whose window ends after *sent_at*
        and whose own `sent_at` is not after *not_sent_after*.  Gives no attempt
        back.

        Returns:
            The challenge as it is afterwards, and whether this call renewed it.
            None where it is gone, has no attempts left or its window has ended.

        Atomicity: of any number of concurrent calls for one due challenge exactly
        one renews it, as long as *sent_at* lies after *not_sent_after*.
        """
        ...

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        """
        Take one attempt off and return the challenge as it is afterwards.

        Atomicity: with N attempts left, exactly N calls, concurrent or not, get the
        challenge; all later ones get None.  In SQL one ``UPDATE … WHERE
        attempts_left > 0``, with RETURNING where there is one.
        """
        ...

    def consume(self, challenge_id: str, /) -> bool:
        """
        Remove the challenge and say whether this call was the one that did.

        Atomicity: of any number of concurrent calls exactly one gets True.
        """
        ...

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* challenges whose window ended before *before*.
        """
        ...


class Sessions(Protocol):
    """
    Keeps open sessions under the digest of their token.
    """

    def add(self, session: Session, /) -> None:
        """
        Store *session*.  Its digest has never been seen before.
        """
        ...

    def by_digest(self, digest: str, /) -> Session | None:
        """
        Return the session, or None.
        """
        ...

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        """
        Note that the session was used.  Never moves `last_seen_at` back.

        Atomicity: one update of an existing row; a session closed meanwhile stays
        closed, and the answer is False.
        """
        ...

    def close(self, digest: str, /) -> bool:
        """
        Remove the session and say whether this call was the one that did.
        """
        ...

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* sessions last seen before *before*.
        """
        ...


class SessionLists(Protocol):
    """
    Lists and closes the sessions of one account, for its owner.
    """

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        """
        Return up to *limit* sessions of the account, the last used first.

        Those of one second come in any order.  Void and expired ones may be among
        them.
        """
        ...

    def close_others(self, account_id: str, kept: str, /) -> int:
        """
        Remove all sessions of the account but the one whose digest is *kept*.

        Returns:
            How many this call removed.

        Atomicity: of any number of concurrent calls each session is counted by one;
        a session that `Sessions.close` or another call removed stays removed.
        """
        ...


@runtime_checkable
class JoinedSessions(Protocol):
    """
    What a session store may do besides, where sessions and accounts share a database.

    A request that needs the session is then one read instead of two.
    """

    @property
    def joins(self) -> Accounts:
        """
        The account store it reads from: used only if `Stores.accounts` is this object.
        """
        ...

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        """
        Return the session and its account, read at one moment, or None.
        """
        ...


class Counters(Protocol):
    """
    Keeps the throttles' state: small texts that are swapped, numbers that are added.

    Keys are hex digests, values at most 4,000 characters of ASCII.  The two kinds do
    not share keys.  A row past its `expires_at` may vanish at any time, and not before.
    """

    def read(self, key: str, /) -> str | None:
        """
        Return the text under *key*, or None.
        """
        ...

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Write *after* where *before* stands; None means: where nothing stands.

        Atomicity: compare-and-swap.  Of any number of concurrent calls with one
        *before* exactly one gets True, unless *after* equals *before*.
        """
        ...

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Add *delta*, one up, one down or none, and return the number afterwards.

        A new key starts at zero; the number never falls below zero.  None only looks,
        and changes nothing.

        Atomicity: no call is lost, and no two concurrent calls of one up see the
        same number.
        """
        ...

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* rows that expired before *before*.
        """
        ...


class Events(Protocol):
    """
    Keeps what happened: audit facts, written once and changed by nothing but `erase`.

    An empty account id is nobody's: under it nothing is listed, and nothing erased.
    """

    def add(self, events: Sequence[Event], /) -> None:
        """
        Store *events*, in their order: one of a visitor, thousands of an import.

        Atomicity: all of them or, where it raises, none.
        """
        ...

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        """
        Return up to *limit* events of the account, the newest first.

        Of one second the last added comes first.
        """
        ...

    def erase(self, account_id: str, /) -> int:
        """
        Empty account id, address, network and reason of the account's events.

        The events stay, with kind, instant and method, so that what was counted stays
        right.

        Returns:
            How many this call emptied.

        Atomicity: of any number of concurrent calls each event is counted by one.
        """
        ...

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        """
        Remove up to *limit* events of these kinds that happened before *before*.
        """
        ...


class Mailer(Protocol):
    """
    Hands a composed mail over.
    """

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Send *message* to the one address *to*, and to nobody else.

        Raises:
            uness_auth.errors.MailError: It was not accepted.  Never with the text
                of the mail in it.
        """
        ...


@attrs.frozen(kw_only=True)
class MailCheck:
    """
    What a mail server said to a check, which mails nothing.

    Attributes:
        server: Its name, or its name and port.

        encryption: The protocol's version, as ``TLSv1.3``; empty in clear.

        is_local: It is on this machine.

        takes_bounces: It would take a mail for the sender's own address.
    """

    server: str
    encryption: str
    is_local: bool
    takes_bounces: bool


@runtime_checkable
class CheckedMailer(Protocol):
    """
    A mailer that can be asked whether it would work.  Optional: `doctor` asks it.
    """

    def check(self, sender: str, /) -> MailCheck | None:
        """
        Do what comes before a mail from the address *sender*, and mail nothing.

        Returns None where that says nothing: what hands mails over is no mail server.

        Raises:
            uness_auth.errors.MailError: A mail would not leave.
        """
        ...


@runtime_checkable
class TimedStore(Protocol):
    """
    A store whose server has a clock of its own.  Optional: `doctor` compares it.
    """

    def server_time(self) -> datetime:
        """
        Return the server's time, in whole seconds.

        Raises:
            uness_auth.errors.StorageError: It could not be reached.
        """
        ...


class OrderQueue(Protocol):
    """
    Keeps mail orders for a worker that calls `uness_auth.UnessAuth.deliver`.

    Decoys are among them: orders for addresses of nobody, which are dropped there.
    """

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order* until it is delivered or expired.

        Raises:
            uness_auth.errors.MailError: The queue is full or cannot be reached.
        """
        ...


class PasswordHashing(Protocol):
    """
    Turns passwords into hashes.  Called inside a hashing slot.
    """

    def hash(self, password: str, /) -> str:
        """
        Return a salted hash that says how it was made.

        Raises:
            uness_auth.errors.HashingError: It cannot be done now.
        """
        ...

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Say whether *password* made *password_hash*.

        Never raises on bad input: a hash it cannot read, and one that asks for more
        memory or time than is allowed, is False.
        """
        ...

    def needs_rehash(self, password_hash: str, /) -> bool:
        """
        Say whether the hash was made with other parameters than today's.
        """
        ...

    def decoy(self, password: str, /) -> None:
        """
        Do the work of `verify`, for an account that has no password.
        """
        ...


@attrs.frozen(kw_only=True)
class Stores:
    """
    One store per port.  Mix them with `attrs.evolve`, one readable line per port.

    Attributes:
        registry: Optional: without it there is no `auth.provisioning`.

        session_lists: Optional: without it nobody can list their sessions.

        events: Optional: without it events are told to the log and to subscribers only.
    """

    accounts: Accounts
    code_challenges: CodeChallenges
    sessions: Sessions
    counters: Counters
    registry: Registry | None = None
    session_lists: SessionLists | None = None
    events: Events | None = None

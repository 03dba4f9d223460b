"""
A site in memory whose ports stop before each call.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any, Final, TypeAlias, cast

import attrs
import pytest

from uness_auth import MailError, Policy, Site, StorageError, UnessAuth
from uness_auth.events import Event
from uness_auth.model import Account, Session
from uness_auth.outcomes import AccountAdded
from uness_auth.ports import (
    Accounts,
    CodeChallenges,
    Counters,
    Registry,
    Sessions,
    Stores,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


@attrs.frozen
class Call:
    """
    A call of a port that is about to be made.
    """

    name: str
    args: tuple[object, ...]
    perform: Callable[[], object] = attrs.field(eq=False, repr=False)

    def made(self) -> object:
        """
        Make it.
        """
        return self.perform()


@attrs.frozen
class Answered:
    """
    The port answered.
    """

    value: object

    def given(self) -> object:
        """
        Answer as the port did.
        """
        return self.value

    def __str__(self) -> str:
        """
        Return the answer as a schedule prints it.
        """
        plain = isinstance(self.value, bool | int | None)
        return str(self.value) if plain else f"<{type(self.value).__name__}>"


@attrs.frozen
class Raised:
    """
    The port raised, or the flow did.
    """

    kind: type[Exception]
    text: str

    def given(self) -> object:
        """
        Raise as the port did.
        """
        raise self.kind(self.text)

    def __str__(self) -> str:
        """
        Return the error as a schedule prints it.
        """
        return f"{self.kind.__name__}: {self.text}"


@attrs.frozen
class Died:
    """
    The process ended here: no handler ran.
    """

    def given(self) -> object:
        """
        Never called: nobody is there to hear an answer.
        """
        raise NotImplementedError

    def __str__(self) -> str:
        """
        Return what a schedule prints.
        """
        return "the process dies"


Answer: TypeAlias = Answered | Raised | Died
Given: TypeAlias = tuple[tuple[Call, Answer], ...]


class Stop(BaseException):
    """
    Ends a run where a call has no answer yet.

    No `Exception`: a flow that handles errors must not handle it.
    """

    def __init__(self, call: Call) -> None:
        super().__init__(call.name)
        self.call = call


@attrs.frozen(kw_only=True)
class Run:
    """
    How far a flow came: to a call, or to its end.

    Attributes:
        call: What it wants to call; None at its end.

        answer: Its outcome, or what it raised; None before its end.

        compared: How many passwords it had compared, decoys included.
    """

    call: Call | None
    answer: object
    events: tuple[Event, ...]
    compared: int

    @property
    def reasons(self) -> list[str]:
        """
        The private reasons that its events tell.
        """
        return [event.reason for event in self.events if event.reason]


class StopsBefore:
    """
    A port of a store: each call of it stops first.

    Offers what the port has and nothing else, so that a session store does not join:
    two reads can be overtaken where one cannot.
    """

    def __init__(self, desk: Desk, port: type, store: object) -> None:
        self.desk = desk
        self._port = port
        self._store = store

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """
        Return the method, stopping.
        """
        if method.startswith("_") or method not in vars(self._port):
            raise AttributeError(method)
        real = getattr(self._store, method)
        name = f"{self._port.__name__}.{method}"
        return lambda *args: self.desk.call(Call(name, args, lambda: real(*args)))

    def step(self, what: str, *args: object, perform: Callable[[], Any]) -> Any:
        """
        Do something that the port has no method for, stopping first.
        """
        return self.desk.call(Call(f"{self._port.__name__} {what}", args, perform))


class StopsBeforeJoined(StopsBefore):
    """
    The session store, which stops before it reads a session and its account at once.
    """

    @property
    def joins(self) -> Accounts:
        """
        The account store as the site has it.
        """
        return self.desk.stores.accounts

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        """
        Read both, stopping first.
        """
        sessions = self.desk.storage.sessions
        found: tuple[Session, Account] | None = self.step(
            "reads both", digest, perform=lambda: sessions.with_account(digest)
        )
        return found


class StopsBeforeMail:
    """
    The mailer: it stops before it sends.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Send, when the time has come.
        """
        about = (to, str(message["Subject"]))
        call = Call("Mailer.send", about, lambda: self._desk.outbox.send(message, to))
        _ = self._desk.call(call)


class Hashing(FastHashing):
    """
    A hasher whose parameters have changed: it knows its older hashes.
    """

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Compare with a hash of today's or yesterday's parameters.
        """
        return super().verify(password_hash.replace("old:", "clear:"), password)


Plant: TypeAlias = Callable[["Desk", Stores], Stores]
Replant: TypeAlias = Callable[[UnessAuth], None]
CAMILLE: Final = "camille@univ-exemple.fr"
OLD: Final = "Aviron-Bleu-26"
NEW: Final = "Velo-Tandem-2026"


def as_they_are(_desk: Desk, stores: Stores) -> Stores:
    """
    Plant no fault in the stores.
    """
    return stores


def as_it_is(_auth: UnessAuth) -> None:
    """
    Plant no fault in the flows.
    """


class Desk:
    """
    The site, its stores, and everything that a walk sets back.

    Args:
        plant: Puts a fault into the stores.

        replant: Puts a fault into the flows.
    """

    def __init__(self, plant: Plant = as_they_are, replant: Replant = as_it_is) -> None:
        self.clock = FixedClock()
        self.storage = MemoryStorage()
        # Of all stores: they share it.
        self.rows = self.storage.accounts._rows  # noqa: SLF001 - what is set back
        self.outbox = Outbox()
        self.hashing = Hashing()
        self.log = EventLog()
        self.auth: UnessAuth
        self.stores: Stores
        self._plant = plant
        self._replant = replant
        self.outside_a_run: Callable[[Call], object] = Call.made
        self._script: Iterator[tuple[Call, Answer]] | None = None

    def open(self, policy: Policy | None = None, *, joins: bool = False) -> UnessAuth:
        """
        Wire the site.

        Args:
            joins: Whether a session and its account are read at once, or in two calls.
        """
        kind = StopsBeforeJoined if joins else StopsBefore
        self.stores = Stores(
            accounts=self._stopping(Accounts, self.storage.accounts),
            registry=self._stopping(Registry, self.storage.registry),
            code_challenges=self._stopping(
                CodeChallenges, self.storage.code_challenges
            ),
            sessions=cast("Any", kind(self, Sessions, self.storage.sessions)),
            counters=self._stopping(Counters, self.storage.counters),
        )
        self.stores = self._plant(self, self.stores)
        self.auth = UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=self.stores,
            mailer=StopsBeforeMail(self),
            keys=["first-key-of-the-tests-0123456789abcdef"],
            policy=policy,
            hashing=self.hashing,
            subscribers=[self.log],
            clock=self.clock,
        )
        self._replant(self.auth)
        return self.auth

    def add_camille(self, password_hash: str = "") -> None:
        """
        Add the one account, with a password or without.
        """
        added = self.auth.provisioning.add(CAMILLE, account_id="camille")
        assert isinstance(added, AccountAdded)
        if password_hash:
            version = added.account.credential_version
            assert self.storage.accounts.set_password("camille", password_hash, version)

    @property
    def camille(self) -> Account:
        """
        The account as it is stored.
        """
        account = self.storage.accounts.by_id("camille")
        assert account is not None
        return account

    # --- Calls ------------------------------------------------------------------

    def call(self, call: Call) -> object:
        """
        Answer the next call of a run, or make it where there is no run.
        """
        if self._script is None:
            return self.outside_a_run(call)
        for made, answer in self._script:
            # A flow is a function of the answers that it gets, or no walk is true.
            assert made == call, f"{made} was made before, and now {call}"
            return answer.given()
        raise Stop(call)

    def run(self, name: str, act: Callable[[], object], given: Given) -> Run:
        """
        Begin *act* and answer its calls as *given*, up to the next one or its end.
        """
        self.log.events.clear()
        before = self.hashing.verified + self.hashing.decoys
        call = None
        answer: object = None
        self._script = iter(given)
        try:
            with drawing_for(name):
                answer = act()
        except Stop as stop:
            call = stop.call
        except (StorageError, MailError) as exc:
            answer = Raised(type(exc), str(exc))
        finally:
            self._script = None
        return Run(
            call=call,
            answer=answer,
            events=tuple(self.log.events),
            compared=self.hashing.verified + self.hashing.decoys - before,
        )

    # --- What is set back ---------------------------------------------------------

    def state(self) -> Hashable:
        """
        Return all that is stored and mailed, frozen.
        """
        rows = self.rows
        return (
            frozenset(rows.accounts.items()),
            frozenset(rows.ids.items()),
            frozenset(rows.challenges.items()),
            frozenset(rows.sessions.items()),
            # These rows change in place.
            frozenset(
                (key, type(row), attrs.astuple(row))
                for key, row in rows.counters.items()
            ),
            tuple(self.outbox.messages),
        )

    def restore(self, state: Hashable) -> None:
        """
        Store what *state* holds, and nothing else.
        """
        accounts, ids, challenges, sessions, counters, mails = cast("Any", state)
        rows = self.rows
        rows.accounts = dict(accounts)
        rows.ids = dict(ids)
        rows.challenges = dict(challenges)
        rows.sessions = dict(sessions)
        rows.counters = {key: kind(*row) for key, kind, row in counters}
        self.outbox.messages = list(mails)

    def _stopping(self, port: type, store: object) -> Any:
        return StopsBefore(self, port, store)


@contextmanager
def drawing_for(name: str) -> Iterator[None]:
    """
    Draw the same ids and tokens whenever *name* begins again, and others for others.
    """
    drawn = 0

    def draw() -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.sha256(f"{name} {drawn}".encode()).digest()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_hex", lambda size: draw()[:size].hex())
        patch.setattr(
            secrets,
            "token_urlsafe",
            lambda size: urlsafe_b64encode(draw()[:size]).rstrip(b"=").decode(),
        )
        patch.setattr(
            secrets, "randbits", lambda bits: int.from_bytes(draw()) % 2**bits
        )
        yield


def names(runs: Sequence[Run]) -> list[str]:
    """
    Return what the flows answered, by class.
    """
    return sorted(type(run.answer).__name__ for run in runs)

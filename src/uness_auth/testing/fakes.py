"""
Fakes for tests: a clock that stands, an outbox, a hasher that costs nothing.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from threading import Lock
from typing import ClassVar, Final

import attrs

from ..errors import MailError
from ..events import Event, EventKind
from ..policy import Budget, HashingPolicy, Policy, ThrottlePolicy


_LINK: Final = re.compile(r"https?://\S+/link/\S+")
_CODE: Final = re.compile(r"^(\d{6,8})$", re.MULTILINE)


@attrs.define
class FixedClock:
    """
    A clock that stands still until it is told to `tick`.
    """

    now: datetime = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)

    def __call__(self) -> datetime:
        """
        Return the time: aware UTC, whole seconds.
        """
        return self.now

    def tick(self, by: timedelta = timedelta(seconds=1)) -> None:
        """
        Let *by* pass.
        """
        self.now += by


class Outbox:
    """
    The fake mailer: keeps what was sent, and hands back the last link or code.
    """

    for_development_only: ClassVar[bool] = True

    def __init__(self) -> None:
        self.messages: list[tuple[str, EmailMessage]] = []
        self.is_down: bool = False
        self._lock = Lock()

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Keep *message*, or raise `MailError` while `is_down`.
        """
        if self.is_down:
            msg = "the outbox is down"
            raise MailError(msg)
        with self._lock:
            self.messages.append((to, message))

    def to(self, address: str, /) -> list[EmailMessage]:
        """
        Return the mails to *address*, oldest first.
        """
        return [message for to, message in self.messages if to == address]

    def count(self, address: str, /) -> int:
        """
        Return how many mails *address* has got.
        """
        return len(self.to(address))

    def last_text(self, address: str, /) -> str:
        """
        Return the text part of the last mail to *address*.
        """
        body = self.to(address)[-1].get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def link(self, address: str, /) -> str:
        """
        Return the last link mailed to *address*.
        """
        return self._last(address, _LINK)

    def code(self, address: str, /) -> str:
        """
        Return the last code mailed to *address*.
        """
        return self._last(address, _CODE)

    def _last(self, address: str, pattern: re.Pattern[str]) -> str:
        bodies = [message.get_body(("plain",)) for message in self.to(address)]
        for body in reversed(bodies):
            found = pattern.search(str(body.get_content())) if body else None
            if found:
                return found.group()
        msg = f"no mail to {address} holds one: {len(bodies)} were sent"
        raise LookupError(msg)


class FastHashing:
    """
    A hasher that costs nothing and protects nothing.
    """

    for_development_only: ClassVar[bool] = True

    def __init__(self) -> None:
        self.decoys: int = 0
        self.verified: int = 0
        self._lock = Lock()

    def hash(self, password: str, /) -> str:
        """
        Return the password in clear, marked as such.
        """
        return f"clear:{password}"

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Compare, and count.
        """
        with self._lock:
            self.verified += 1
        given = self.hash(password).encode("utf-8", "surrogatepass")
        return hmac.compare_digest(password_hash.encode(), given)

    def needs_rehash(self, password_hash: str, /) -> bool:
        """
        Return whether another hasher made it.
        """
        return not password_hash.startswith("clear:")

    def decoy(self, _password: str, /) -> None:
        """
        Count.
        """
        with self._lock:
            self.decoys += 1


class EventLog:
    """
    A subscriber that keeps every event.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event, /) -> None:
        """
        Keep *event*.
        """
        self.events.append(event)

    def kinds(self) -> list[EventKind]:
        """
        Return the kinds, oldest first.
        """
        return [event.kind for event in self.events]

    def last(self, kind: EventKind, /) -> Event:
        """
        Return the last event of *kind*.
        """
        return next(event for event in reversed(self.events) if event.kind is kind)


def policy_without_waits() -> Policy:
    """
    Return the tutorial's policy with budgets that a test does not reach.

    `UnessAuth` takes it on a loopback address only.
    """
    # A counter is a short text: many in a day would outgrow it, as many in a second do
    # not.
    plenty = (Budget(100, timedelta(seconds=1)),)
    return Policy.uness(
        throttle=ThrottlePolicy(
            codes=plenty,
            link_mails=plenty,
            code_mails=plenty,
            free_passwords=9,
            for_development_only=True,
        ),
        hashing=HashingPolicy.small(),
    )

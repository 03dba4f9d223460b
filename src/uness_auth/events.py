"""
Audit facts: what happened, to whom, and the private reason that outcomes hide.

An event never holds a secret, a whole e-mail address or a whole network address.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_network
from typing import Final, TypeAlias

import attrs

from .model import Account, Client


_logger: Final = logging.getLogger("uness_auth.events")
_NOBODY: Final = Client()
# What a mail server says may be long; what a store is given is not.
LONGEST_REASON: Final = 500
# For so long a store that failed is passed over.
STORE_PAUSE: Final = timedelta(seconds=10)


class EventKind(StrEnum):
    """
    Everything that is worth writing down.
    """

    ADDRESS_UNKNOWN = "address_unknown"
    LINK_ORDERED = "link_ordered"
    LINK_SENT = "link_sent"
    LINK_OPENED = "link_opened"
    LINK_USED = "link_used"
    LINK_REFUSED = "link_refused"
    PASSWORD_SET = "password_set"
    PASSWORD_ACCEPTED = "password_accepted"
    PASSWORD_REFUSED = "password_refused"
    PASSWORD_SUSPENDED = "password_suspended"
    PASSWORD_CHANGED = "password_changed"
    CODE_ORDERED = "code_ordered"
    CODE_SENT = "code_sent"
    CODE_ACCEPTED = "code_accepted"
    CODE_REFUSED = "code_refused"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_VETOED = "sign_in_vetoed"
    NEW_DEVICE = "new_device"
    NOTICE_SENT = "notice_sent"
    THROTTLED = "throttled"
    BREAKER_OPENED = "breaker_opened"
    ALARM_RAISED = "alarm_raised"
    MAIL_FAILED = "mail_failed"
    MAIL_DROPPED = "mail_dropped"
    ACCOUNT_CREATED = "account_created"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_READDRESSED = "account_readdressed"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_ERASED = "account_erased"
    SESSIONS_REVOKED = "sessions_revoked"
    IMPORT = "import"


ATTEMPTS: Final = frozenset(
    {
        EventKind.ADDRESS_UNKNOWN,
        EventKind.LINK_REFUSED,
        EventKind.PASSWORD_REFUSED,
        EventKind.CODE_REFUSED,
        EventKind.THROTTLED,
        EventKind.BREAKER_OPENED,
        EventKind.ALARM_RAISED,
    }
)
"""
What came to nothing, and may have been anybody's: kept for a shorter time.
"""

HISTORY: Final = frozenset(EventKind) - ATTEMPTS
"""
What became of an account: its mails, links, passwords, sign-ins.
"""


@attrs.frozen(kw_only=True)
class Event:
    """
    One audit fact.

    Attributes:
        account_id: Empty where there is no account.  At most 64 characters.

        address: Masked, ``c…@univ-exemple.fr``: see `masked_address`.

        network: Truncated to /24 or /48: see `masked_network`.

        method:
            The way: ``password``, ``code``, ``first_link``, ``reset_link``.  At most 64
            characters.

        reason:
            Why, for the operator's eyes only.  Of what was let in, the browser:
            ``Firefox, Windows``.  At most `LONGEST_REASON` characters.
    """

    kind: EventKind
    at: datetime
    account_id: str = ""
    address: str = ""
    network: str = ""
    method: str = ""
    reason: str = ""


Subscriber: TypeAlias = Callable[[Event], None]


def masked_address(address: str, /) -> str:
    """
    Return *address* with all but the first letter of its local part left out.
    """
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else ""


# An event a request, mostly from the same few networks: parsing costs more than all
# the rest of recording one.
@lru_cache(maxsize=1_024)
def masked_network(network: str, /) -> str:
    """
    Return *network* cut to /24 (IPv4) or /48 (IPv6); empty for what is neither.
    """
    try:
        whole = ip_network(network, strict=False)
    except ValueError:
        return ""
    kept = 24 if whole.version == 4 else 48  # noqa: PLR2004 - the number of IPv4
    return str(whole.supernet(new_prefix=min(kept, whole.prefixlen)))


def closed_because(account: Account, now: datetime, /) -> str:
    """
    Return the private reason why *account* counts as unknown; empty while it is open.
    """
    if account.is_disabled:
        return "the account is disabled"
    if account.valid_from is not None and now < account.valid_from:
        return f"not open before {account.valid_from.isoformat()}"
    if account.valid_until is not None and account.valid_until <= now:
        return f"closed since {account.valid_until.isoformat()}"
    return ""


def log_event(event: Event, /) -> None:
    """
    Write *event* to the logger ``uness_auth.events``, as one line of ``name=value``.
    """
    if not _logger.isEnabledFor(logging.INFO):
        return
    facts = attrs.asdict(event, filter=lambda _, value: value != "")
    line = " ".join(f"{name}={_printable(value)}" for name, value in facts.items())
    _logger.info("%s", line)


def _printable(value: object) -> str:
    # A line break in a reason would forge a line of the log.
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return text if text.isprintable() and " " not in text else ascii(text)


class Audit:
    """
    Tells events to the log, to the store and to subscribers.

    A subscriber that raises is logged and passed over, and so is the store: an audit log
    that is down must not decide who signs in.  A store that failed is left alone for
    `STORE_PAUSE`, so that a database which hangs holds up one event in a while, and no
    longer than the store itself waits, instead of every request several times.  What it
    missed stands in the log.

    Args:
        keep: Stores events: `uness_auth.ports.Events.add`.
    """

    __slots__ = ("_clock", "_failed_at", "_keep", "_subscribers")

    def __init__(
        self,
        clock: Callable[[], datetime],
        subscribers: Iterable[Subscriber] = (),
        /,
        *,
        keep: Callable[[Sequence[Event]], None] | None = None,
    ) -> None:
        self._clock = clock
        self._keep = keep
        self._failed_at: datetime | None = None
        self._subscribers = [log_event, *subscribers]

    def subscribe(self, subscriber: Subscriber, /) -> None:
        """
        Tell *subscriber* every event from now on, in the thread it happens in.
        """
        self._subscribers.append(subscriber)

    def record(
        self,
        kind: EventKind,
        account: Account | None = None,
        /,
        *,
        client: Client = _NOBODY,
        account_id: str = "",
        address: str = "",
        method: str = "",
        reason: str = "",
    ) -> None:
        """
        Tell that *kind* happened, masking address and network.

        Args:
            account_id: Where the account itself is not at hand.
        """
        event = Event(
            kind=kind,
            at=self._clock(),
            account_id=account.id if account else account_id,
            address=masked_address(account.address if account else address),
            network=masked_network(client.network),
            method=method,
            reason=_fitted(reason),
        )
        self._tell([event])

    def record_each(
        self,
        kind: EventKind,
        accounts: Iterable[Account],
        /,
        *,
        method: str = "",
        reason: str = "",
    ) -> None:
        """
        Tell that *kind* happened to each of *accounts*: one write for all of them.
        """
        now = self._clock()
        events = [
            Event(
                kind=kind,
                at=now,
                account_id=account.id,
                address=masked_address(account.address),
                method=method,
                reason=_fitted(reason),
            )
            for account in accounts
        ]
        self._tell(events)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            for subscriber in self._subscribers:
                try:
                    subscriber(event)
                except Exception:
                    _logger.exception("a subscriber of events failed")
        self._store(events)

    def _store(self, events: Sequence[Event]) -> None:
        if self._keep is None or self._is_paused():
            return
        try:
            self._keep(events)
        except Exception:
            self._failed_at = self._clock()
            _logger.exception(
                "events could not be stored; tried again in %s s",
                int(STORE_PAUSE.total_seconds()),
            )

    def _is_paused(self) -> bool:
        # No longer than the pause lasts, whatever the clock did since.
        return self._failed_at is not None and (
            self._failed_at <= self._clock() < self._failed_at + STORE_PAUSE
        )


def _fitted(reason: str) -> str:
    # What no database could hold would cost the event: a lone surrogate, a NUL.
    text = reason[:LONGEST_REASON].encode(errors="replace").decode()
    return text.replace("\0", "?")

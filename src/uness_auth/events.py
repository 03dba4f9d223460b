"""
Audit facts: what happened, to whom, and the private reason that outcomes hide.

An event never holds a secret, a whole e-mail address or a whole network address.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_network
from typing import Final, TypeAlias

import attrs

from .model import Account, Client


_logger: Final = logging.getLogger("uness_auth.events")
_NOBODY: Final = Client()


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
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    SESSIONS_REVOKED = "sessions_revoked"


@attrs.frozen(kw_only=True)
class Event:
    """
    One audit fact.

    Attributes:
        account_id: Empty where there is no account.

        address: Masked, ``c…@univ-exemple.fr``: see `masked_address`.

        network: Truncated to /24 or /48: see `masked_network`.

        method: The way: ``password``, ``code``, ``first_link``, ``reset_link``.

        reason: Why, for the operator's eyes only.
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
    Tells events to subscribers.

    A subscriber that raises is logged and passed over: an audit log that is down
    must not decide who signs in.
    """

    __slots__ = ("_clock", "_subscribers")

    def __init__(
        self, clock: Callable[[], datetime], subscribers: Iterable[Subscriber] = (), /
    ) -> None:
        self._clock = clock
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
            reason=reason,
        )
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception:
                _logger.exception("a subscriber of events failed")

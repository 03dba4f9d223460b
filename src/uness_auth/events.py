"""
Audit facts: what happened, to whom, and the private reason that outcomes hide.

An event never holds a secret, a whole e-mail address or a whole network address.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import attrs


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
    CODE_ORDERED = "code_ordered"
    CODE_SENT = "code_sent"
    CODE_ACCEPTED = "code_accepted"
    CODE_REFUSED = "code_refused"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_VETOED = "sign_in_vetoed"
    SESSION_REFUSED = "session_refused"
    THROTTLED = "throttled"
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

        network: Truncated to /24 or /48: see `uness_auth.web.proxies`.

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
    return f"{local[:1]}…{at}{domain}" if at else "…"

"""
« Why can't she sign in? »: one account's state, what happened, and what to do next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

import attrs

from ..addresses import AddressFault, canonical
from ..events import Event
from ..model import Account, Session
from ..outcomes import AddressMalformed, AddressUnknown
from ..policy import Policy
from ..ports import Stores
from ..sessions import is_alive
from .next_steps import Step, next_steps


# Nobody reads more, and what is older is not why somebody asks.
MOST_EVENTS: Final = 200
MOST_SESSIONS: Final = 100


class AccountState(StrEnum):
    """
    Whether somebody may sign in, and with what.
    """

    DISABLED = "disabled"
    NOT_OPEN_YET = "not open yet"
    ENDED = "ended"
    SUSPENDED = "password suspended"
    ACTIVE = "active"
    NO_PASSWORD = "no password yet"  # noqa: S105 - a state


def state_of(account: Account, now: datetime, /) -> AccountState:
    """
    Return the state of *account*; of several the one that closes most.
    """
    states = (
        (AccountState.DISABLED, account.is_disabled),
        (
            AccountState.NOT_OPEN_YET,
            account.valid_from is not None and now < account.valid_from,
        ),
        (
            AccountState.ENDED,
            account.valid_until is not None and account.valid_until <= now,
        ),
        (AccountState.SUSPENDED, account.is_password_suspended),
        (AccountState.ACTIVE, account.has_password),
    )
    return next((state for state, is_so in states if is_so), AccountState.NO_PASSWORD)


@attrs.frozen(kw_only=True)
class Timeline:
    """
    All that the helpdesk may know of one account.  No secret is in it.

    Attributes:
        account: Without its password hash.

        sessions: Those that are open, the last used first; None where the stores
            cannot list them.  Without their digests.

        events: The last 200, oldest first; None where they are not kept.

        steps: What to do next, the most pressing first.
    """

    account: Account
    state: AccountState
    sessions: tuple[Session, ...] | None
    events: tuple[Event, ...] | None
    steps: tuple[Step, ...]


TimelineAnswer: TypeAlias = Timeline | AddressUnknown | AddressMalformed


def timeline_of(
    typed: str, stores: Stores, policy: Policy, clock: Callable[[], datetime], /
) -> TimelineAnswer:
    """
    Say what is known of the account of the address *typed*.

    Returns:
        `Timeline`, `AddressUnknown` or `AddressMalformed`.
    """
    address = canonical(typed)
    if isinstance(address, AddressFault):
        return AddressMalformed(fault=address)
    account = stores.accounts.by_address(address)
    if account is None:
        return AddressUnknown()
    now = clock()
    events = None
    if stores.events is not None:
        events = tuple(stores.events.of_account(account.id, MOST_EVENTS))
    return Timeline(
        account=_without_hash(account),
        state=state_of(account, now),
        sessions=_open_sessions(account, stores, policy, now),
        events=None if events is None else events[::-1],
        steps=next_steps(account, events or (), now, policy),
    )


def _without_hash(account: Account) -> Account:
    # What is printed, logged or handed on must not hold it; that there is one is told
    # by the state.
    return attrs.evolve(account, password_hash="")


def _open_sessions(
    account: Account, stores: Stores, policy: Policy, now: datetime
) -> tuple[Session, ...] | None:
    if stores.session_lists is None:
        return None
    return tuple(
        attrs.evolve(one, digest="")
        for one in stores.session_lists.of_account(account.id, MOST_SESSIONS)
        if is_alive(one, account, policy.session, now)
    )

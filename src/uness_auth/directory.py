"""
Who a typed address stands for, within the network's budget of unknown ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import attrs

from .addresses import LONGEST_ADDRESS, AddressFault, canonical, near_domain
from .events import Audit, EventKind, closed_because
from .guard import Guard
from .model import Account, Client
from .outcomes import AddressMalformed, AddressUnknown
from .policy import AddressPolicy
from .ports import Accounts


@attrs.frozen(kw_only=True)
class Found:
    """
    An account that may sign in.
    """

    account: Account


@attrs.frozen(kw_only=True)
class Anybody:
    """
    One page serves every address: the answer must not tell whether *account* is None.

    Attributes:
        account_id: Whose budgets are spent: the account's own, closed or not, so that
            its history goes on; of an unknown address the decoy's.
    """

    address: str
    account_id: str
    account: Account | None


Identity: TypeAlias = Found | Anybody | AddressUnknown | AddressMalformed


@attrs.frozen(kw_only=True)
class Directory:
    """
    Finds accounts for the flows that tell an unknown address.
    """

    accounts: Accounts
    guard: Guard
    policy: AddressPolicy
    clock: Callable[[], datetime]
    audit: Audit

    def find(self, typed: str, client: Client, /) -> Identity:
        """
        Identify *typed*, spending one unknown address of the network if it is one.

        Returns:
            `Anybody` once the network has spent its budget, and always where the
            policy does not tell unknown addresses.
        """
        address = canonical(typed)
        if isinstance(address, AddressFault):
            return AddressMalformed(fault=address)
        may_tell = self.guard.site.may_tell(client)
        known = self.accounts.by_address(address)
        now = self.clock()
        anybody = self._anybody(address, known, now)
        if anybody.account is not None and may_tell:
            return Found(account=anybody.account)
        if may_tell and self.guard.site.take_unknown(client):
            self.audit.record(
                EventKind.ADDRESS_UNKNOWN,
                known,
                client=client,
                address=address,
                reason="no account" if known is None else closed_because(known, now),
            )
            return AddressUnknown(suggestion=self._suggestion(address))
        return anybody

    def anybody(self, address: str, /) -> Anybody:
        """
        Say who signs in with the canonical *address*, spending nothing.
        """
        return self._anybody(address, self.accounts.by_address(address), self.clock())

    def active(self, address: str, /) -> Account | None:
        """
        Return the account of the canonical *address*, unless it is closed.
        """
        return unless_closed(self.accounts.by_address(address), self.clock())

    def _suggestion(self, address: str) -> str:
        # From what was typed and the policy, never from an account: it tells of none.
        local, _, domain = address.rpartition("@")
        near = near_domain(domain, self.policy.known_domains)
        suggestion = f"{local}@{near}"
        return suggestion if near and len(suggestion) <= LONGEST_ADDRESS else ""

    def _anybody(self, address: str, known: Account | None, now: datetime) -> Anybody:
        return Anybody(
            address=address,
            account_id=self.guard.decoy_id(address) if known is None else known.id,
            account=unless_closed(known, now),
        )


def unless_closed(account: Account | None, now: datetime, /) -> Account | None:
    """
    Return the account, or None: a closed one is nobody's, like an unknown address.
    """
    return None if account is None or account.is_closed(now) else account

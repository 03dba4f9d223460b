"""
One account at a time: add, disable, enable, sign out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

import attrs

from ..addresses import AddressFault, canonical
from ..errors import StorageError
from ..events import Audit, EventKind
from ..model import Account, Site
from ..orders import Orders
from ..outcomes import (
    AccountAdded,
    AccountChanged,
    AccountExists,
    AddAnswer,
    AddressMalformed,
    AddressUnknown,
    ChangeAnswer,
)
from ..policy import Policy
from ..ports import Accounts, Registry, Stores


TRIES: Final = 8


@attrs.frozen(kw_only=True)
class Provisioning:
    """
    What a registrar and the helpdesk do to one account.
    """

    stores: Stores
    registry: Registry
    site: Site
    policy: Policy
    orders: Orders
    clock: Callable[[], datetime]
    audit: Audit

    @property
    def accounts(self) -> Accounts:
        """
        Where accounts are found.
        """
        return self.stores.accounts

    def add(
        self,
        address: str,
        /,
        *,
        display_name: str = "",
        language: str = "",
        account_id: str = "",
    ) -> AddAnswer:
        """
        Create an account without a password.  Mails nothing.

        Args:
            address: As typed; stored in its canonical form.

            account_id:
                The host's own; a random one where it is left out.  A store whose ids
                are numbers of its own gives another.

        Returns:
            `AccountAdded`, `AccountExists` with the account as it was left, or
            `AddressMalformed`.
        """
        wanted = canonical(address)
        if isinstance(wanted, AddressFault):
            return AddressMalformed(fault=wanted)
        account = Account(
            id=account_id or secrets.token_hex(16),
            address=wanted,
            # Random, because databases give deleted ids away again: an old link must
            # not fit the new account.
            credential_version=secrets.randbits(31),
            created_at=self.clock(),
            display_name=display_name,
            language=language,
        )
        if self.registry.apply([account]):
            # Read again: a store may give ids of its own, as Django's does.
            added = self.accounts.by_address(wanted) or account
            self.audit.record(EventKind.ACCOUNT_CREATED, added)
            return AccountAdded(account=added)
        existing = self.accounts.by_address(wanted) or self.accounts.by_id(account.id)
        if existing is None:
            msg = "Registry.apply() added nothing, and no account is in its way"
            raise StorageError(msg)
        return AccountExists(account=existing)

    def disable(self, address: str, /) -> ChangeAnswer:
        """
        Close an account: its links, codes and sessions stop working at once.
        """
        return self._change(address, EventKind.ACCOUNT_DISABLED, is_disabled=True)

    def enable(self, address: str, /) -> ChangeAnswer:
        """
        Open a closed account again, with its password and nothing else of before.
        """
        return self._change(address, EventKind.ACCOUNT_ENABLED, is_disabled=False)

    def sign_out(self, address: str, /) -> ChangeAnswer:
        """
        End every session of an account, and its links and codes with them.
        """
        return self._change(address, EventKind.SESSIONS_REVOKED, is_disabled=None)

    def _change(
        self, address: str, kind: EventKind, *, is_disabled: bool | None
    ) -> ChangeAnswer:
        wanted = canonical(address)
        if isinstance(wanted, AddressFault):
            return AddressMalformed(fault=wanted)
        for _ in range(TRIES):
            account = self.accounts.by_address(wanted)
            if account is None:
                return AddressUnknown()
            version = account.credential_version
            changed = attrs.evolve(
                account,
                credential_version=version + 1,
                is_disabled=account.is_disabled if is_disabled is None else is_disabled,
            )
            if self.registry.replace(changed, version):
                self.audit.record(kind, changed)
                return AccountChanged(account=changed)
        msg = f"the account changed {TRIES} times while it was written"
        raise StorageError(msg)

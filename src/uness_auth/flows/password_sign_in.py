"""
Sign-in with the password.
"""

from __future__ import annotations

import attrs

from ..addresses import AddressFault, canonical
from ..directory import Directory
from ..guard import Guard
from ..model import Account, Client
from ..outcomes import AddressMalformed, NothingTyped, PasswordAnswer
from ..password_check import METHOD, PasswordCheck
from ..sessions import SessionKeeper


@attrs.frozen(kw_only=True)
class PasswordSignIn:
    """
    S7: compare a password, at a cost, within budgets.
    """

    directory: Directory
    guard: Guard
    password_check: PasswordCheck
    sessions: SessionKeeper

    def sign_in(
        self, typed: str, password: str, client: Client, /, *, is_remembered: bool
    ) -> PasswordAnswer:
        """
        Sign in the account of the address *typed*, if *password* is its own.

        Returns:
            `SignedIn`; `WrongPassword`, whatever the reason; `PasswordSuspended`;
            `Throttled`; `Busy`; `NothingTyped`; `AddressMalformed`; `SignInVetoed`.

        Raises:
            uness_auth.errors.StorageError: Nothing passes.

        Timing:
            An unknown address, a closed account and one without a password cost a
            decoy hash and the same look-ups, budgets and writes.
        """
        address = canonical(typed)
        if isinstance(address, AddressFault):
            return AddressMalformed(fault=address)
        if password == "":
            return NothingTyped()
        found = self.directory.anybody(address)
        checked = self.password_check.check(
            found.account, found.account_id, password, client
        )
        if isinstance(checked, Account):
            return self.sessions.open(
                checked,
                client,
                method=METHOD,
                is_remembered=is_remembered,
                is_forgiven=True,
            )
        return checked

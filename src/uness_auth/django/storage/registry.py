"""
Creates, changes and erases accounts, together with their users.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from ...errors import StorageError
from ...model import Account
from .accounts import Directory, Found, change_under, own_values, write
from .database import TakenError
from .newcomers import Newcomers


# Accounts per round of look-ups.
CHUNK: Final = 500


class DjangoRegistry:
    """
    The `uness_auth.ports.Registry` of `uness_auth.django.storage.DjangoStorage`.
    """

    def __init__(self, directory: Directory, newcomers: Newcomers, /) -> None:
        self._directory = directory
        self._database = directory.database
        self._newcomers = newcomers

    def page(self, after: str, limit: int, /) -> Sequence[Account]:
        """
        Return up to *limit* accounts whose id is greater than *after*, by id.
        """
        accounts: list[Account] = []
        while len(accounts) < limit:
            rows = self._rows_after(after, limit - len(accounts))
            if not rows:
                break
            after = rows[-1].id
            accounts += [one for row in rows if (one := self._settled(row))]
        return accounts

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        """
        Add those whose keys are new; return the ids of those added.

        Where the user model's own keys cannot be these ids, the database gives one.
        """
        doing = "DjangoRegistry.apply()"

        def work() -> frozenset[str]:
            added: set[str] = set()
            for start in range(0, len(accounts), CHUNK):
                added |= self._newcomers.add(accounts[start : start + CHUNK])
            return frozenset(added)

        return self._database.transaction(doing, work) if accounts else frozenset()

    def replace(self, account: Account, version: int, /) -> bool:
        """
        Write every field of *account* except `is_password_suspended`.
        """

        def change(found: Found) -> bool:
            users = self._directory.users
            state = attrs.evolve(
                found.state,
                password_hash=account.password_hash,
                is_active=not (users.has_active and account.is_disabled),
            )
            if found.address != account.address:
                # Otherwise it stays as the user typed it.
                state = attrs.evolve(state, email=account.address)
            write(
                self._directory, found, state, **own_values(account, users.has_active)
            )
            return True

        try:
            return change_under(
                self._directory,
                "DjangoRegistry.replace()",
                account.id,
                version,
                change,
            )
        except TakenError:
            return False

    def erase(self, account_id: str, /) -> bool:
        """
        Remove the account with its user, and say whether this call was the one that did.
        """

        def work() -> bool:
            found = self._directory.lock(account_id)
            if found is None:
                return False
            users = self._directory.users.objects.using(self._database.using)
            # With all that the project's models say goes with it.
            _ = users.filter(pk=found.user_key).delete()
            return True

        try:
            return self._database.transaction("DjangoRegistry.erase()", work)
        except TakenError as exc:
            msg = (
                f"DjangoRegistry.erase() failed: records of the project still need the "
                f"user of account {account_id}"
            )
            raise StorageError(msg) from exc

    def _rows_after(self, after: str, limit: int) -> list[Found]:
        directory = self._directory
        query = directory.rows.filter(id__gt=after).order_by("id")[:limit]
        values = self._database.read(
            "DjangoRegistry.page()", lambda: list(query.values_list(*directory.columns))
        )
        return [directory.found(one) for one in values]

    def _settled(self, row: Found) -> Account | None:
        if row.is_current:
            return row.account
        found = self._directory.find("DjangoRegistry.page()", "id", row.id)
        return None if found is None else found.account

"""
Makes users for new accounts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs
from django.db.models import CharField
from django.db.models.functions import Lower

from ...addresses import LONGEST_ADDRESS, canonical
from ...errors import StorageError
from ...model import Account
from ..models import AccountRow
from .accounts import Directory, own_values
from .users import UserState


NewUser: TypeAlias = Callable[[Account], Mapping[str, Any]]

# The largest key that was said, and nothing below what was counted already.
_COUNT_ON: Final = """
SELECT setval(pg_get_serial_sequence(%s, %s), GREATEST(%s, COALESCE(
    pg_sequence_last_value(pg_get_serial_sequence(%s, %s)::regclass), 1)))
"""


def nothing_more(_account: Account, /) -> Mapping[str, Any]:
    """
    Give a new user no field besides those that every account asks for.
    """
    return {}


@attrs.frozen
class Newcomers:
    """
    Makes users for new accounts, within a transaction.

    Attributes:
        new_user: Returns what else a user of this project needs.
    """

    directory: Directory
    new_user: NewUser

    def add(self, accounts: Sequence[Account], /) -> set[str]:
        """
        Add those that are new; return the ids of those added.
        """
        # Calls that lock the same accounts in one order do not wait for each other.
        fresh = sorted(self._fresh(accounts), key=lambda one: one.address)
        names = self._names(fresh)
        if not self._try(fresh, names):
            fresh = [one for one in fresh if self._is_added(one, names)]
        self._count_on(fresh)
        return {one.id for one in fresh}

    # --- Who is new -------------------------------------------------------------

    def _fresh(self, accounts: Sequence[Account]) -> list[Account]:
        ids, addresses = self._known(accounts)
        externals = self._known_externals(accounts)
        fresh: list[Account] = []
        for account in accounts:
            external = _external(account)
            if (
                account.id not in ids
                and account.address not in addresses
                and external not in externals
            ):
                fresh.append(account)
                ids.add(account.id)
                addresses.add(account.address)
                externals |= {external} if account.external_id else set()
        return fresh

    def _known_externals(self, accounts: Sequence[Account]) -> set[tuple[str, str]]:
        asked = [one.external_id for one in accounts if one.external_id]
        if not asked:
            return set()
        # Of every registrar: few share an id, and a look-up by pairs needs an OR each.
        rows = self.directory.rows.filter(external_id__in=asked)
        return set(rows.values_list("provisioned_by", "external_id"))

    def _known(self, accounts: Sequence[Account]) -> tuple[set[str], set[str]]:
        ids = [one.id for one in accounts]
        addresses = [one.address for one in accounts]
        rows = self.directory.rows
        known_ids = set(rows.filter(id__in=ids).values_list("id", flat=True))
        known = set(
            rows.filter(address__in=addresses).values_list("address", flat=True)
        )
        # Users that are no accounts yet.
        users, email = self._users(), self.directory.users.email
        keys = [key for one in ids if (key := self._key(one)) is not None]
        known_ids |= {
            str(key) for key in users.filter(pk__in=keys).values_list("pk", flat=True)
        }
        strangers = (
            users.filter(uness_auth=None)
            .annotate(uness_auth_lower=Lower(email))
            .filter(uness_auth_lower__in=addresses)
        )
        known |= {canonical(one) for one in strangers.values_list(email, flat=True)}
        return known_ids, known

    def _names(self, accounts: Iterable[Account]) -> dict[str, str]:
        """
        Return by address what Django signs in by, where that is not the address itself.
        """
        field = self.directory.users.name
        if field is None:
            return {}
        column = self.directory.users.model._meta.get_field(field)
        if not isinstance(column, CharField):
            return {}
        longest = column.max_length or LONGEST_ADDRESS
        fitting = [one.address for one in accounts if len(one.address) <= longest]
        taken = self._users().filter(**{f"{field}__in": fitting})
        folded = {one.casefold() for one in taken.values_list(field, flat=True)}
        return {
            one.address: one.address
            if len(one.address) <= longest and one.address.casefold() not in folded
            else secrets.token_hex(16)
            for one in accounts
        }

    # --- Making them ------------------------------------------------------------

    def _is_added(self, account: Account, names: Mapping[str, str]) -> bool:
        # Somebody else was faster, or has the name.
        others = {one: secrets.token_hex(16) for one in names}
        if self._try([account], names) or (names and self._try([account], others)):
            return True
        if self._fresh([account]):
            msg = (
                f"a user could not be made for account {account.id}, though nobody is "
                f"in its way: does the user model ask for a field that new_user= does "
                f"not give?"
            )
            raise StorageError(msg)
        return False

    def _try(self, accounts: Sequence[Account], names: Mapping[str, str]) -> bool:
        def work() -> None:
            rows = [self._row(one, self._saved(one, names)) for one in accounts]
            _ = self.directory.rows.bulk_create(rows)

        return self.directory.database.attempt(work)

    def _saved(self, account: Account, names: Mapping[str, str]) -> Any:
        users = self.directory.users
        state = UserState(
            password_hash=account.password_hash,
            email=account.address,
            is_active=not (users.has_active and account.is_disabled),
        )
        fields = users.fields(state)
        if users.name is not None and account.address in names:
            fields[users.name] = names[account.address]
        user: Any = users.model(**{**fields, **self.new_user(account)})
        key = self._key(account.id)
        if key is not None:
            user.pk = key
        elif not users.makes_keys:
            msg = f"{users.model._meta.label} cannot have the key {account.id!r}"
            raise StorageError(msg)
        # One by one and not in bulk, so that the project's own receivers hear of it.
        user.save(force_insert=True, using=self.directory.database.using)
        return user

    def _row(self, account: Account, user: Any) -> AccountRow:
        users = self.directory.users
        state = users.state([getattr(user, name) for name in users.watched])
        return AccountRow(
            id=str(user.pk),
            user=user,
            **own_values(account, users.has_active),
            is_password_suspended=account.is_password_suspended,
            seen_digest=state.digest,
        )

    def _count_on(self, accounts: Iterable[Account]) -> None:
        # PostgreSQL alone goes on counting where it was, and would give a key again.
        users, database = self.directory.users, self.directory.database
        keys = [key for one in accounts if (key := self._key(one.id)) is not None]
        if keys and users.counts_keys and database.vendor == "postgresql":
            where = users.counter
            _ = database.one(_COUNT_ON, [*where, max(keys), *where])

    def _users(self) -> Any:
        return self.directory.users.objects.using(self.directory.database.using)

    def _key(self, account_id: str) -> Any:
        return self.directory.users.key(account_id)


def _external(account: Account) -> tuple[str, str]:
    return account.provisioned_by, account.external_id

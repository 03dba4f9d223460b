"""
Accounts: one row of ours and one of Django's, read together and written together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import attrs
from django.db.models import F

from ...addresses import AddressFault, canonical
from ...errors import StorageError
from ...model import Account
from ..models import AccountRow
from .database import Database, TakenError
from .prepared import ANYTHING, Prepared
from .tables import is_storable
from .users import Users, UserState


# Of our own row, in the order in which they are read.
OWN: Final = (
    "id",
    "user_id",
    "address",
    "credential_version",
    "created_at",
    "display_name",
    "language",
    "is_disabled",
    "is_password_suspended",
    "provisioned_by",
    "external_id",
    "valid_from",
    "valid_until",
    "seen_digest",
)
# The rest of `OWN`: not disabled, not suspended, of no registrar, for all days, and last
# seen as nothing is.
NOBODY: Final = (False, False, "", None, None, None, "")
TRIES: Final = 8


@attrs.frozen(kw_only=True)
class Found:
    """
    An account's row as it stands, and its user beside it.
    """

    id: str
    user_key: Any
    address: str | None
    version: int
    created_at: Any
    display_name: str
    language: str
    is_disabled: bool
    is_suspended: bool
    provisioned_by: str
    external_id: str
    valid_from: datetime | None
    valid_until: datetime | None
    seen_digest: str = attrs.field(repr=False)
    state: UserState

    @property
    def is_current(self) -> bool:
        """
        Whether nobody changed the user since this row last saw it.
        """
        return self.seen_digest == self.state.digest

    @property
    def account(self) -> Account | None:
        """
        The account; None as long as it has no address.
        """
        if self.address is None:
            return None
        return Account(
            id=self.id,
            address=self.address,
            credential_version=self.version,
            created_at=self.created_at,
            display_name=self.display_name,
            language=self.language,
            password_hash=self.state.password_hash,
            is_disabled=self.is_disabled or not self.state.is_active,
            is_password_suspended=self.is_suspended,
            provisioned_by=self.provisioned_by,
            external_id=self.external_id,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class Directory:
    """
    Reads accounts with their users, and lets them follow what Django changed.
    """

    def __init__(self, database: Database, users: Users, /) -> None:
        self.database = database
        self.users = users
        self.rows: Any = AccountRow.objects.using(database.using)
        self.columns: tuple[str, ...] = (
            *OWN,
            *(f"user__{name}" for name in users.watched),
        )
        # An active user with a password, as far as it takes to make one out.
        state = ("-" * 100, "", True)[: len(users.watched)]
        self._nobody: tuple[Any, ...] = (
            *("", None, "", 0, None, "", ""),
            *NOBODY,
            *state,
        )
        self._prepared: dict[str, Prepared] = {
            term: Prepared(database, self._query({term: ANYTHING}))
            for term in ("id", "address")
        }

    def found(self, values: Sequence[Any], /) -> Found:
        """
        Return what is in *values*, which are those of `columns`.
        """
        own, watched = values[: len(OWN)], values[len(OWN) :]
        id_, user, address, version, created, name, language, *more = own
        off, halted, registrar, external_id, opens, ends, seen = more
        return Found(
            id=id_,
            user_key=user,
            address=address,
            version=version,
            created_at=created,
            display_name=name,
            language=language,
            is_disabled=off,
            is_suspended=halted,
            provisioned_by=registrar,
            external_id=external_id or "",
            valid_from=opens,
            valid_until=ends,
            seen_digest=seen,
            state=self.users.state(watched),
        )

    def find(self, doing: str, term: str, value: Any, /) -> Found | None:
        """
        Return the account whose *term* is *value*, having followed its user; or None.
        """
        if not is_storable(str(value)):
            return None
        for _ in range(TRIES):
            found = self.look(doing, term, value)
            if found is None:
                self._make_out_nobody()
                return None
            if found.is_current:
                return found
            self.follow(doing, found)
        msg = f"{doing} failed: the user changed {TRIES} times while it was read"
        raise StorageError(msg)

    def look(self, doing: str, term: str, value: Any, /) -> Found | None:
        """
        Return the row whose *term* is *value*, as it stands; or None.
        """
        prepared = self._prepared.get(term)
        look = (
            partial(first_of, self._query({term: value}))
            if prepared is None
            else partial(prepared.first, value)
        )
        values = self.database.read(doing, look)
        return None if values is None else self.found(values)

    def lock(self, account_id: str, /) -> Found | None:
        """
        Return the row as it stands, and keep it and its user so until the commit.
        """
        values = first_of(self._query({"id": account_id}).select_for_update())
        return None if values is None else self.found(values)

    def follow(self, doing: str, found: Found, /) -> None:
        """
        Move the version, because Django changed the user; unless somebody else did.

        Whatever was made under the version before is void from here on.
        """
        address = canonical(found.state.email)
        try:
            self._follow(
                doing, found, None if isinstance(address, AddressFault) else address
            )
        except TakenError:
            # Two users with one address: who had it first keeps it, and nobody is
            # found under this one until an operator has sorted it out.
            self._follow(doing, found, None)

    def _make_out_nobody(self) -> None:
        # What is done with a row once it is read, so that time does not tell that there
        # is none: half of the difference that is left.
        nobody = self.found(self._nobody)
        _ = nobody.is_current, nobody.account

    def _query(self, terms: dict[str, Any]) -> Any:
        return self.rows.filter(**terms).values_list(*self.columns)

    def _follow(self, doing: str, found: Found, address: str | None) -> None:
        row = self.rows.filter(
            id=found.id,
            credential_version=found.version,
            seen_digest=found.seen_digest,
        )

        def work() -> int:
            moved: int = row.update(
                credential_version=F("credential_version") + 1,
                address=address,
                seen_digest=found.state.digest,
            )
            return moved

        _ = self.database.write(doing, work)


class DjangoAccounts:
    """
    The `uness_auth.ports.Accounts` of `uness_auth.django.storage.DjangoStorage`.
    """

    def __init__(self, directory: Directory, /) -> None:
        self._directory = directory

    def by_id(self, account_id: str, /) -> Account | None:
        """
        Return the account, or None.
        """
        found = self._directory.find("DjangoAccounts.by_id()", "id", account_id)
        return None if found is None else found.account

    def by_address(self, address: str, /) -> Account | None:
        """
        Return the account with exactly this address, or None.
        """
        found = self._directory.find("DjangoAccounts.by_address()", "address", address)
        return None if found is None else found.account

    def set_password(
        self, account_id: str, password_hash: str, version: int, /
    ) -> bool:
        """
        Set the hash, add one to the version, lift the suspension.
        """

        def change(found: Found) -> bool:
            if found.account is None or found.account.is_disabled:
                return False
            state = attrs.evolve(found.state, password_hash=password_hash)
            write(
                self._directory,
                found,
                state,
                credential_version=version + 1,
                is_password_suspended=False,
            )
            return True

        return change_under(
            self._directory,
            "DjangoAccounts.set_password()",
            account_id,
            version,
            change,
        )

    def rehash(self, account_id: str, password_hash: str, version: int, /) -> bool:
        """
        Replace the hash and leave the version alone.
        """

        def change(found: Found) -> bool:
            state = attrs.evolve(found.state, password_hash=password_hash)
            write(self._directory, found, state)
            return True

        return change_under(
            self._directory, "DjangoAccounts.rehash()", account_id, version, change
        )

    def disable_password(self, account_id: str, version: int, /) -> bool:
        """
        Suspend the password and leave the version alone.
        """

        def change(found: Found) -> bool:
            write(self._directory, found, found.state, is_password_suspended=True)
            return True

        return change_under(
            self._directory,
            "DjangoAccounts.disable_password()",
            account_id,
            version,
            change,
        )


def change_under(
    directory: Directory,
    doing: str,
    account_id: str,
    version: int,
    change: Callable[[Found], bool],
) -> bool:
    """
    Do *change* if the account is under *version*, and nobody moves it meanwhile.
    """
    if not is_storable(account_id):
        return False

    def work() -> bool:
        found = directory.lock(account_id)
        if found is None or found.version != version:
            return False
        # Where Django changed the user the version has moved, though not in the row yet.
        return found.is_current and change(found)

    return directory.database.transaction(doing, work)


def write(
    directory: Directory, found: Found, state: UserState, /, **values: object
) -> None:
    """
    Write *state* to the user, and *values* to the row, which has then seen it.
    """
    if changes := directory.users.changes(found.state, state):
        users = directory.users.objects.using(directory.database.using)
        _ = users.filter(pk=found.user_key).update(**changes)
    _ = directory.rows.filter(id=found.id).update(seen_digest=state.digest, **values)


def own_values(account: Account, has_active: bool) -> dict[str, Any]:
    """
    Return what of *account* stands in its own row.
    """
    return {
        "address": account.address,
        "credential_version": account.credential_version,
        "created_at": account.created_at,
        "display_name": account.display_name,
        "language": account.language,
        "is_disabled": account.is_disabled and not has_active,
        "provisioned_by": account.provisioned_by,
        "external_id": account.external_id or None,
        "valid_from": account.valid_from,
        "valid_until": account.valid_until,
    }


def first_of(query: Any) -> Sequence[Any] | None:
    """
    Return the one row of *query*, or None.
    """
    # Not first(): that would sort.
    for values in query[:1]:
        found: Sequence[Any] = values
        return found
    return None

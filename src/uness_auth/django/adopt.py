"""
Gives the users of an existing project their account.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

import attrs
from django.utils import timezone

from ..addresses import AddressFault, canonical
from .models import AccountRow
from .storage.accounts import Directory, Found
from .storage.database import Database, TakenError
from .storage.users import users


BATCH: Final = 500
LONGEST_ID: Final = 64
DOING: Final = "adopt()"


class Refusal(StrEnum):
    """
    Why a user gets no account.

    Attributes:
        NO_ADDRESS: There is none, or it is no e-mail address.

        SHARED_ADDRESS: Another user has the same, perhaps in another spelling.  Nobody
            can know whose it is: none of them gets an account for it.

        LONG_KEY: The primary key has more than 64 characters.
    """

    NO_ADDRESS = "no_address"
    SHARED_ADDRESS = "shared_address"
    LONG_KEY = "long_key"


@attrs.frozen(kw_only=True)
class Refused:
    """
    A user without an account, or whose account nobody finds by its address.
    """

    user_id: str
    address: str
    reason: Refusal


@attrs.frozen(kw_only=True)
class Adoption:
    """
    What `adopt` did.

    Attributes:
        adopted: How many users got an account.

        followed: How many accounts took over what Django had changed of their users.

        unchanged: How many users had an account that agrees with them.

        refused: Every user that has none, with the reason.
    """

    adopted: int
    followed: int
    unchanged: int
    refused: tuple[Refused, ...]


def adopt(*, using: str = "default", is_dry: bool = False) -> Adoption:
    """
    Give each user who has none an account, and let existing ones follow their users.

    Passwords stay as they are, in whichever format; who had none has none.  Inactive
    users get disabled accounts.  Works in batches, each of which is kept: broken off or
    done twice, it goes on where it was.  Mails nobody.

    Args:
        using: The database's alias in ``DATABASES``.

        is_dry: Change nothing, and tell what would be done.

    Raises:
        uness_auth.errors.ConfigurationError: The user model has no address.

        uness_auth.errors.StorageError: The database failed; call it again.
    """
    run = _Run(Directory(Database(using), users()), is_dry=is_dry)
    for batch in run.batches():
        run.take(batch)
    return run.report()


class _Run:
    def __init__(self, directory: Directory, /, *, is_dry: bool) -> None:
        self.directory = directory
        self.is_dry = is_dry
        self.owners: Counter[str] = Counter()
        self.adopted = self.followed = self.unchanged = 0
        self.refused: list[Refused] = []

    def report(self) -> Adoption:
        return Adoption(
            adopted=self.adopted,
            followed=self.followed,
            unchanged=self.unchanged,
            refused=tuple(self.refused),
        )

    def batches(self) -> Iterator[list[Any]]:
        """
        Count who has which address, then return all users, by primary key.
        """
        for batch in self._pages():
            self.owners.update(
                address
                for user in batch
                if not isinstance(address := canonical(self._email(user)), AddressFault)
            )
        yield from self._pages()

    def take(self, batch: Sequence[Any]) -> None:
        """
        Give those of *batch* an account who have none; the others' follow them.
        """
        known = self._known(batch)
        new: list[Any] = []
        for user in batch:
            found = known.get(user.pk)
            if found is not None:
                self._settle(user, found)
            elif reason := self._reason(user):
                self._refuse(user, reason)
            else:
                new.append(user)
        self._make(new)

    def _pages(self) -> Iterator[list[Any]]:
        users = self.directory.users.objects.using(self.directory.database.using)
        query: Any = users.order_by("pk")
        last: Any = None
        while True:
            page = query if last is None else query.filter(pk__gt=last)
            batch: list[Any] = self.directory.database.read(
                DOING, partial(_all, page[:BATCH])
            )
            if not batch:
                return
            yield batch
            last = batch[-1].pk

    def _known(self, batch: Iterable[Any]) -> dict[Any, Found]:
        directory = self.directory
        keys = [user.pk for user in batch]
        query = directory.rows.filter(user_id__in=keys).values_list(*directory.columns)
        rows: list[Any] = directory.database.read(DOING, partial(_all, query))
        return {found.user_key: found for found in map(directory.found, rows)}

    def _reason(self, user: Any) -> Refusal | None:
        address = canonical(self._email(user))
        if isinstance(address, AddressFault):
            return Refusal.NO_ADDRESS
        if self.owners[address] > 1:
            return Refusal.SHARED_ADDRESS
        return Refusal.LONG_KEY if len(str(user.pk)) > LONGEST_ID else None

    def _settle(self, user: Any, found: Found) -> None:
        address = canonical(found.state.email)
        wanted = None if isinstance(address, AddressFault) else address
        if wanted is None:
            self._refuse(user, Refusal.NO_ADDRESS)
        if found.is_current and found.address == wanted:
            self.unchanged += 1
            return
        self.followed += 1
        if self.is_dry:
            return
        self.directory.follow(DOING, found)
        now = self.directory.find(DOING, "id", found.id)
        if wanted and (now is None or now.address is None):
            self._refuse(user, Refusal.SHARED_ADDRESS)

    def _make(self, users: Sequence[Any]) -> None:
        if self.is_dry or not users or self._is_added(users):
            self.adopted += len(users)
            return
        # Somebody was faster with one of them.
        for user in users:
            if self._is_added([user]):
                self.adopted += 1
            elif self._known([user]):
                self.unchanged += 1
            else:
                self._refuse(user, Refusal.SHARED_ADDRESS)

    def _is_added(self, users: Sequence[Any]) -> bool:
        try:
            self.directory.database.transaction(DOING, lambda: self._add(users))
        except TakenError:
            return False
        return True

    def _add(self, users: Iterable[Any]) -> None:
        _ = self.directory.rows.bulk_create([self._row(user) for user in users])

    def _row(self, user: Any) -> AccountRow:
        model = self.directory.users
        state = model.state([getattr(user, name) for name in model.watched])
        return AccountRow(
            id=str(user.pk),
            user=user,
            address=canonical(state.email),
            # Random, because databases give deleted ids away again.
            credential_version=secrets.randbits(31),
            created_at=_joined_at(user),
            display_name=_name_of(user),
            seen_digest=state.digest,
        )

    def _refuse(self, user: Any, reason: Refusal) -> None:
        self.refused.append(
            Refused(user_id=str(user.pk), address=self._email(user), reason=reason)
        )

    def _email(self, user: Any) -> str:
        return getattr(user, self.directory.users.email) or ""


def _all(query: Any) -> list[Any]:
    return list(query)


def _joined_at(user: Any) -> datetime:
    joined = getattr(user, "date_joined", None)
    if not isinstance(joined, datetime):
        return datetime.now(UTC)
    # Without USE_TZ it is local time, and does not say so.
    return timezone.make_aware(joined) if timezone.is_naive(joined) else joined


def _name_of(user: Any) -> str:
    name = getattr(user, "get_full_name", str)
    return str(name()).strip() if callable(name) else ""

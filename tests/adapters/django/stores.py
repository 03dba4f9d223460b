"""
The contracts of the stores, bound to an empty database of each kind.

Run with Django's own users, and in `test_custom_users` with those of a project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

import pytest
from django.db import connections
from sqlalchemy import make_url

from tests.adapters.django.databases import alias
from tests.adapters.django.opening import open_port
from uness_auth.django.models import EventRow
from uness_auth.django.storage import DjangoSessions, DjangoStorage
from uness_auth.django.storage.events import OWN
from uness_auth.events import Event, EventKind
from uness_auth.model import Account
from uness_auth.ports import (
    Accounts,
    CodeChallenges,
    Counters,
    Events,
    Registry,
    Sessions,
    Stores,
)
from uness_auth.testing.contracts import (
    AccountsContract,
    CodeChallengesContract,
    CountersContract,
    EventsContract,
    JoinedSessionsContract,
    JoiningSessions,
    ListedSessions,
    RegistryContract,
    SessionListsContract,
    SessionsContract,
    StoreContract,
)


Answer = TypeVar("Answer")


class OnDjango(StoreContract[Any]):
    """
    Makes stores in an empty database, of each kind.
    """

    port: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _take(self, place: str, using: str) -> Iterator[None]:
        self._url = place
        self._using = using
        # Nobody listens on port 1, and no such folder is there.
        nowhere = (
            "sqlite:////no such folder/portal.db"
            if place.startswith("sqlite")
            else make_url(place).set(port=1).render_as_string(hide_password=False)
        )
        with alias("nowhere", nowhere):
            yield

    def reopen(self) -> Callable[[], Any]:
        return partial(open_port, self._url, self.port)

    def make_unreachable(self) -> Any:
        return getattr(DjangoStorage("nowhere").stores, self.port)

    def together(self, calls: Sequence[Callable[[], Answer]], /) -> list[Answer]:
        return super().together([partial(self._closing, call) for call in calls])

    def stores(self, *accounts: Account) -> Stores:
        """
        Return stores that hold these accounts.
        """
        stores = DjangoStorage(self._using).stores
        assert stores.registry is not None
        assert len(accounts) == len(stores.registry.apply(accounts))
        return stores

    def _closing(self, call: Callable[[], Answer]) -> Answer:
        # Threads of a server live on with their connection; these end.
        try:
            return call()
        finally:
            connections[self._using].close()


class DjangoAccountsContract(OnDjango, AccountsContract):
    port = "accounts"

    def make(self, *accounts: Account) -> Accounts:
        return self.stores(*accounts).accounts


class DjangoRegistryContract(OnDjango, RegistryContract):
    port = "registry"

    def make(self) -> Registry:
        registry = self.stores().registry
        assert registry is not None
        return registry


class DjangoCodeChallengesContract(OnDjango, CodeChallengesContract):
    port = "code_challenges"

    def make(self) -> CodeChallenges:
        return self.stores().code_challenges


class DjangoSessionsContract(OnDjango, SessionsContract):
    port = "sessions"

    def make(self) -> Sessions:
        return self.stores().sessions


class DjangoJoinedSessionsContract(OnDjango, JoinedSessionsContract):
    port = "sessions"

    def make(self, *accounts: Account) -> tuple[JoiningSessions, Accounts]:
        stores = self.stores(*accounts)
        assert isinstance(stores.sessions, DjangoSessions)
        return stores.sessions, stores.accounts


class DjangoSessionListsContract(OnDjango, SessionListsContract):
    port = "session_lists"

    def make(self) -> ListedSessions:
        lists = self.stores().session_lists
        assert isinstance(lists, DjangoSessions)
        return lists


class DjangoCountersContract(OnDjango, CountersContract):
    port = "counters"

    def make(self) -> Counters:
        return self.stores().counters


class DjangoEventsContract(OnDjango, EventsContract):
    port = "events"

    def make(self) -> Events:
        events = self.stores().events
        assert events is not None
        return events

    def read_all(self) -> Sequence[Event]:
        rows = EventRow.objects.using(self._using).order_by("id")
        return [
            Event(**one | {"kind": EventKind(one["kind"])}) for one in rows.values(*OWN)
        ]

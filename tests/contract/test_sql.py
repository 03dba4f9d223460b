"""
The stores in SQL keep every contract, on each database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import make_url, select

from tests.contract.sql_stores import open_port
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
from uness_auth.storage.sql import SQLSessions, SQLStorage
from uness_auth.storage.sql.registry import SQLRegistry
from uness_auth.storage.sql.schema import EVENTS
from uness_auth.testing.contracts import (
    AccountsContract,
    BulkRegistryContract,
    BulkWritingRegistry,
    CodeChallengesContract,
    CountersContract,
    EventsContract,
    JoinedSessionsContract,
    JoiningSessions,
    ListedSessions,
    RegistryContract,
    SessionListsContract,
    SessionsContract,
)


class InSQL:
    """
    Makes stores in an empty database, of each kind.
    """

    port: str

    @pytest.fixture(autouse=True)
    def _take(self, url: str, stores: Stores) -> None:
        self._url = url
        self._stores = stores

    def reopen(self) -> Callable[[], Any]:
        return partial(open_port, self._url, self.port)

    def make_unreachable(self) -> Any:
        return getattr(cut_off(self._url), self.port)

    def stores(self, *accounts: Account) -> Stores:
        """
        Return stores that hold these accounts.
        """
        registry = self._stores.registry
        assert registry is not None
        assert len(accounts) == len(registry.apply(accounts))
        return self._stores


def cut_off(url: str) -> Stores:
    """
    Return stores whose database is out of reach.
    """
    # Nobody listens on port 1, and no such folder is there.
    nowhere = (
        "sqlite:////no such folder/portal.db"
        if url.startswith("sqlite")
        else make_url(url).set(port=1)
    )
    # Its public door looks at the schema first, and raises by itself.
    return SQLStorage(nowhere)._stores  # noqa: SLF001


class TestSQLAccounts(InSQL, AccountsContract):
    port = "accounts"

    def make(self, *accounts: Account) -> Accounts:
        return self.stores(*accounts).accounts


class TestSQLRegistry(InSQL, RegistryContract):
    port = "registry"

    def make(self) -> Registry:
        registry = self.stores().registry
        assert registry is not None
        return registry


class TestSQLBulkRegistry(InSQL, BulkRegistryContract):
    port = "registry"

    def make(self) -> BulkWritingRegistry:
        registry = self.stores().registry
        assert isinstance(registry, SQLRegistry)
        return registry


class TestSQLCodeChallenges(InSQL, CodeChallengesContract):
    port = "code_challenges"

    def make(self) -> CodeChallenges:
        return self.stores().code_challenges


class TestSQLSessions(InSQL, SessionsContract):
    port = "sessions"

    def make(self) -> Sessions:
        return self.stores().sessions


class TestSQLJoinedSessions(InSQL, JoinedSessionsContract):
    port = "sessions"

    def make(self, *accounts: Account) -> tuple[JoiningSessions, Accounts]:
        stores = self.stores(*accounts)
        assert isinstance(stores.sessions, SQLSessions)
        return stores.sessions, stores.accounts


class TestSQLSessionLists(InSQL, SessionListsContract):
    port = "session_lists"

    def make(self) -> ListedSessions:
        lists = self.stores().session_lists
        assert isinstance(lists, SQLSessions)
        return lists


class TestSQLCounters(InSQL, CountersContract):
    port = "counters"

    def make(self) -> Counters:
        return self.stores().counters


class TestSQLEvents(InSQL, EventsContract):
    port = "events"

    def make(self) -> Events:
        events = self.stores().events
        assert events is not None
        return events

    def read_all(self) -> Sequence[Event]:
        engine = SQLStorage(self._url).engine
        with engine.connect() as connection:
            rows = connection.execute(select(EVENTS).order_by(EVENTS.c.id)).mappings()
            found = [dict(row) for row in rows]
        engine.dispose()
        return [_event_from(**one) for one in found]


def _event_from(*, id: int, kind: str, **facts: Any) -> Event:  # noqa: A002 - the number of the row
    return Event(kind=EventKind(kind), **facts)

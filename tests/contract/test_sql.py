"""
The stores in SQL keep every contract, with RETURNING and without.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from uness_auth.model import Account
from uness_auth.ports import (
    Accounts,
    CodeChallenges,
    Counters,
    Registry,
    Sessions,
    Stores,
)
from uness_auth.storage.sql import SQLSessions, SQLStorage
from uness_auth.testing.contracts import (
    AccountsContract,
    CodeChallengesContract,
    CountersContract,
    JoinedSessionsContract,
    JoiningSessions,
    RegistryContract,
    SessionsContract,
)


class OnSQLite:
    """
    Makes stores in an empty file of SQLite's.
    """

    has_returning: ClassVar[bool] = True

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> Iterator[None]:
        self.storage = SQLStorage(f"sqlite:///{tmp_path}/portal.db")
        self.storage.create_schema()
        # As in SQLite before 3.35.
        self.storage.engine.dialect.update_returning = self.has_returning
        yield
        self.storage.close()

    def stores(self, *accounts: Account) -> Stores:
        """
        Return stores that hold these accounts.
        """
        stores = self.storage.stores
        assert stores.registry is not None
        assert len(accounts) == len(stores.registry.apply(accounts))
        return stores


class TestSQLAccounts(OnSQLite, AccountsContract):
    def make(self, *accounts: Account) -> Accounts:
        return self.stores(*accounts).accounts


class TestSQLRegistry(OnSQLite, RegistryContract):
    def make(self) -> Registry:
        registry = self.stores().registry
        assert registry is not None
        return registry


class TestSQLCodeChallenges(OnSQLite, CodeChallengesContract):
    def make(self) -> CodeChallenges:
        return self.stores().code_challenges


class TestSQLSessions(OnSQLite, SessionsContract):
    def make(self) -> Sessions:
        return self.stores().sessions


class TestSQLJoinedSessions(OnSQLite, JoinedSessionsContract):
    def make(self, *accounts: Account) -> tuple[JoiningSessions, Accounts]:
        stores = self.stores(*accounts)
        assert isinstance(stores.sessions, SQLSessions)
        return stores.sessions, stores.accounts


class TestSQLCounters(OnSQLite, CountersContract):
    def make(self) -> Counters:
        return self.stores().counters


class TestSQLRegistryWithoutReturning(TestSQLRegistry):
    has_returning = False


class TestSQLCodeChallengesWithoutReturning(TestSQLCodeChallenges):
    has_returning = False


class TestSQLCountersWithoutReturning(TestSQLCounters):
    has_returning = False

"""
The stores in memory keep every contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from uness_auth.events import Event
from uness_auth.model import Account
from uness_auth.ports import (
    Accounts,
    CodeChallenges,
    Counters,
    Events,
    Registry,
    Sessions,
)
from uness_auth.storage.memory import MemoryStorage
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


def holding(*accounts: Account) -> MemoryStorage:
    """
    Return a storage that holds these accounts.
    """
    storage = MemoryStorage()
    assert len(accounts) == len(storage.registry.apply(accounts))
    return storage


class InMemory:
    supports_processes: ClassVar[bool | str] = "lives in the memory of one process"
    supports_refusal: ClassVar[bool | str] = (
        "has no database that could be out of reach"
    )


class TestMemoryAccounts(InMemory, AccountsContract):
    def make(self, *accounts: Account) -> Accounts:
        return holding(*accounts).accounts


class TestMemoryRegistry(InMemory, RegistryContract):
    def make(self) -> Registry:
        return MemoryStorage().registry


class TestMemoryBulkRegistry(InMemory, BulkRegistryContract):
    def make(self) -> BulkWritingRegistry:
        return MemoryStorage().registry


class TestMemoryCodeChallenges(InMemory, CodeChallengesContract):
    def make(self) -> CodeChallenges:
        return MemoryStorage().code_challenges


class TestMemorySessions(InMemory, SessionsContract):
    def make(self) -> Sessions:
        return MemoryStorage().sessions


class TestMemoryJoinedSessions(InMemory, JoinedSessionsContract):
    def make(self, *accounts: Account) -> tuple[JoiningSessions, Accounts]:
        storage = holding(*accounts)
        return storage.sessions, storage.accounts


class TestMemorySessionLists(InMemory, SessionListsContract):
    def make(self) -> ListedSessions:
        return MemoryStorage().session_lists


class TestMemoryCounters(InMemory, CountersContract):
    def make(self) -> Counters:
        return MemoryStorage().counters


class TestMemoryEvents(InMemory, EventsContract):
    def make(self) -> Events:
        self._events = MemoryStorage().events
        return self._events

    def read_all(self) -> Sequence[Event]:
        return list(self._events._rows.events)  # noqa: SLF001 - nothing else lists all

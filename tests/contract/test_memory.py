"""
The stores in memory keep every contract.
"""

from __future__ import annotations

from uness_auth.model import Account
from uness_auth.ports import (
    Accounts,
    CodeChallenges,
    Counters,
    Registry,
    Sessions,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing.contracts import (
    AccountsContract,
    CodeChallengesContract,
    CountersContract,
    JoinedSessionsContract,
    JoiningSessions,
    RegistryContract,
    SessionsContract,
)


def holding(*accounts: Account) -> MemoryStorage:
    """
    Return a storage that holds these accounts.
    """
    storage = MemoryStorage()
    assert len(accounts) == len(storage.registry.apply(accounts))
    return storage


class TestMemoryAccounts(AccountsContract):
    def make(self, *accounts: Account) -> Accounts:
        return holding(*accounts).accounts


class TestMemoryRegistry(RegistryContract):
    def make(self) -> Registry:
        return MemoryStorage().registry


class TestMemoryCodeChallenges(CodeChallengesContract):
    def make(self) -> CodeChallenges:
        return MemoryStorage().code_challenges


class TestMemorySessions(SessionsContract):
    def make(self) -> Sessions:
        return MemoryStorage().sessions


class TestMemoryJoinedSessions(JoinedSessionsContract):
    def make(self, *accounts: Account) -> tuple[JoiningSessions, Accounts]:
        storage = holding(*accounts)
        return storage.sessions, storage.accounts


class TestMemoryCounters(CountersContract):
    def make(self) -> Counters:
        return MemoryStorage().counters

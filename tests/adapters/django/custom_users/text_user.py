"""
The contracts of all that touches users, where keys, addresses and hashes are any text.
"""

from __future__ import annotations

import pytest

from tests.adapters.django import stores
from uness_auth.django.storage import DjangoStorage
from uness_auth.errors import StorageError
from uness_auth.model import Account
from uness_auth.testing.contracts.accounts import ACCOUNT


ALONE = "shown beside Django's own users"


class TestAccounts(stores.DjangoAccountsContract):
    supports_processes = ALONE


class TestRegistry(stores.DjangoRegistryContract):
    supports_processes = ALONE


class TestJoinedSessions(stores.DjangoJoinedSessionsContract):
    supports_processes = ALONE


class TestSessionLists(stores.DjangoSessionListsContract):
    supports_processes = ALONE


class TestKeys:
    def test_a_key_is_needed(self, using: str) -> None:
        """
        An id that no user of this model can have is told, and nobody is made.
        """
        registry = DjangoStorage(using).stores.registry
        assert registry is not None
        odd = Account(
            id="x" * 65,
            address=ACCOUNT.address,
            credential_version=1,
            created_at=ACCOUNT.created_at,
        )

        with pytest.raises(StorageError, match="cannot have the key"):
            _ = registry.apply([odd])
        assert [] == list(registry.page("", 10))

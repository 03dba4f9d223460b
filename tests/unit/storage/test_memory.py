"""
What the storage in memory does beside the contracts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import attrs
import pytest

from uness_auth.errors import StorageError
from uness_auth.model import CodeChallenge, Session
from uness_auth.storage.memory import MemoryStorage


NOW: Final = datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC)
SESSION: Final = Session(
    digest="c0" * 32,
    account_id="4711",
    credential_version=7,
    opened_at=NOW,
    last_seen_at=NOW,
)
CHALLENGE: Final = CodeChallenge(
    id="0f" * 16,
    account_id="4711",
    credential_version=7,
    key_id="1a",
    browser_digest="b7" * 32,
    sent_at=NOW,
    expires_at=NOW,
    window_ends_at=NOW,
    attempts_left=5,
)


class TestMemoryStorage:
    def test_for_development_only(self) -> None:
        """
        The storage and each of its stores say that no real site may use them.
        """
        storage = MemoryStorage()
        stores = attrs.asdict(storage.stores, recurse=False).values()

        assert all(store.for_development_only for store in [storage, *stores])

    def test_stores_are_its_own(self) -> None:
        """
        The stores are the attributes, under the names of the ports.
        """
        storage = MemoryStorage()

        assert [] == [
            name
            for name, store in attrs.asdict(storage.stores, recurse=False).items()
            if store is not getattr(storage, name)
        ]

    def test_two_storages_share_nothing(self) -> None:
        """
        What one keeps the other does not know.
        """
        MemoryStorage().sessions.add(SESSION)

        assert MemoryStorage().sessions.by_digest(SESSION.digest) is None


class TestAdd:
    def test_session_is_not_replaced(self) -> None:
        """
        A digest that is taken is a fault of the caller's, told as one.
        """
        sessions = MemoryStorage().sessions
        sessions.add(SESSION)

        with pytest.raises(StorageError, match="the digest is taken"):
            sessions.add(attrs.evolve(SESSION, account_id="4712"))
        assert SESSION == sessions.by_digest(SESSION.digest)

    def test_challenge_is_not_replaced(self) -> None:
        """
        An id that is taken is a fault of the caller's, told as one.
        """
        challenges = MemoryStorage().code_challenges
        challenges.add(CHALLENGE)

        with pytest.raises(StorageError, match="the id is taken"):
            challenges.add(attrs.evolve(CHALLENGE, attempts_left=9))
        assert attrs.evolve(CHALLENGE, attempts_left=4) == challenges.spend_attempt(
            CHALLENGE.id
        )

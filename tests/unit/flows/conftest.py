"""
One site, wired in memory: what every test of a flow starts from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from uness_auth import Site, UnessAuth
from uness_auth.outcomes import AccountAdded, AccountChanged
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


@pytest.fixture(name="storage")
def _storage() -> MemoryStorage:
    """
    Empty stores.
    """
    return MemoryStorage()


@pytest.fixture(name="outbox")
def _outbox() -> Outbox:
    """
    An empty outbox.
    """
    return Outbox()


@pytest.fixture(name="log")
def _log() -> EventLog:
    """
    An empty log of events.
    """
    return EventLog()


@pytest.fixture(name="hashing")
def _hashing() -> FastHashing:
    """
    A hasher that counts.
    """
    return FastHashing()


@pytest.fixture(name="make_auth")
def _make_auth(
    storage: MemoryStorage,
    outbox: Outbox,
    log: EventLog,
    hashing: FastHashing,
    clock: FixedClock,
) -> Callable[..., UnessAuth]:
    """
    Wire the site, with what the test gives in place of the usual.
    """

    def make(**given: Any) -> UnessAuth:
        usual: dict[str, Any] = {
            "site": Site(base_url="http://localhost:8000"),
            "stores": storage.stores,
            "mailer": outbox,
            "keys": ["first-key-of-the-tests-0123456789abcdef"],
            "hashing": hashing,
            "subscribers": [log],
            "clock": clock,
        }
        return UnessAuth(**usual | given)

    return make


@pytest.fixture(name="auth")
def _auth(make_auth: Callable[..., UnessAuth]) -> UnessAuth:
    """
    The site under the tutorial's policy.
    """
    return make_auth()


@pytest.fixture(name="accounts", autouse=True)
def _accounts(storage: MemoryStorage, make_auth: Callable[..., UnessAuth]) -> None:
    """
    Camille without a password, Dominique with one, Emmanuel disabled with one.
    """
    registrar = make_auth(subscribers=[]).provisioning
    for name in ("camille", "dominique", "emmanuel"):
        added = registrar.add(f"{name}@univ-exemple.fr", account_id=name)
        assert isinstance(added, AccountAdded)
        if name != "camille":
            version = added.account.credential_version
            hashed = "clear:Sport-2026"
            assert storage.accounts.set_password(name, hashed, version)
    closed = registrar.disable("emmanuel@univ-exemple.fr")
    assert isinstance(closed, AccountChanged)

"""
What every store does, as tests to inherit: one class per port.

Subclass it in your own tests and build an empty store in `make`; the rest is inherited.
Say how another process opens it, and what it is like out of reach, or why there is no
such thing: see `StoreContract`.

The docstrings of the tests are the specification; those of `uness_auth.ports` say the
same to who implements it.

To see values in failures, say before the import::

    pytest.register_assert_rewrite("uness_auth.testing.contracts")
"""

from __future__ import annotations

from typing import Final

from .accounts import AccountsContract
from .base import Contract, RemoteContract, StoreContract
from .code_challenges import CodeChallengesContract
from .counters import CountersContract
from .events import EventsContract
from .mailers import MailerContract
from .order_queues import OrderQueueContract
from .password_hashing import PasswordHashingContract
from .registry import BulkRegistryContract, BulkWritingRegistry, RegistryContract
from .session_lists import ListedSessions, SessionListsContract
from .sessions import JoinedSessionsContract, JoiningSessions, SessionsContract


VERSION: Final = 4
"""
Grows when a test is added or sharpened: what passed before may then be rejected.

The changelog says with which release, and what for.
"""

__all__ = [
    "VERSION",
    "AccountsContract",
    "BulkRegistryContract",
    "BulkWritingRegistry",
    "CodeChallengesContract",
    "Contract",
    "CountersContract",
    "EventsContract",
    "JoinedSessionsContract",
    "JoiningSessions",
    "ListedSessions",
    "MailerContract",
    "OrderQueueContract",
    "PasswordHashingContract",
    "RegistryContract",
    "RemoteContract",
    "SessionListsContract",
    "SessionsContract",
    "StoreContract",
]

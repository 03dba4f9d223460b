"""
What every store does, as tests to inherit: one class per port.

Subclass it in your own tests and build an empty store in `make`; everything else is
inherited.  The docstrings of the tests are the specification; those of
`uness_auth.ports` say the same to who implements it.

To see values in failures, say before the import::

    pytest.register_assert_rewrite("uness_auth.testing.contracts")
"""

from __future__ import annotations

from .accounts import AccountsContract
from .base import Contract, RemoteContract, StoreContract
from .code_challenges import CodeChallengesContract
from .counters import CountersContract
from .password_hashing import PasswordHashingContract
from .registry import RegistryContract
from .sessions import JoinedSessionsContract, JoiningSessions, SessionsContract


__all__ = [
    "AccountsContract",
    "CodeChallengesContract",
    "Contract",
    "CountersContract",
    "JoinedSessionsContract",
    "JoiningSessions",
    "PasswordHashingContract",
    "RegistryContract",
    "RemoteContract",
    "SessionsContract",
    "StoreContract",
]

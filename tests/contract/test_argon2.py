"""
The argon2 hasher keeps the contract.
"""

from __future__ import annotations

from uness_auth.passwords import Argon2Hashing
from uness_auth.policy import HashingPolicy
from uness_auth.ports import PasswordHashing
from uness_auth.testing.contracts import PasswordHashingContract


class TestArgon2Hashing(PasswordHashingContract):
    def make(self) -> PasswordHashing:
        return Argon2Hashing(HashingPolicy.small())

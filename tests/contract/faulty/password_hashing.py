"""
Password hashers with planted faults.
"""

from __future__ import annotations

from threading import Lock
from typing import ClassVar, Final

from tests.contract.faulty.planting import (
    planted_in,
)
from uness_auth.testing import contracts


class FaultyHashing:
    contract: ClassVar = contracts.PasswordHashingContract

    def __init__(self) -> None:
        self.lock = Lock()
        self.made = 0

    @classmethod
    def build(cls) -> FaultyHashing:
        return cls()

    def hash(self, password: str, /) -> str:
        self.made += 1
        return f"{self.made}${hash(password)}"

    def verify(self, password_hash: str, password: str, /) -> bool:
        return password_hash.partition("$")[2] == str(hash(password))

    def needs_rehash(self, _password_hash: str, /) -> bool:
        return False

    def decoy(self, password: str, /) -> None:
        _ = hash(password)


class TrimsPasswords(FaultyHashing):
    rejected_by = ("test_knows_its_own",)

    def verify(self, password_hash: str, password: str, /) -> bool:
        return super().verify(password_hash, password.strip())


class HashesWithoutSalt(FaultyHashing):
    rejected_by = ("test_salted",)

    def hash(self, password: str, /) -> str:
        return f"${hash(password)}"


class CutsPasswords(FaultyHashing):
    rejected_by = ("test_compares_to_the_end",)

    def hash(self, password: str, /) -> str:
        return super().hash(password[:72])

    def verify(self, password_hash: str, password: str, /) -> bool:
        return super().verify(password_hash, password[:72])


class RaisesOnOddHashes(FaultyHashing):
    rejected_by = ("test_never_raises",)

    def verify(self, password_hash: str, password: str, /) -> bool:
        assert "$" in password_hash
        return super().verify(password_hash, password)


class RehashesForEver(FaultyHashing):
    rejected_by = ("test_own_hash_needs_no_rehash",)

    def needs_rehash(self, _password_hash: str, /) -> bool:
        return True


class RaisesOnOddDecoys(FaultyHashing):
    rejected_by = ("test_decoy_takes_anything",)

    def decoy(self, password: str, /) -> None:
        assert password.isprintable()


PLANTED: Final = planted_in(FaultyHashing)

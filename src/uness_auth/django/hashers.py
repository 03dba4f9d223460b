"""
Argon2 for Django, with the policy's parameters and their ceilings.
"""

from __future__ import annotations

from typing import ClassVar

from argon2 import Parameters, extract_parameters
from argon2.exceptions import InvalidHashError
from django.contrib.auth.hashers import Argon2PasswordHasher

from ..passwords import decoy_hash
from ..policy import HashingPolicy


class UnessArgon2PasswordHasher(Argon2PasswordHasher):
    """
    Argon2 as the policy says: put it first into ``PASSWORD_HASHERS``.

    Then Django's own `check_password`, the admin and other backends make hashes as we
    do, and nobody makes anew what the other made.

    Attributes:
        policy:
            The site's: `uness_auth.django.hashing.DjangoHashing` sets it.  A process
            that never wires the sign-in hashes under the default, and the next sign-in
            replaces what it made.
    """

    policy: ClassVar[HashingPolicy] = HashingPolicy()

    def params(self) -> Parameters:
        """
        Return the policy's parameters.
        """
        made: Parameters = super().params()
        made.time_cost = self.policy.time_cost
        made.memory_cost = self.policy.memory_cost
        made.parallelism = self.policy.parallelism
        return made

    def verify(self, password: str, encoded: str) -> bool:
        """
        Say whether *password* made *encoded*, within the policy's ceilings.

        A hash that asks for more memory or time, or that cannot be read, is False, and
        so is a text that cannot have been hashed.
        """
        try:
            return self.is_within_ceilings(encoded) and super().verify(
                password, encoded
            )
        except (InvalidHashError, UnicodeEncodeError):
            return False

    def decoy(self) -> str:
        """
        Return a hash that no password has, of today's parameters, without hashing.
        """
        return f"{self.algorithm}{decoy_hash(self.params())}"

    def is_within_ceilings(self, encoded: str, /) -> bool:
        """
        Say whether *encoded* asks for no more work than the policy allows.
        """
        try:
            asked = extract_parameters(encoded.removeprefix("argon2"))
        except InvalidHashError:
            return False
        return (
            asked.memory_cost <= self.policy.largest_memory_cost
            and asked.time_cost <= self.policy.largest_time_cost
            and asked.parallelism <= self.policy.largest_parallelism
        )

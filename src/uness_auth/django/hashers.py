"""
Argon2 for Django, with the policy's parameters and their ceilings.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.hashers import Argon2PasswordHasher

from ..policy import HashingPolicy


class UnessArgon2PasswordHasher(Argon2PasswordHasher):
    """
    Put it first into ``PASSWORD_HASHERS``: what it made, no sign-in makes anew.

    Attributes:
        policy: The site's, from when `uness_auth.django.hashing.DjangoHashing` was made.
    """

    policy: ClassVar[HashingPolicy] = HashingPolicy()

    @property
    def time_cost(self) -> int:
        """
        How many passes.
        """
        return self.policy.time_cost

    @property
    def memory_cost(self) -> int:
        """
        KiB per hash.
        """
        return self.policy.memory_cost

    @property
    def parallelism(self) -> int:
        """
        How many lanes.
        """
        return self.policy.parallelism

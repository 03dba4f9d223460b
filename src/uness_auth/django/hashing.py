"""
Django's own password hashers, behind our port and under our ceilings.
"""

from __future__ import annotations

from typing import Any, Final

from argon2.exceptions import Argon2Error
from django.contrib.auth.hashers import get_hasher, identify_hasher

from ..errors import HashingError
from ..passwords import secret_of
from ..policy import MOST_HASHED_BYTES, HashingPolicy
from .hashers import UnessArgon2PasswordHasher


# Of formats that only older passwords have: about ten times what Django asks for today.
MOST_ITERATIONS: Final = 10_000_000
LARGEST_BCRYPT: Final = 16
# bcrypt reads no further: a hash of more vouches for as much of it alone.
BCRYPT: Final = "bcrypt"
BCRYPT_BYTES: Final = 72
BYTES_PER_SCRYPT_BLOCK: Final = 128


class DjangoHashing:
    """
    The hashers of ``PASSWORD_HASHERS`` as `uness_auth.ports.PasswordHashing`.

    The first of them makes every new hash.  Passwords in the formats of the others are
    verified, and made anew as their owners sign in; but bcrypt reads 72 bytes of a
    password, so that a longer one is refused under a hash of that format, whatever
    stands behind them, and its owner asks for a link.  Sets the policy of
    `uness_auth.django.hashers.UnessArgon2PasswordHasher`, which stands first.

    Timing: as argon2 without Django, and a hash in another format takes
    that format's time until its owner signs in.

    Args:
        policy: The ceilings, and the parameters of new hashes.
    """

    def __init__(self, policy: HashingPolicy, /) -> None:
        self._policy = policy
        UnessArgon2PasswordHasher.policy = policy

    def hash(self, password: str, /) -> str:
        """
        Return a salted hash that says how it was made.

        Raises:
            ValueError: The text cannot be UTF-8, or is longer than the 1,024 bytes
                that are ever hashed: `uness_auth.PasswordPolicy.unmet` refuses both.

            uness_auth.errors.HashingError: There was no memory for it.
        """
        if secret_of(password) is None:
            msg = f"a password is UTF-8 and at most {MOST_HASHED_BYTES} bytes long"
            raise ValueError(msg)
        try:
            return _encode(password)
        except (Argon2Error, MemoryError) as exc:
            msg = "a password could not be hashed: is there memory for it?"
            raise HashingError(msg) from exc

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Say whether *password* made *password_hash*.

        Never raises on bad input, and never does more work than the ceilings allow.
        """
        hasher = _hasher_of(password_hash)
        if (
            hasher is None
            or not _can_vouch(hasher, password)
            or not self._is_within_ceilings(hasher, password_hash)
        ):
            self.decoy(password)
            return False
        try:
            return bool(hasher.verify(password, password_hash))
        except Exception:  # noqa: BLE001 - a hasher may be anybody's: fail closed
            return False

    def needs_rehash(self, password_hash: str, /) -> bool:
        """
        Say whether the hash was made with other parameters than today's.

        A hash that cannot be read was.
        """
        hasher, preferred = _hasher_of(password_hash), get_hasher()
        if hasher is None or hasher.algorithm != preferred.algorithm:
            return True
        try:
            return bool(preferred.must_update(password_hash))
        except Exception:  # noqa: BLE001 - as above
            return True

    def decoy(self, password: str, /) -> None:
        """
        Do the work of `verify`, for an account that has no password.
        """
        # A text too long to be hashed is left out here as well: its length would
        # otherwise show in the time that both of them take.
        text = "" if secret_of(password) is None else password
        preferred = get_hasher()
        try:
            if isinstance(preferred, UnessArgon2PasswordHasher):
                # Compared, not made: to make one asks for a salt in Django's alphabet,
                # which takes longer than all else around the hash.
                _ = preferred.verify(text, preferred.decoy())
            else:
                _ = _encode(text)
        except (Argon2Error, MemoryError):
            return

    def _is_within_ceilings(self, hasher: Any, password_hash: str) -> bool:
        if isinstance(hasher, UnessArgon2PasswordHasher):
            return hasher.is_within_ceilings(password_hash)
        try:
            asked = hasher.decode(password_hash)
        except Exception:  # noqa: BLE001 - as above
            return False
        factor = int(asked.get("work_factor", 0))
        if hasher.algorithm.startswith("bcrypt"):
            return factor <= LARGEST_BCRYPT
        memory = factor * int(asked.get("block_size", 0)) * BYTES_PER_SCRYPT_BLOCK
        return (
            int(asked.get("iterations", 0)) <= MOST_ITERATIONS
            and memory <= self._policy.largest_memory_cost * 1024
            and int(asked.get("parallelism", 0)) <= self._policy.largest_parallelism
            and int(asked.get("memory_cost", 0)) <= self._policy.largest_memory_cost
            and int(asked.get("time_cost", 0)) <= self._policy.largest_time_cost
        )


def _hasher_of(password_hash: str) -> Any:
    try:
        return identify_hasher(password_hash)
    except ValueError:
        # No format that ``PASSWORD_HASHERS`` names.
        return None


def _can_vouch(hasher: Any, password: str) -> bool:
    secret = secret_of(password)
    if secret is None:
        return False
    return hasher.algorithm != BCRYPT or len(secret) <= BCRYPT_BYTES


def _encode(password: str) -> str:
    hasher: Any = get_hasher()
    return str(hasher.encode(password, hasher.salt()))

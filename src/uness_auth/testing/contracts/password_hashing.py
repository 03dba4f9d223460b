"""
What every password hasher does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from ...ports import PasswordHashing
from .base import Contract


ODD: Final = ("", "\0", "\ud800", "é", "$argon2id$", "p" * 5_000)


class PasswordHashingContract(Contract, ABC):
    """
    What every `uness_auth.ports.PasswordHashing` does.

    Subclass it in your test suite and build a hasher in `make`, as cheap as it can be.
    """

    @abstractmethod
    def make(self) -> PasswordHashing:
        """
        Return a hasher.
        """

    def test_knows_its_own(self) -> None:
        """
        A password verifies against its hash, and no other does.
        """
        hasher = self.make()
        made = hasher.hash("Cheval7+Agrafe")

        assert hasher.verify(made, "Cheval7+Agrafe")
        assert not hasher.verify(made, "cheval7+Agrafe")
        assert not hasher.verify(made, "Cheval7+Agrafe ")
        assert not hasher.verify(made, "")

    def test_salted(self) -> None:
        """
        Two hashes of one password differ, and hide it.
        """
        hasher = self.make()
        hashes = [hasher.hash("Cheval7+Agrafe") for _ in range(2)]

        assert 2 == len(set(hashes))
        assert [] == [one for one in hashes if "Cheval7" in one]

    def test_compares_to_the_end(self) -> None:
        """
        Passwords that differ only after 128 characters are two passwords.
        """
        hasher = self.make()
        made = hasher.hash("p" * 128 + "1")

        assert not hasher.verify(made, "p" * 128 + "2")

    def test_never_raises(self) -> None:
        """
        A hash it cannot read and a text it cannot encode are not verified.
        """
        hasher = self.make()
        made = hasher.hash("Cheval7+Agrafe")

        assert not any(hasher.verify(odd, "Cheval7+Agrafe") for odd in ODD)
        assert not any(hasher.verify(made, odd) for odd in ODD)

    def test_own_hash_needs_no_rehash(self) -> None:
        """
        A hash of today's parameters is left alone, or two would take turns for ever.
        """
        hasher = self.make()

        assert not hasher.needs_rehash(hasher.hash("Cheval7+Agrafe"))

    def test_decoy_takes_anything(self) -> None:
        """
        The decoy's work is done for any text.
        """
        hasher = self.make()

        for odd in ODD:
            hasher.decoy(odd)

"""
New passwords: the policy's rules, and then what the host knows of leaks.
"""

from __future__ import annotations

import pytest

from uness_auth.errors import HashingError
from uness_auth.password_check import NewPasswords
from uness_auth.policy import PasswordPolicy


GOOD = "Cheval7+Agrafe"
LEAKED = "Pile-Correcte8"


class Leaks:
    """
    A host's list, which notes what it was asked.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, password: str, /) -> bool:
        """
        Say whether *password* is the one that leaked.
        """
        self.asked.append(password)
        return password == LEAKED


def down(_password: str, /) -> bool:
    """
    A list that cannot be reached, and repeats what it was asked.
    """
    raise ConnectionError(_password)


class TestUnmet:
    def test_a_leaked_one_is_too_common(self) -> None:
        """
        What the host knows is told in words that there are, and the rest is taken.
        """
        rules = NewPasswords(PasswordPolicy(), Leaks())

        assert ("too_common",) == rules.unmet(LEAKED, about=())
        assert () == rules.unmet(GOOD, about=())

    def test_only_what_would_be_set_is_asked_of(self) -> None:
        """
        What the policy refuses, the person's own words too, goes to no list.
        """
        leaks = Leaks()
        rules = NewPasswords(PasswordPolicy(), leaks)

        assert ("too_short",) == rules.unmet("Ab3+xyz", about=())
        assert ("too_common",) == rules.unmet("Camille+2026", about=("Camille",))
        assert [] == leaks.asked

        assert () == rules.unmet(GOOD, about=())
        assert [GOOD] == leaks.asked

    def test_a_list_that_is_down(self) -> None:
        """
        It waves nothing through, and the error quotes nothing.
        """
        with pytest.raises(HashingError) as caught:
            NewPasswords(PasswordPolicy(), down).unmet(GOOD, about=())

        assert "is_leaked() failed: ConnectionError" == str(caught.value)
        assert caught.value.__suppress_context__

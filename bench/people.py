"""
Who signs in, and what every side shows them.
"""

from __future__ import annotations


ADDRESS = "camille.durand@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
NAME = "Camille Durand"
GREETING = f"Bonjour {NAME}"
KEY = "a key of this benchmark, of no other use"


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """
    The side sent the visitor away for a moment; they may come again.
    """


def expect(is_so: object, *told: object) -> None:
    """
    End the benchmark where a side did not do the work.
    """
    if not is_so:
        raise AssertionError(*told)

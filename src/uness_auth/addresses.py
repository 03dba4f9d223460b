"""
Typed text -> canonical e-mail address, or the fault that keeps it from being one.
"""

from __future__ import annotations

from enum import StrEnum


class AddressFault(StrEnum):
    """
    Why typed text is no e-mail address.
    """

    EMPTY = "empty"
    INCOMPLETE = "incomplete"
    SEVERAL = "several"
    NOT_ALLOWED = "not_allowed"
    TOO_LONG = "too_long"


def canonical(text: str, /) -> str | AddressFault:
    """
    Return the canonical address.
    """
    return text.strip(" ").lower() if "@" in text else AddressFault.INCOMPLETE

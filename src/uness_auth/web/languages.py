"""
Which language a browser prefers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final


LONGEST_HEADER: Final = 200


def preferred(header: str, languages: Sequence[str], /) -> str:
    """
    Return the best of *languages* for an Accept-Language header; else the first.

    Never raises on bad input.

    Source:
        RFC 9110, 12.5.4; RFC 4647, 3.4 (look-up by the primary subtag).
    """
    wishes = [_weighed(item) for item in header[:LONGEST_HEADER].split(",")]
    # Sorting is stable: of equal weights the first counts.
    for _, tag in sorted(wishes, key=lambda wish: -wish[0]):
        if tag in languages:
            return tag
    return languages[0]


def _weighed(item: str) -> tuple[float, str]:
    tag, _, parameter = item.partition(";")
    name, _, number = parameter.strip().partition("=")
    weight = 1.0
    if name == "q":
        try:
            weight = float(number)
        except ValueError:
            weight = 0.0
    language = tag.strip().partition("-")[0].lower()
    return (weight, language) if weight > 0 else (0.0, "")

"""
Which browser on which system, in the words that people use.

Only so that a person recognises their own: it decides nothing, because whoever asks
may claim to be any browser.
"""

from __future__ import annotations

from typing import Final


# The more special first: each of them also claims to be those below it.
_FAMILIES: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_LONGEST: Final = 1_024


def browser_name(user_agent: str, /) -> str:
    """
    Return ``Firefox, Windows`` for a User-Agent header; empty for an unknown browser.

    Never raises, and holds nothing of what the header says.
    """
    text = user_agent[:_LONGEST]
    family = next((name for mark, name in _FAMILIES if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    return ", ".join(part for part in (family, system) if part)

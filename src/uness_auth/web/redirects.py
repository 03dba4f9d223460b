"""
Where a visitor may be led: a path of this site, or nowhere.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote


LONGEST_NEXT: Final = 1_024
# One slash, then no second one and no backslash: browsers read both as the start of
# another host.  Printable ASCII only, because they drop tabs and line breaks unseen.
_PATH: Final = re.compile(r"/(?:(?!/)[!-\[\]-~]+)?", re.ASCII)


def safe_path(text: str, /) -> str:
    """
    Return *text* if it is a path of this site, else the empty text.

    Never raises on bad input.  The path may have a query and a fragment; the caller
    puts the base URL in front, so that a browser has no host to guess.
    """
    if len(text) > LONGEST_NEXT or not _PATH.fullmatch(text):
        return ""
    # "/..//evil" climbs to "//evil" once a browser has tidied it.
    path = text.partition("#")[0].partition("?")[0]
    steps = path.lower().replace("%2e", ".").replace("%2f", "/").split("/")
    return "" if "." in steps or ".." in steps else text


def encoded_path(path: str, query: bytes, /) -> str:
    """
    Return what was asked for as a path to come back to, letter by letter.

    Args:
        path: Decoded, as frameworks hand it over: what was a ``%3F`` must not become
            a query.

        query: As the client sent it, bytes beyond ASCII included.
    """
    encoded = quote(path, safe="/!$&'()*+,;=:@~")
    if not query:
        return encoded
    rest = quote(query, safe="/!$&'()*+,;=:@~?%[]")
    return f"{encoded}?{rest}"

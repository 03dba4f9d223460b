"""
Rows that may be somebody who is there already: reported, never decided.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

import attrs

from ..addresses import near_domain
from .rows import LONGEST_NAME, Row


# A domain is frequent beside one that has a tenth of its addresses.
TIMES: Final = 10
# So many frequent ones are compared with, the most frequent first.
MOST_FREQUENT: Final = 1_000
# Thousands are called Camille.
FEWEST_WORDS: Final = 2

_WORD: Final = re.compile(r"[^\W_]+")
# Some mail systems take these for nothing, and so do people.
_SEPARATORS: Final = str.maketrans("", "", "._-")
# What decomposition leaves whole.
_WHOLE: Final = {
    "\u00e6": "ae",
    "\u0153": "oe",
    "\u00f8": "o",
    "\u0111": "d",
    "\u0142": "l",
    "\u0131": "i",
}
_LETTERS: Final = str.maketrans(_WHOLE)
# Cyrillic, Greek and Armenian letters that are drawn as Latin ones: those of Unicode's
# confusables.txt that a domain may hold in small letters.
_DRAWN_ALIKE: Final = str.maketrans(
    {
        **_WHOLE,
        **dict(
            zip("\u0430\u0441\u0501\u0435\u04bb\u0456\u0458", "acdehij", strict=True)
        ),
        **dict(
            zip("\u043a\u04cf\u043e\u0440\u051b\u0455\u0443", "klopqsy", strict=True)
        ),
        **dict(
            zip("\u0445\u051d\u03b1\u03b9\u03ba\u03bd\u03bf", "xwaikvo", strict=True)
        ),
        **dict(
            zip("\u03c1\u03c5\u03c7\u0585\u0578\u057d\u0570", "puxonuh", strict=True)
        ),
        **dict(zip("\u0251\u0261", "ag", strict=True)),
    }
)
_DIGITS: Final = str.maketrans("01", "ol")


class Likeness(StrEnum):
    """
    What makes two addresses look like one person's.

    Attributes:
        SPELLING: They are drawn alike, or differ in dots, dashes or a ``+tag``.

        DOMAIN: The domain is one slip of the fingers away from a frequent one.

        NAME: The display name is the same, whatever its order, case and accents.
    """

    SPELLING = "spelling"
    DOMAIN = "domain"
    NAME = "name"


@attrs.frozen(kw_only=True)
class Lookalike:
    """
    A row, and whom it may be meant for.

    Attributes:
        line: Of the row.

        other_address:
            Of the account or the row that is like it.  With `Likeness.DOMAIN`, what the
            address would be at the frequent domain, whether anybody has that or not.

        other_line: Where that stands in the file; 0 where it does not.
    """

    line: int
    address: str
    other_address: str
    other_line: int = 0
    why: Likeness


def lookalikes(
    rows: Iterable[Row], known: Iterable[tuple[str, str]], /
) -> Sequence[Lookalike]:
    """
    Find rows that may be typing errors, or somebody's second account.

    A row is looked at when no account has its address yet, and compared with accounts
    and with the rows above it.  What is alike has a key in common: time grows with how
    many there are, not with its square, and what is kept with the rows alone.  Of many
    that are alike each is reported with one.

    Args:
        known: Address and display name of each account; read once.
    """
    lines = {row.address: row for row in rows}
    first: dict[int, str] = {}
    for row in lines.values():
        for key, _ in _keys(row.address, row.display_name):
            _ = first.setdefault(key, row.address)
    theirs: dict[int, str] = {}
    there: set[str] = set()
    domains = Counter(map(_domain, lines))
    for address, name in known:
        if address in lines:
            there.add(address)
        else:
            domains[_domain(address)] += 1
        for key, _ in _keys(address, name):
            if key in first:
                _ = theirs.setdefault(key, address)
    others = {**first, **theirs}
    slips = _slips(set(map(_domain, lines)), domains)
    return [
        Lookalike(
            line=row.line,
            address=row.address,
            other_address=other,
            other_line=lines[other].line if other in lines else 0,
            why=why,
        )
        for row in lines.values()
        if row.address not in there
        for other, why in _others(row, others, slips).items()
    ]


def _others(
    row: Row, others: Mapping[int, str], slips: Mapping[str, str]
) -> dict[str, Likeness]:
    found: dict[str, Likeness] = {}
    for key, why in _keys(row.address, row.display_name):
        if others[key] != row.address:
            _ = found.setdefault(others[key], why)
    domain = slips.get(_domain(row.address))
    if domain is not None:
        local = row.address.rpartition("@")[0]
        _ = found.setdefault(f"{local}@{domain}", Likeness.DOMAIN)
    return found


def _keys(address: str, name: str) -> Iterator[tuple[int, Likeness]]:
    # Numbers: as many texts would take three times the room.
    yield hash(spelling(address)), Likeness.SPELLING
    folded = folded_name(name)
    if folded:
        yield hash(folded), Likeness.NAME


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def folded_name(name: str, /) -> str:
    """
    Return what names have in common that differ in case, accents, hyphens and order.

    Empty for a name of one word.
    """
    plain = _without_marks(name[:LONGEST_NAME].casefold()).translate(_LETTERS)
    words = _WORD.findall(plain)
    return " ".join(sorted(words)) if len(words) >= FEWEST_WORDS else ""


def spelling(address: str, /) -> str:
    """
    Return what addresses have in common that a reader takes for one another.
    """
    local, _, domain = address.rpartition("@")
    bare = local.partition("+")[0].translate(_SEPARATORS)
    return f"{_drawn(bare or local)}@{_drawn_domain(domain)}"


def _drawn(text: str) -> str:
    return text.translate(_DIGITS).replace("rn", "m").replace("vv", "w")


# People share a few domains.
@lru_cache(maxsize=1_024)
def _drawn_domain(domain: str) -> str:
    shown = ".".join(map(_shown_label, domain.split(".")))
    return _drawn(_without_marks(shown).translate(_DRAWN_ALIKE))


def _shown_label(label: str) -> str:
    bare = label.removeprefix("xn--")
    try:
        return label if bare == label else bare.encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in apart if not unicodedata.combining(mark))


def _slips(typed: Collection[str], counts: Counter[str]) -> dict[str, str]:
    """
    Return the frequent domain beside each that is one slip away from one.

    Two domains that are one slip apart are equal once each has lost a character, or
    neither: those are looked up, and only what is found there is compared.
    """
    frequent: dict[str, list[str]] = {}
    for domain, number in counts.most_common(MOST_FREQUENT):
        if number >= TIMES:
            for part in _parts(domain):
                frequent.setdefault(part, []).append(domain)
    found: dict[str, str] = {}
    for domain in typed:
        beside = {known for part in _parts(domain) for known in frequent.get(part, ())}
        near = [
            known
            for known in beside
            if counts[known] >= TIMES * counts[domain] and near_domain(domain, [known])
        ]
        if near:
            found[domain] = max(near, key=lambda known: (counts[known], known))
    return found


def _parts(domain: str) -> set[str]:
    return {domain, *(domain[:n] + domain[n + 1 :] for n in range(len(domain)))}

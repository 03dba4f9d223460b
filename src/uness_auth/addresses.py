"""
Typed text -> canonical e-mail address, or the fault that keeps it from being one.

Two texts name the same account only when their canonical addresses are equal, byte
for byte; nothing here looks anything up, on the network least of all.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from typing import Final


# RFC 5321, 4.5.3.1.3, with its erratum 1690.
LONGEST_ADDRESS: Final = 254

# What keyboards and the clipboard leave at the ends.  Bare strip() would remove 29
# characters, some of which no mail system takes for blank.
BLANKS: Final = " \t\r\n"

# Bare lower() would turn the Kelvin sign into a k.
LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

# RFC 2606, 6761, 6762, 7686.  An intranet, a demonstration and a test have addresses
# under them; whether mail gets there is not for this module to say.
RESERVED_NAMES: Final = frozenset(
    {"arpa", "example", "invalid", "local", "localhost", "onion", "test"}
)

# What nobody's rules refuse, at a length that nobody's do.
PLAIN_LOCAL: Final = re.compile(r"(?=.{1,64}@)[a-z0-9]+(?:[._+-][a-z0-9]+)*@", re.ASCII)


class AddressFault(StrEnum):
    """
    Why typed text is no e-mail address.

    Attributes:
        EMPTY: Nothing but blanks.

        INCOMPLETE: The @, what is before it, or what is after it is missing; a
            domain without a dot counts as missing its end.

        SEVERAL: More than one address.

        NOT_ALLOWED: A character, or an arrangement of them, that we do not take.

        TOO_LONG: More than 254 characters.
    """

    EMPTY = "empty"
    INCOMPLETE = "incomplete"
    SEVERAL = "several"
    NOT_ALLOWED = "not_allowed"
    TOO_LONG = "too_long"


def canonical(text: str, /) -> str | AddressFault:
    """
    Return the one spelling of the address in *text*, or why there is none.

    Blanks at the ends go, A-Z become a-z, an international domain becomes its
    A-labels, and nothing else changes: dots and ``+tag`` before the @ are kept,
    since only the provider knows what they mean to it.  Display names, comments,
    quoted local parts, literal IP addresses and everything outside ASCII before the
    @ are refused; so is a domain that IDNA would first map to another one, as it
    does with full-width letters and dots.

    Args:
        text: As typed.  Any text is fine, whatever its length.

    Returns:
        The canonical address: ASCII, lower-case, at most 254 characters, and its own
        canonical address.  Or an `AddressFault`, which is a string too: ask for it
        first.  Never raises on bad input.

    Source:
        Django's CVE-2019-19844 (Unicode case mapping) and Spotify's account
        take-over of 2013 (canonical names that were not idempotent).
    """
    # The length is looked at first: everything below may cost more than a glance.
    typed = text.strip(BLANKS)
    if len(typed) > LONGEST_ADDRESS:
        return AddressFault.TOO_LONG

    typed = typed.translate(LOWER)
    fault = _plain_fault(typed)
    if fault is not None:
        return fault
    plain = PLAIN_LOCAL.match(typed)
    if plain is None or not typed.isascii():
        return _checked(typed)
    domain = _checked_domain(typed[plain.end() :])
    return domain if isinstance(domain, AddressFault) else plain[0] + domain


def near_domain(domain: str, domains: Collection[str], /) -> str:
    """
    Return the one of *domains* that *domain* is a slip of the fingers away from.

    A slip is one character too many, one missing, one in the place of another, or two
    neighbours swapped.  Domains are compared as they stand in canonical addresses, an
    international one by its A-labels.

    Args:
        domain: Of a canonical address.

        domains: Those that are known; what comes out depends on nothing else.

    Returns:
        The known domain; empty where *domain* is known itself, and where none or more
        than one is near: univ-lyon.fr may be any of Lyon's.
    """
    if domain in domains:
        return ""
    near = {known for known in domains if _is_one_slip(domain, known)}
    return near.pop() if len(near) == 1 else ""


def _is_one_slip(typed: str, known: str) -> bool:
    """
    Say whether what follows the first difference agrees after one slip.
    """
    pairs = enumerate(zip(typed, known, strict=False))
    shorter = min(len(typed), len(known))
    start = next((place for place, (one, other) in pairs if one != other), shorter)
    left, right = typed[start:], known[start:]
    return (
        left[1:] == right
        or left == right[1:]
        or left[1:] == right[1:]
        or (left[1::-1] == right[:2] and left[2:] == right[2:])
    )


def _plain_fault(typed: str) -> AddressFault | None:
    """
    Return the fault that shows without a parser.
    """
    local, _, domain = typed.rpartition("@")
    if not typed:
        return AddressFault.EMPTY
    if not typed.isprintable():
        # Controls, NUL, lone surrogates, invisible and bidirectional marks.
        return AddressFault.NOT_ALLOWED
    if "@" in local:
        is_list = '"' not in typed and any(mark in typed for mark in " ,;<")
        return AddressFault.SEVERAL if is_list else AddressFault.NOT_ALLOWED
    if not local or not domain:
        return AddressFault.INCOMPLETE
    return None if local.isascii() else AddressFault.NOT_ALLOWED


# A site's people share a few domains, and looking at one costs as much as a look-up in
# the database.  Of domains only: whose address was typed lately shows in no time.
@lru_cache(maxsize=256)
def _checked_domain(domain: str) -> str | AddressFault:
    found = _checked(f"a@{domain}")
    return found if isinstance(found, AddressFault) else found.removeprefix("a@")


def _checked(typed: str) -> str | AddressFault:
    """
    Let email-validator judge, and refuse what it would have to change.
    """
    # Imported here: it compiles patterns over all of Unicode, which takes as long as
    # importing the rest of the core.  It imports dnspython only to check
    # deliverability, which we never ask for.
    from email_validator import validate_email  # noqa: PLC0415 - see above

    local, _, domain = typed.rpartition("@")
    *rest, ending = domain.split(".")
    is_reserved = ending in RESERVED_NAMES
    # email-validator refuses reserved names, unless one changes a list that the whole
    # process shares.  So they go in under another name of the same length.
    asked = [*rest, "x" * len(ending) if is_reserved else ending]
    try:
        found = validate_email(
            f"{local}@{'.'.join(asked)}",
            allow_smtputf8=False,
            check_deliverability=False,
            globally_deliverable=bool(rest),
        )
    except ValueError:
        # EmailNotValidError, and whatever a codec below it lets through.
        return AddressFault.NOT_ALLOWED

    if not rest and not is_reserved:
        return AddressFault.INCOMPLETE
    labels = found.ascii_domain.split(".")
    if not _is_as_typed(asked, labels, found.domain.split(".")):
        return AddressFault.NOT_ALLOWED
    return f"{local}@{'.'.join([*labels[:-1], ending] if is_reserved else labels)}"


def _is_as_typed(typed: list[str], labels: list[str], shown: list[str]) -> bool:
    """
    Say whether each typed label is the A-label or the text it stands for.

    Otherwise IDNA mapped it: two spellings would make one address.
    """
    return len(typed) == len(labels) and all(
        one in pair
        for one, pair in zip(typed, zip(labels, shown, strict=True), strict=True)
    )

"""
What a doctor found: what it is, why it matters, how to mend it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import attrs


# What a driver says of its own in the first line is enough, and holds no row.
LONGEST_CAUSE: Final = 200
_USER_AND_PASSWORD: Final = re.compile(r"://[^\s/@]*@")


class Severity(StrEnum):
    """
    How bad it is.
    """

    OK = "ok"
    NOTE = "note"
    SERIOUS = "serious"


@attrs.frozen
class Finding:
    """
    One answer of the doctor's.

    Attributes:
        check: What was looked at, in one or two words.

        what: What was found.

        why: Why that matters; empty where all is well.

        mend: How to mend it; empty where all is well.
    """

    check: str
    severity: Severity
    what: str
    why: str = ""
    mend: str = ""


def ok(check: str, what: str, /) -> Finding:
    """
    Return that all is well.
    """
    return Finding(check, Severity.OK, what)


def note(check: str, what: str, why: str, mend: str, /) -> Finding:
    """
    Return what an operator should know, and may have meant so.
    """
    return Finding(check, Severity.NOTE, what, why, mend)


def serious(check: str, what: str, why: str, mend: str, /) -> Finding:
    """
    Return what keeps people out, or lets the wrong ones in.
    """
    return Finding(check, Severity.SERIOUS, what, why, mend)


def words_of(exc: BaseException, /) -> str:
    """
    Return what *exc* says and, shortly, what its cause said, without a password.
    """
    said = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    if exc.__cause__ is not None:
        first, *_ = str(exc.__cause__).splitlines() or [type(exc.__cause__).__name__]
        if first not in said:
            said = f"{said} ({first[:LONGEST_CAUSE]})"
    return _USER_AND_PASSWORD.sub("://***@", said)

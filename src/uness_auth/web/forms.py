"""
The fields of a posted form, read the same way whatever the framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl

from .http import Request


LONGEST_BODY: Final = 16_384
MOST_FIELDS: Final = 20
# What an adapter hands in for a body that broke off: no form reads so.
BROKEN_OFF: Final = b"%"
_TYPE: Final = "application/x-www-form-urlencoded"


class FormFault(StrEnum):
    """
    Why a body is no form of ours.
    """

    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    REPEATED = "repeated"


def read_form(request: Request, /) -> Mapping[str, str] | FormFault:
    """
    Return the form's fields by name, or the fault.  Never raises on bad input.

    A field sent twice is refused: frameworks disagree which one counts, and an
    attacker would choose.
    """
    if request.header("content-type").partition(";")[0].strip().lower() != _TYPE:
        return FormFault.UNSUPPORTED
    # Refused before a byte is read, where the client says how long it is.
    declared = request.header("content-length")
    if declared.isascii() and declared.isdigit() and int(declared[:9]) > LONGEST_BODY:
        return FormFault.TOO_LARGE
    body = request.read(LONGEST_BODY + 1)
    if len(body) > LONGEST_BODY:
        return FormFault.TOO_LARGE
    return read_fields(body)


def read_fields(body: bytes, /) -> Mapping[str, str] | FormFault:
    """
    Return the fields of an urlencoded *body*, or the fault.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        return FormFault.MALFORMED
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else FormFault.REPEATED


def read_next(query: str, /) -> str:
    """
    Return the ``next`` of a query string, or the empty text for what is no query.
    """
    try:
        pairs = parse_qsl(query, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        return ""
    found = [value for name, value in pairs if name == "next"]
    return found[0] if len(found) == 1 else ""

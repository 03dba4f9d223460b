"""
Lines of a table -> accounts as a registrar wants them, or why a line is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, TypeAlias

import attrs

from ..addresses import BLANKS, LONGEST_ADDRESS, AddressFault, canonical
from ..model import LANGUAGES


COLUMNS: Final = (
    "email",
    "display_name",
    "language",
    "provisioned_by",
    "external_id",
    "valid_from",
    "valid_until",
)
LONGEST_LINE: Final = 1_000
LONGEST_NAME: Final = 200
# What the tables of accounts keep of them.
LONGEST_REGISTRAR: Final = 64
LONGEST_EXTERNAL_ID: Final = 128
# Software that has to write some date where there is no end writes 9999.
YEARS: Final = range(1900, 3000)

# What a copy from a web page leaves at the ends of a cell, too.
EDGES: Final = f"{BLANKS}\u00a0\u202f\ufeff"
# Controls, halves of characters, ends of lines, and what turns the reading direction
# for more than its own cell.
UNTAKEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
ISO_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
FRENCH_DATE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")

_WHY: Final = {
    AddressFault.EMPTY: "the cell is empty",
    AddressFault.INCOMPLETE: "the part before or after @ is missing or cut short",
    AddressFault.SEVERAL: "give one address per line",
    AddressFault.NOT_ALLOWED: "it holds a character that an address cannot have",
    AddressFault.TOO_LONG: "it is too long",
}
_SHOWN: Final = 80


@attrs.frozen(kw_only=True)
class Row:
    """
    One account, as a line of the file wants it.

    Attributes:
        line: Its number, as Excel shows it.

        address: Canonical: see `uness_auth.addresses.canonical`.

        display_name: At most 200 characters.

        language: ``fr``, ``en``, or empty.

        provisioned_by: Whose account it is to be; at most 64 characters.

        external_id: What the registrar calls this person; at most 128 characters.

        valid_from, valid_until:
            First and last day, in the site's time zone.  None: no such bound, or no
            such column, which `FileOfAccounts.columns` tells.
    """

    line: int
    address: str
    display_name: str = ""
    language: str = ""
    provisioned_by: str = ""
    external_id: str = ""
    valid_from: date | None = None
    valid_until: date | None = None


@attrs.frozen(kw_only=True)
class Rejected:
    """
    A line that is no account, and why, for the registrar's eyes.

    Attributes:
        line: Its number, as Excel shows it.

        email, external_id:
            As typed, cut where they are long, U+FFFD for what cannot be shown.
    """

    line: int
    reason: str
    email: str = ""
    external_id: str = ""


Line: TypeAlias = Row | Rejected


@attrs.frozen
class Record:
    """
    The cells of one line, not judged yet.

    Attributes:
        fault: Why they cannot be; empty if they can.
    """

    line: int
    cells: list[str]
    fault: str = ""


@attrs.frozen(kw_only=True)
class Table:
    """
    What a file holds: a header, and what is below it.

    Attributes:
        header: The cells of the header row; none where the file holds no text.

        line: Of the header row.
    """

    header: Sequence[str]
    line: int
    records: Iterable[Record]


def trimmed(cells: Sequence[str], /) -> list[str]:
    """
    Return *cells* without the empty ones at their end.
    """
    kept = list(cells)
    while kept and not kept[-1].strip(EDGES):
        del kept[-1]
    return kept


def shown(text: str, /, *, longest: int = _SHOWN) -> str:
    """
    Return *text* as a terminal and a sheet can show it: one short line.
    """
    kept = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in kept)


def read_rows(records: Iterable[Record], names: Sequence[str], /) -> Iterator[Line]:
    """
    Judge each line by itself, and against those above it.

    An address, or an external id of one registrar, that stands in the file twice
    counts the first time: the later line is rejected and names the earlier one.  A
    line of empty cells is passed over.
    """
    earlier: dict[str | tuple[str, str], int] = {}
    # Few registrars and many lines: one copy of each will do.
    registrars: dict[str, str] = {}
    for record in records:
        cells = [cell.strip(EDGES) for cell in record.cells]
        if not any(cells) and not record.fault:
            continue
        values = dict(zip(names, cells, strict=False))
        judged = (
            record.fault
            or _fault_of_cells(cells, len(names))
            or _row(record.line, values, registrars)
        )
        if isinstance(judged, Row):
            judged = _repeated(judged, earlier) or judged
        if isinstance(judged, str):
            yield Rejected(
                line=record.line,
                reason=judged,
                email=shown(values.get("email", ""), longest=LONGEST_ADDRESS),
                external_id=shown(values.get("external_id", "")),
            )
        else:
            yield judged


def _fault_of_cells(cells: list[str], width: int) -> str:
    if len(cells) != width:
        return f"{len(cells)} cells where {width} are expected"
    if sum(map(len, cells)) > LONGEST_LINE:
        return "the line is too long"
    if any(UNTAKEN.search(cell) for cell in cells):
        return "a cell holds a line break or another control character"
    return ""


def _row(line: int, values: dict[str, str], registrars: dict[str, str]) -> Row | str:
    address = canonical(values["email"])
    if isinstance(address, AddressFault):
        why = _WHY[address]
        return f"« {shown(values['email'])} » is not an e-mail address: {why}"
    language = values.get("language", "").lower()
    if language not in ("", *LANGUAGES):
        return f"« {shown(language)} » is not a language: give fr, en or nothing"
    opens, ends = (_day(values.get(name, "")) for name in ("valid_from", "valid_until"))
    if isinstance(opens, str) or isinstance(ends, str):
        return opens if isinstance(opens, str) else str(ends)
    if opens is not None and ends is not None and ends < opens:
        return f"valid_until, {ends}, is before valid_from, {opens}"
    registrar = values.get("provisioned_by", "")
    return _fault_of_texts(values) or Row(
        line=line,
        address=address,
        display_name=values.get("display_name", ""),
        language=language,
        provisioned_by=registrars.setdefault(registrar, registrar),
        external_id=values.get("external_id", ""),
        valid_from=opens,
        valid_until=ends,
    )


def _fault_of_texts(values: dict[str, str]) -> str:
    for name, longest in (
        ("display_name", LONGEST_NAME),
        ("provisioned_by", LONGEST_REGISTRAR),
        ("external_id", LONGEST_EXTERNAL_ID),
    ):
        text = values.get(name, "")
        if len(text) > longest:
            return f"{name} has {len(text)} characters: {longest} at most"
        # Two ids that look the same must be the same.
        if name != "display_name" and not text.isprintable():
            return f"{name} holds a character that cannot be seen"
    return ""


# A file has many lines and few dates.
@lru_cache(maxsize=1_024)
def _day(text: str) -> date | str | None:
    """
    Return the day, None where the cell is empty, or why it is none.
    """
    if not text:
        return None
    if found := ISO_DATE.fullmatch(text):
        year, month, day = map(int, found.groups())
    elif found := FRENCH_DATE.fullmatch(text):
        day, month, year = map(int, found.groups())
    else:
        return f"« {shown(text)} » is not a date: give it as 2026-09-01 or 01/09/2026"
    if year not in YEARS:
        return f"« {text} » is too far away: leave the cell empty where there is no end"
    try:
        return date(year, month, day)
    except ValueError:
        return f"« {text} » is not a date: there is no such day"


def _repeated(row: Row, earlier: dict[str | tuple[str, str], int]) -> str:
    """
    Return what an earlier line has already, or nothing, and remember the row.
    """
    line = earlier.get(row.address)
    if line is not None:
        return f"line {line} has the same address"
    # An external id is its registrar's.
    theirs = (row.provisioned_by, row.external_id)
    line = earlier.get(theirs) if row.external_id else None
    if line is not None:
        return f"line {line} has the same external_id"
    earlier[row.address] = row.line
    if row.external_id:
        earlier[theirs] = row.line
    return ""

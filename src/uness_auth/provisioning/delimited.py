"""
CSV as spreadsheets really write it -> a table.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from ..errors import ConfigurationError
from .rows import Record, Table, shown, trimmed


SEPARATORS: Final = ";,\t"
# By the names that Python gives them; who says ISO 8859-1 means Windows.
ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "cp1252": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-15": "iso8859-15",
    "mac-roman": "mac-roman",
}
MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Excel writes rows by sixteen, and leaves the last columns out of those sixteen where
# none of them has anything there.
BLOCK: Final = 16

_LINE: Final = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++")
_TEXT: Final = re.compile(r'[^\s;,"]')
# Excel obeys this line, and does not show it.
_SEPARATOR: Final = re.compile(r'"?sep=([;,\t])"?(?:\r\n?|\n|\Z)', re.IGNORECASE)
_WAY_OUT: Final = "save the file as « CSV UTF-8 »"


def read_delimited(data: bytes, /, *, name: str, encoding: str = "") -> Table:
    """
    Read CSV whose separator, ``;``, ``,`` or TAB, its header row tells.

    Args:
        name: Of the file, for messages.

        encoding: One of `ENCODINGS`.  A mark at the beginning of the file wins.

    Raises:
        uness_auth.errors.ConfigurationError:
            The encoding is unknown or is not the file's, or the file holds a NUL.
            While the records are read: a quote does not end where its cell does.
    """
    text = _decoded(data, name, encoding)
    position = text.find("\0")
    if position >= 0:
        msg = f"{name}, line {_line_at(text, position)}: a NUL: {_WAY_OUT}"
        raise ConfigurationError(msg)
    records = _records(text, name)
    for line, cells in records:
        header = trimmed(cells)
        if header:
            return Table(
                header=header, line=line, records=_filled(records, line, len(header))
            )
    return Table(header=(), line=1, records=())


def _decoded(data: bytes, name: str, encoding: str) -> str:
    asked = _known_encoding(encoding) if encoding else "utf-8"
    for mark, found in MARKS.items():
        if data.startswith(mark):
            asked, data = found, data.removeprefix(mark)
    try:
        text = data.decode(asked)
    except UnicodeDecodeError as exc:
        line = _line_at(data[: exc.start].decode(asked), None)
        byte = f"byte 0x{data[exc.start]:02x}"
        way = "" if encoding else ", or say how it was saved: --encoding cp1252"
        msg = f"{name}, line {line}: {byte} is not {asked}: {_WAY_OUT}{way}"
        raise ConfigurationError(msg) from exc
    if encoding and asked in {"cp1252", "iso8859-15", "mac-roman"}:
        _check_not_utf_8(data, name, encoding)
    return text


def _known_encoding(encoding: str) -> str:
    try:
        return ENCODINGS[codecs.lookup(encoding).name]
    except (LookupError, ValueError) as exc:
        known = ", ".join(sorted(ENCODINGS))
        msg = f"encoding={encoding!r} is not one that is read: give one of {known}"
        raise ConfigurationError(msg) from exc


def _check_not_utf_8(data: bytes, name: str, encoding: str) -> None:
    # Every byte is a character in the old encodings, so a wrong one spoils every name
    # in silence; while a text of theirs with accents is next to never UTF-8.
    if data.isascii():
        return
    try:
        _ = data.decode("utf-8")
    except UnicodeDecodeError:
        return
    msg = f"{name} is UTF-8 and not {encoding}: leave the encoding out"
    raise ConfigurationError(msg)


def _line_at(text: str, position: int | None) -> int:
    """
    Return the number of the row in which *position* lies, or which follows *text*.
    """
    start, separator = _beginning(text)
    before = f"{text[start:position]}x"
    return sum(1 for _ in csv.reader(_lines(before, 0), delimiter=separator))


def _beginning(text: str) -> tuple[int, str]:
    """
    Return where the first row begins, and the separator.
    """
    said = _SEPARATOR.match(text)
    if said is not None:
        return said.end(), said[1]
    # The header row alone decides: guessing from the data takes a letter for one.
    first = _TEXT.search(text)
    lines = _LINE.finditer(text)
    header = next((one[0] for one in lines if first and first.start() < one.end()), "")
    return 0, max(SEPARATORS, key=header.count)


def _lines(text: str, start: int) -> Iterator[str]:
    # Not splitlines(), which also splits where no spreadsheet does; nor StringIO, which
    # keeps four bytes for each character.
    return (one[0] for one in _LINE.finditer(text, start))


def _records(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    start, separator = _beginning(text)
    # strict: a quote left open would otherwise swallow the lines behind it.
    rows = csv.reader(_lines(text, start), delimiter=separator, strict=True)
    line = 1
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as exc:
            # Nor can the lines behind it be trusted: what is a cell there and what is
            # a line depends on where the quote was meant to end.
            msg = (
                f"{name}, line {line}: a quote does not end where its cell does: close "
                f'it, and write a quote within a cell twice, "" ({shown(str(exc))})'
            )
            raise ConfigurationError(msg) from exc
        if cells is None:
            return
        yield line, cells
        line += 1


def _filled(
    records: Iterator[tuple[int, list[str]]], header: int, width: int
) -> Iterator[Record]:
    """
    Give the rows of a block back the cells that Excel left out of all of them.

    A single row that is short is another matter: a cell is missing somewhere.
    """
    for number, group in groupby(records, key=lambda one: (one[0] - 1) // BLOCK):
        block = list(group)
        widest = max(len(cells) for _, cells in block)
        # Beside the header row none is left out.
        is_left_out = number > (header - 1) // BLOCK
        for line, cells in block:
            # Empty ones that were once in use are no cells.
            kept = trimmed(cells) if len(cells) > width else cells
            is_short = len(cells) < width and not (is_left_out and len(cells) == widest)
            padding = [] if is_short else [""] * (width - len(kept))
            yield Record(line, kept + padding)

"""
A file of accounts in: UTF-8 CSV with a header row.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import attrs

from ..addresses import AddressFault, canonical
from ..errors import ConfigurationError
from ..model import LANGUAGES


COLUMNS: Final = ("email", "display_name", "language")
LONGEST_LINE: Final = 1_000
_WHY: Final = {
    AddressFault.EMPTY: "the cell is empty",
    AddressFault.INCOMPLETE: "the part before or after @ is missing or cut short",
    AddressFault.SEVERAL: "give one address per line",
    AddressFault.NOT_ALLOWED: "it holds a character that an address cannot have",
    AddressFault.TOO_LONG: "it is too long",
}


@attrs.frozen(kw_only=True)
class Row:
    """
    One account of the file.
    """

    line: int
    address: str
    display_name: str = ""
    language: str = ""


@attrs.frozen(kw_only=True)
class FileFault:
    """
    A line that is no account, and why, for the registrar's eyes.
    """

    line: int
    reason: str


Line: TypeAlias = Row | FileFault


class _Rows(Iterator[list[str]], Protocol):
    """
    What `csv.reader` returns.
    """

    @property
    def line_num(self) -> int: ...


def read_csv(path: Path, /) -> Iterator[Line]:
    """
    Read a file of accounts, line by line.

    The header row names the columns: ``email`` is required, ``display_name`` and
    ``language`` may be there.  The separator is the one the header row uses: ``;``,
    ``,`` or TAB.

    Raises:
        uness_auth.errors.ConfigurationError: The file is not UTF-8, or its header row
            is missing, has no ``email``, or names an unknown column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        msg = f"{path} cannot be read: {exc.strerror}"
        raise ConfigurationError(msg) from exc
    except UnicodeDecodeError as exc:
        msg = f"{path.name} is not UTF-8: save it as « CSV UTF-8 »"
        raise ConfigurationError(msg) from exc
    separator = _separator(text.partition("\n")[0])
    # strict: a quote left open would otherwise swallow the lines behind it.
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = next(rows, list[str]())
    except csv.Error as exc:
        msg = f"{path.name}, line 1: the columns cannot be read: {exc}"
        raise ConfigurationError(msg) from exc
    return _lines(rows, _checked_header(path.name, header))


def _lines(rows: _Rows, names: tuple[str, ...]) -> Iterator[Line]:
    while True:
        line = rows.line_num + 1
        try:
            cells = next(rows, None)
        except csv.Error as exc:
            yield FileFault(line=line, reason=f"the line cannot be read: {exc}")
            return
        if cells is None:
            return
        if cells:
            yield _row(line, names, cells)


def _separator(header: str) -> str:
    # The header row alone decides: guessing from the data takes a letter for one.
    return max(";,\t", key=header.count)


def _checked_header(name: str, cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell.strip(" \r").lower() for cell in cells)
    unknown = sorted(set(names) - set(COLUMNS))
    if "email" not in names or unknown or len(set(names)) < len(names):
        msg = (
            f"{name}, line 1: the columns are {', '.join(names) or 'missing'}: give "
            f"email, and display_name and language if you have them, each once"
        )
        raise ConfigurationError(msg)
    return names


def _row(line: int, names: tuple[str, ...], cells: list[str]) -> Line:
    if len(cells) != len(names):
        return FileFault(
            line=line, reason=f"{len(cells)} cells where {len(names)} are expected"
        )
    if sum(map(len, cells)) > LONGEST_LINE:
        return FileFault(line=line, reason="the line is too long")
    if any(unicodedata.category(mark) == "Cc" for cell in cells for mark in cell):
        return FileFault(line=line, reason="a cell holds a control character")
    values = dict(zip(names, (cell.strip(" ") for cell in cells), strict=True))
    address = canonical(values["email"])
    if isinstance(address, AddressFault):
        why = _WHY[address]
        reason = f"« {values['email']} » is not an e-mail address: {why}"
        return FileFault(line=line, reason=reason)
    language = values.get("language", "").lower()
    if language not in ("", *LANGUAGES):
        reason = f"« {language} » is not a language: give fr, en or nothing"
        return FileFault(line=line, reason=reason)
    return Row(
        line=line,
        address=address,
        display_name=values.get("display_name", ""),
        language=language,
    )

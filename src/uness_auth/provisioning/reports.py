"""
What became of each line, as CSV that opens in Excel and computes nothing there.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from typing import Final, TextIO

import attrs

from ..errors import ConfigurationError


COLUMNS: Final = ("line", "email", "external_id", "what", "reason")

# What begins a formula, in the widths that an Eastern Excel takes for the same; and what
# one may begin behind, once it is stripped.
FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u207a\u207c"
STRIPPED: Final = "\t\r\n\0"
# Where a cell may begin for whoever splits lines at something else than we do.
BORDERS: Final = f';,|"\uff1b\uff0c\uff02{STRIPPED}'
BLANKS: Final = " \u00a0\u202f\u3000"

_BEGINNING: Final = rf"(^|[{BORDERS}])([{BLANKS}]*)"
_DANGEROUS: Final = re.compile(rf"{_BEGINNING}('*)(?=[{FORMULA}{STRIPPED}])")
_ESCAPED: Final = re.compile(rf"{_BEGINNING}'('*)(?=[{FORMULA}{STRIPPED}])")


@attrs.frozen(kw_only=True)
class ReportRow:
    """
    What became of one line, or of one account that no line names.

    Attributes:
        line: Its number, as Excel shows it; 0 where the file has no such line.

        address: As typed where there is no account.

        what: ``created``, ``rejected`` …

        reason: Why, in words; empty where there is nothing to say.
    """

    line: int
    address: str
    external_id: str = ""
    what: str
    reason: str = ""


def write_report(
    rows: Iterable[ReportRow], file: TextIO | str | os.PathLike[str], /
) -> None:
    """
    Write a report that a French Excel opens with a double click.

    Semicolons, UTF-8 with its mark, CRLF; every cell in quotes, and none of them a
    formula: see `escaped`.

    Args:
        file:
            A stream of text, opened with ``newline=""``; or a path, and then what was
            there before is replaced, and nobody else may read it: it holds addresses.

    Raises:
        uness_auth.errors.ConfigurationError: The path cannot be written.
    """
    if isinstance(file, str | os.PathLike):
        try:
            with open(
                file,
                "w",
                encoding="utf-8",
                errors="replace",
                newline="",
                opener=_private,
            ) as opened:
                _write(rows, opened)
        except OSError as exc:
            msg = f"{os.fspath(file)} cannot be written: {exc.strerror}"
            raise ConfigurationError(msg) from exc
    else:
        _write(rows, file)


def escaped(text: str, /) -> str:
    """
    Return *text* with an apostrophe before whatever a spreadsheet would compute.

    That is ``=``, ``+``, ``-``, ``@``, their full-width forms, TAB, a line end or NUL,
    where a cell begins; and behind separators and quotes, where one would begin for
    somebody who splits the line otherwise.

    Source:
        OWASP, CSV Injection; ASVS 5.0, 1.2.10.
    """
    return _DANGEROUS.sub(r"\1\2'\3", text)


def unescaped(text: str, /) -> str:
    """
    Return what `escaped` was given.
    """
    return _ESCAPED.sub(r"\1\2\3", text)


def _write(rows: Iterable[ReportRow], file: TextIO) -> None:
    _ = file.write("\ufeff")
    writer = csv.writer(
        file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n"
    )
    writer.writerow(COLUMNS)
    for row in rows:
        texts = (row.address, row.external_id, row.what, row.reason)
        writer.writerow([row.line or "", *map(escaped, texts)])


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

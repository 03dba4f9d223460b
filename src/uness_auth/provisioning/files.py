"""
A file of accounts in: CSV or XLSX, with a header row.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from ..errors import ConfigurationError
from .delimited import read_delimited
from .rows import COLUMNS, EDGES, Line, Rejected, Row, Table, read_rows, shown
from .workbooks import is_workbook, read_workbook


__all__ = ["COLUMNS", "FileOfAccounts", "Line", "Rejected", "Row", "read_accounts"]

# A hundred thousand people, and what any of them has, are ten million bytes.
LARGEST_FILE: Final = 64 * 1024 * 1024
MOST_LINES: Final = 500_000


@attrs.frozen(kw_only=True)
class FileOfAccounts:
    """
    What a file of accounts holds.

    Attributes:
        columns:
            Those that the file has, of `COLUMNS`.  A column that is not there says
            nothing; an empty cell of one that is there says "nothing".

        lines: In the order of the file, those with nothing in them left out.
    """

    columns: frozenset[str]
    lines: Sequence[Line] = attrs.field(repr=False)


def read_accounts(
    path: str | os.PathLike[str], /, *, encoding: str = ""
) -> FileOfAccounts:
    """
    Read a file of accounts, all of it, before anything is done with any of it.

    Content tells CSV from XLSX, not the name.  The header row names the columns, in
    any order and in any case: ``email`` is required, the others of `COLUMNS` may be
    there.  A line that is no account is `Rejected` and stops no other.

    Args:
        encoding:
            Of CSV.  UTF-8 where it is left out, UTF-16 where the file begins with its
            mark; ``cp1252`` is what Excel calls « CSV » without UTF-8.

    Raises:
        uness_auth.errors.ConfigurationError:
            The file as a whole is none: it cannot be read, is too large, is neither
            CSV nor XLSX, its columns are missing, unknown or there twice, a quote is
            left open, bytes are none of the encoding, or XLSX's library is missing.
            The message names the file, the line, and the way out.
    """
    file = Path(path)
    data = _content(file)
    table = (
        read_workbook(data, name=file.name)
        if is_workbook(data)
        else read_delimited(data, name=file.name, encoding=encoding)
    )
    # The table has what it needs of it.
    del data
    names = _checked_header(file.name, table)
    lines = tuple(_bounded(file.name, read_rows(table.records, names)))
    return FileOfAccounts(columns=frozenset(names), lines=lines)


def _content(file: Path) -> bytes:
    try:
        # Asked before it is opened: opening a pipe waits for somebody to write.
        if not stat.S_ISREG(file.stat().st_mode):
            msg = f"{file} is not a file: give a CSV or XLSX file"
            raise ConfigurationError(msg)
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as exc:
        msg = f"{file} cannot be read: {getattr(exc, 'strerror', None) or exc}"
        raise ConfigurationError(msg) from exc
    if len(data) > LARGEST_FILE:
        most = LARGEST_FILE // 1024 // 1024
        msg = f"{file.name} is larger than {most} MiB: give it in parts"
        raise ConfigurationError(msg)
    return data


def _checked_header(name: str, table: Table) -> tuple[str, ...]:
    names = [cell.strip(EDGES).lower() for cell in table.header]
    unknown = sorted({f"« {shown(one)} »" for one in names if one not in COLUMNS})
    faults: list[str] = []
    if unknown:
        faults.append(f"nobody knows {', '.join(unknown)}")
    if len(set(names)) < len(names):
        faults.append("one is there twice")
    if "email" not in names:
        faults.append("email is not among them")
    if faults:
        there = ", ".join(map(shown, names)) or "missing"
        msg = (
            f"{name}, line {table.line}: the columns are {there}: "
            f"{'; '.join(faults)}: give email, and what you have of "
            f"{', '.join(COLUMNS[1:])}, each once, in the first line"
        )
        raise ConfigurationError(msg)
    return tuple(names)


def _bounded(name: str, lines: Iterator[Line]) -> Iterator[Line]:
    for line in lines:
        if line.line > MOST_LINES:
            msg = f"{name} has more than {MOST_LINES:,} lines: give it in parts"
            raise ConfigurationError(msg)
        yield line

"""
XLSX -> a table: the first sheet, through openpyxl.

openpyxl reads row by row, and its XML through defusedxml.  python-calamine is kept up
better and is faster, but makes room for the whole rectangle that cells span: a file of
one kilobyte with a cell in the last corner ends the process.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time
from itertools import repeat
from operator import is_
from typing import Any, Final, Protocol, TypeVar, cast

from ..errors import ConfigurationError
from .rows import Record, Table, shown, trimmed


T = TypeVar("T")

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
# What Office wrote before 2007, and what it puts around a file with a password.
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")

# A hundred thousand rows of seven cells are 60 MiB of XML.
LARGEST_CONTENT: Final = 128 * 1024 * 1024
MOST_MEMBERS: Final = 1_000
MOST_ROWS: Final = 1_048_576
# Sheets have 16,384 columns; what stands further to the right is not looked at.
WIDEST: Final = 32
# Excel keeps fifteen digits of a number, and noughts for the rest.
ROUNDED: Final = 10**15

# Elements and their ends that come without a row between them: 16,384 cells, or what
# stands below the last row; and before the first, where shared texts have no rows.
MOST_MARKS_BEHIND_A_ROW: Final = 400_000
MOST_MARKS: Final = 4_000_000

_ROW: Final = re.compile(rb"<(?:[^\s<>/:]+:)?row[\s/>]")
# UTF-8 with its mark or without, in the only encoding that Excel writes.
_UTF_8: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?!\?xml[^>]*encoding=.(?!(?i:utf-8)))"
)
_WIDE: Final = re.compile(rb"\s*(?:\xff\xfe|\xfe\xff|\0|<)")
_NOUGHTS: Final = re.compile("0+")
_TOO_MUCH: Final = "its XML has more elements than any sheet has"
_WAY_OUT: Final = "save it as « Classeur Excel (.xlsx) » or as « CSV UTF-8 »"


class _Cell(Protocol):
    """
    What openpyxl gives for a cell; of an empty one only the value counts.
    """

    @property
    def value(self) -> object: ...
    @property
    def data_type(self) -> str: ...
    @property
    def coordinate(self) -> str: ...
    @property
    def number_format(self) -> str: ...


def is_workbook(data: bytes, /) -> bool:
    """
    Say whether *data* begins as a spreadsheet program's own files do.
    """
    return data.startswith((*ZIP, OLE))


def read_workbook(data: bytes, /, *, name: str) -> Table:
    """
    Read the first sheet that is not hidden.

    A formula is refused, and its line with it, rather than taken for the value that is
    kept beside it: that may be of another day, come from another file, or not be there.

    Args:
        name: Of the file, for messages.

    Raises:
        uness_auth.errors.ConfigurationError:
            It is another kind of file, has a password, unpacks to more than 128 MiB, or
            is damaged; or the library is missing.  Some of that only shows while the
            records are read.
    """
    _check_kind(data, name)
    records = _records(data, name)
    for record in records:
        header = trimmed(record.cells)
        if header:
            return Table(
                header=header,
                line=record.line,
                records=(_fitted(one, len(header)) for one in records),
            )
    return Table(header=(), line=1, records=())


def _check_kind(data: bytes, name: str) -> None:
    if data.startswith(OLE):
        kind = "has a password" if ENCRYPTED in data else "is of Excel before 2007"
        msg = f"{name} {kind}: {_WAY_OUT}, without a password"
        raise ConfigurationError(msg)
    archive = _guarded(name, lambda: zipfile.ZipFile(io.BytesIO(data)))
    members = archive.infolist()
    names = {member.filename for member in members}
    if "[Content_Types].xml" not in names or "xl/workbook.bin" in names:
        # OpenDocument, a binary workbook, or whatever else is a ZIP.
        msg = f"{name} is not XLSX: {_WAY_OUT}"
        raise ConfigurationError(msg)
    # zipfile unpacks no more of a member than is declared here.
    size = sum(member.file_size for member in members)
    if size > LARGEST_CONTENT or len(members) > MOST_MEMBERS:
        msg = (
            f"{name} unpacks to {size // 1024 // 1024} MiB in {len(members)} parts: "
            f"give it in parts, or save it as « CSV UTF-8 »"
        )
        raise ConfigurationError(msg)
    for member in members:
        _guarded(name, lambda: _check_markup(archive.read(member)))  # noqa: B023 - called at once


def _check_markup(content: bytes) -> None:
    """
    Refuse XML of which openpyxl would make a thousand times as much.

    It keeps every element of a row until the row ends, and of a sheet something of each:
    a hundred kilobytes would take six gigabytes.
    """
    if not _UTF_8.match(content):
        if _WIDE.match(content):
            msg = "its XML is not in UTF-8"
            raise ValueError(msg)
        # Pictures and the like, which no parser of XML takes.
        return
    if b"<!" in content or content.rfind(b"<?") > content.find(b"<"):
        # What is in there would be counted, and is nothing that Excel writes.
        msg = "its XML has declarations, comments or instructions"
        raise ValueError(msg)
    place, most = 0, MOST_MARKS
    for number, row in enumerate(_ROW.finditer(content)):
        if number >= MOST_ROWS or content.count(b"<", place, row.start()) > most:
            raise ValueError(_TOO_MUCH)
        place, most = row.end(), MOST_MARKS_BEHIND_A_ROW
    if content.count(b"<", place) > most:
        raise ValueError(_TOO_MUCH)


def _guarded(name: str, step: Callable[[], T]) -> T:
    """
    Take one step of the library, whatever it makes of a hostile file.
    """
    try:
        with warnings.catch_warnings():
            # Of styles and rules that it does not know: nobody here does.
            warnings.simplefilter("ignore")
            return step()
    except ImportError as exc:
        msg = f"{name} is XLSX: pip install 'uness-auth[xlsx]', or save it as CSV UTF-8"
        raise ConfigurationError(msg) from exc
    except Exception as exc:
        # Of ZIP, compression, XML, numbers, or of what is not where it should be: there
        # is no list of what may come.
        said = shown(str(exc).partition("\n")[0])
        msg = f"{name} cannot be read ({said}): {_WAY_OUT}"
        raise ConfigurationError(msg) from exc


def _records(data: bytes, name: str) -> Iterator[Record]:
    records = _read(data)
    while (record := _guarded(name, lambda: next(records, None))) is not None:
        yield record


def _read(data: bytes) -> Iterator[Record]:
    # Imported here: they are of an extra, and take as long as the core.
    from openpyxl import DEFUSEDXML, load_workbook  # noqa: PLC0415 - see above
    from openpyxl.cell.read_only import EMPTY_CELL  # noqa: PLC0415 - see above

    if not DEFUSEDXML:
        msg = "without defusedxml, entities would be resolved"
        raise ImportError(msg)
    book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    # Any: its types know nothing of sheets that are only read.
    sheets = cast("list[Any]", book.worksheets)
    sheet = next(one for one in sheets if one.sheet_state == "visible")
    # What the file says of its size need not be so, and rows would be left out.
    sheet.reset_dimensions()
    rows: Iterable[tuple[_Cell, ...]] = sheet.iter_rows(
        min_row=1, max_row=MOST_ROWS, max_col=WIDEST
    )
    for line, cells in enumerate(rows, start=1):
        # Between two rows there may be a million that the file does not have.
        if not all(map(is_, cells, repeat(EMPTY_CELL))):
            fault = next((fault for cell in cells if (fault := _fault(cell))), "")
            yield Record(line, [_text(cell) for cell in cells], fault)


def _fitted(record: Record, width: int) -> Record:
    cells = trimmed(record.cells)
    cells.extend([""] * (width - len(cells)))
    return Record(record.line, cells, record.fault)


def _fault(cell: _Cell) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return f"{cell.coordinate} is a formula: copy the column, paste its values"
    if cell.data_type == "e":
        return f"{cell.coordinate} holds an error, {shown(str(value))}"
    if isinstance(value, int | float) and not abs(value) < ROUNDED:
        return (
            f"{cell.coordinate} is a number of more than 15 digits, which Excel rounds: "
            f"make the column one of text, and type it again"
        )
    return ""


def _text(cell: _Cell) -> str:
    """
    Return what Excel shows, as far as it shows what somebody typed.
    """
    value = cell.value
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time() else value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        # The format 00000 shows 123 as 00123.
        noughts = _NOUGHTS.fullmatch(cell.number_format)
        return f"{value:0{len(noughts[0]) if noughts else 1}}"
    return "" if value is None else str(value)

"""
Mails as files in a folder, for development.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import ClassVar, Final

import attrs

from ..errors import ConfigurationError, MailError
from ..wiring import utc_now


# One count for all mailers of the process: no two of them give the same name.
_NUMBERS: Final = itertools.count(1)


@attrs.frozen
class FileMailer:
    """
    Writes each mail into a file of its own, which any mail program opens.

    The names sort by time: ``20260729T101530Z-4711-0001.eml`` is the first mail of
    process 4711.  A file appears under its name when it is complete, and only its
    owner can read it.  Its first line, Delivered-To, names who gets the mail.

    Attributes:
        folder: Where to.  Made, for its owner alone, if it is not there.

        clock: Aware UTC, for the names.

    Raises:
        uness_auth.errors.ConfigurationError: The folder cannot be made.
    """

    for_development_only: ClassVar[bool] = True

    folder: Path = attrs.field(converter=Path)
    clock: Callable[[], datetime] = utc_now

    def __attrs_post_init__(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            msg = (
                f"FileMailer({str(self.folder)!r}) cannot be made: give a folder, or a "
                f"path where one may be made"
            )
            raise ConfigurationError(msg) from exc

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Write *message* into the folder.

        Raises:
            uness_auth.errors.MailError: The file could not be written.
        """
        name = f"{self.clock():%Y%m%dT%H%M%SZ}-{os.getpid()}-{next(_NUMBERS):04}"
        try:
            _write_whole(self.folder / f"{name}.eml", _delivered(message, to))
        except OSError as exc:
            msg = (
                f"the mail could not be written to {str(self.folder)!r}: {exc.strerror}"
            )
            raise MailError(msg) from exc


def _delivered(message: EmailMessage, to: str) -> bytes:
    return f"Delivered-To: {to}\r\n".encode() + message.as_bytes(policy=SMTP)


def _write_whole(path: Path, content: bytes) -> None:
    """
    Write the file beside its place, then move it there: nobody reads half a mail.
    """
    part = path.with_suffix(".part")
    try:
        with open(part, "xb", opener=_private) as file:
            _ = file.write(content)
        _ = part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

"""
Mails on the screen, for development.
"""

from __future__ import annotations

import sys
from email.message import EmailMessage
from typing import ClassVar, Final, TextIO

import attrs

from ..errors import MailError


_RULE: Final = "-" * 72


@attrs.frozen
class ConsoleMailer:
    """
    Prints each mail as a person would read it: decoded, and without its HTML part.

    Attributes:
        stream: Where to; by default wherever standard output goes at that moment.
    """

    for_development_only: ClassVar[bool] = True

    stream: TextIO | None = None

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Print *message*, its recipient first.

        Raises:
            uness_auth.errors.MailError: The stream is closed or full.
        """
        stream: TextIO = sys.stdout if self.stream is None else self.stream
        # One write, so that two mails at once do not mix.  A console that knows fewer
        # letters than French has shows a question mark for the others.
        encoding = getattr(stream, "encoding", None) or "utf-8"
        text = _readable(message, to).encode(encoding, "replace").decode(encoding)
        try:
            _ = stream.write(text)
            stream.flush()
        except (OSError, ValueError) as exc:
            msg = f"the mail could not be printed: {exc}"
            raise MailError(msg) from exc


def _readable(message: EmailMessage, to: str) -> str:
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body is not None else "(no text)\n"
    return f"{_RULE}\nTo: {to}\nSubject: {message['Subject']}\n\n{text}{_RULE}\n"

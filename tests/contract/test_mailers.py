"""
The mailers keep their contract, and so does the fake one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from uness_auth.mailers.console import ConsoleMailer
from uness_auth.mailers.file import FileMailer
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.testing import Outbox
from uness_auth.testing.contracts import MailerContract


def text_of(message: EmailMessage) -> str:
    """
    Return the text part, with the line ends of a text.
    """
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def parsed(content: bytes) -> EmailMessage:
    """
    Return the mail as a mail program reads it.
    """
    return message_from_bytes(content, policy=policy.default)


class TestOutbox(MailerContract):
    def make(self) -> Outbox:
        self.outbox = Outbox()
        return self.outbox

    def delivered(self) -> list[tuple[str, str]]:
        return [(to, text_of(message)) for to, message in self.outbox.messages]

    def make_unreachable(self) -> Outbox:
        outbox = self.make()
        outbox.is_down = True
        return outbox


class TestConsoleMailer(MailerContract):
    def make(self) -> ConsoleMailer:
        self.stream = io.StringIO()
        return ConsoleMailer(self.stream)

    def delivered(self) -> list[tuple[str, str]]:
        rule = "-" * 72 + "\n"
        return re.findall(
            rf"(?s){rule}To: ([^\n]*)\nSubject: [^\n]*\n\n(.*?){rule}",
            self.stream.getvalue(),
        )

    def make_unreachable(self) -> ConsoleMailer:
        mailer = self.make()
        self.stream.close()
        return mailer


class TestFileMailer(MailerContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "mails"

    def make(self) -> FileMailer:
        return FileMailer(self.folder)

    def delivered(self) -> list[tuple[str, str]]:
        mails = [parsed(one.read_bytes()) for one in sorted(self.folder.iterdir())]
        return [(str(mail["Delivered-To"]), text_of(mail)) for mail in mails]

    def make_unreachable(self) -> FileMailer:
        mailer = self.make()
        self.folder.rmdir()
        return mailer


class MailServer(Controller):
    """
    A mail server on a free port of this machine, which keeps what it gets.
    """

    server: Any

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        super().__init__(self, hostname="127.0.0.1", port=0)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """
        Keep the mail, once for each recipient.
        """
        text = text_of(parsed(envelope.content))
        self.mails += [(to, text) for to in envelope.rcpt_tos]
        return "250 kept"

    def _trigger_server(self) -> Any:
        # aiosmtpd believes that port 0 is its port.
        self.port = self.server.sockets[0].getsockname()[1]
        return super()._trigger_server()  # type: ignore[no-untyped-call] # aiosmtpd leaves it so


class TestSMTPMailer(MailerContract):
    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        self.server = MailServer()
        self.server.start()
        self.is_up = True
        yield
        if self.is_up:
            self.server.stop()

    def make(self) -> SMTPMailer:
        return SMTPMailer("127.0.0.1", port=self.server.port, security="none")

    def delivered(self) -> list[tuple[str, str]]:
        return self.server.mails

    def make_unreachable(self) -> SMTPMailer:
        self.server.stop()
        self.is_up = False
        return self.make()

"""
Mails on the screen.
"""

from __future__ import annotations

import io
from email.message import EmailMessage

import pytest

from uness_auth.errors import MailError
from uness_auth.mailers.console import ConsoleMailer
from uness_auth.ports import Mailer


TO = "camille@univ-exemple.fr"


class Counting(io.StringIO):
    """
    A stream that counts how often it is written to.
    """

    writes = 0

    def write(self, text: str, /) -> int:
        """
        Count.
        """
        self.writes += 1
        return super().write(text)


class TestSend:
    def test_prints_what_a_person_reads(
        self, mail: EmailMessage, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        Recipient, subject and text, decoded; the HTML part is left out.
        """
        port: Mailer = ConsoleMailer()
        port.send(mail, TO)
        printed = capsys.readouterr().out

        assert f"To: {TO}\nSubject: Créez votre mot de passe\n\nBonjour" in printed
        assert "\nhttps://portail.example.fr/auth/t0ken\n" in printed
        assert "<p>" not in printed

    def test_prints_to_any_stream(self, mail: EmailMessage) -> None:
        """
        Another stream than standard output can be given.
        """
        stream = io.StringIO()
        ConsoleMailer(stream).send(mail, TO)

        assert "Bonjour Éloïse" in stream.getvalue()

    def test_prints_in_one_piece(self, mail: EmailMessage) -> None:
        """
        A mail is one write, so that two at once do not mix.
        """
        stream = Counting()
        ConsoleMailer(stream).send(mail, TO)

        assert 1 == stream.writes

    def test_prints_what_the_console_knows(self, mail: EmailMessage) -> None:
        """
        A letter that the console does not have is a question mark, not a failure.
        """
        written = io.BytesIO()
        console = io.TextIOWrapper(written, encoding="ascii")
        ConsoleMailer(console).send(mail, TO)

        assert b"Bonjour ?lo?se" in written.getvalue()

    def test_prints_a_mail_without_text(self) -> None:
        """
        A mail that is HTML alone is announced all the same.
        """
        mail = EmailMessage()
        mail["Subject"] = "Bonjour"
        mail.set_content("<p>Bonjour</p>", subtype="html")
        stream = io.StringIO()
        ConsoleMailer(stream).send(mail, TO)

        assert "Subject: Bonjour\n\n(no text)\n" in stream.getvalue()

    def test_says_when_it_cannot(self, mail: EmailMessage) -> None:
        """
        A closed stream is a mail that was not sent.
        """
        stream = io.StringIO()
        stream.close()
        with pytest.raises(MailError, match="could not be printed"):
            ConsoleMailer(stream).send(mail, TO)

    def test_is_for_development_only(self) -> None:
        """
        A mail on a screen reaches nobody.
        """
        assert ConsoleMailer.for_development_only

"""
Mails as files.
"""

from __future__ import annotations

import os
import re
import stat
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from uness_auth.errors import ConfigurationError, MailError
from uness_auth.mailers.file import FileMailer
from uness_auth.ports import Mailer


TO = "camille@univ-exemple.fr"


def at(second: int = 30) -> datetime:
    """
    Return an instant.
    """
    return datetime(2026, 7, 29, 10, 15, second, tzinfo=UTC)


class TestSend:
    def test_writes_the_whole_mail(self, mail: EmailMessage, tmp_path: Path) -> None:
        """
        The file is the mail, with the recipient on its first line.
        """
        port: Mailer = FileMailer(tmp_path)
        port.send(mail, TO)
        (file,) = tmp_path.iterdir()
        written = message_from_bytes(file.read_bytes(), policy=policy.default)

        assert file.read_bytes().startswith(f"Delivered-To: {TO}\r\n".encode())
        assert mail["Subject"] == written["Subject"]
        assert b"\r\n\r\n" in file.read_bytes()
        assert ["text/plain", "text/html"] == [
            part.get_content_type() for part in written.iter_parts()
        ]

    def test_names_sort_by_time(self, mail: EmailMessage, tmp_path: Path) -> None:
        """
        Two mails of one second keep their order, and their names say when.
        """
        mailer = FileMailer(tmp_path, at)
        for to in ("a@x.fr", "b@x.fr"):
            mailer.send(mail, to)
        files = sorted(tmp_path.iterdir())
        name = rf"20260729T101530Z-{os.getpid()}-\d{{4,}}\.eml"

        assert all(re.fullmatch(name, one.name) for one in files)
        assert ["a@x.fr", "b@x.fr"] == [
            message_from_bytes(one.read_bytes())["Delivered-To"] for one in files
        ]

    def test_only_the_owner_reads_it(self, mail: EmailMessage, tmp_path: Path) -> None:
        """
        Links work: neither the folder nor a file is open to other users.
        """
        folder = tmp_path / "var" / "mails"
        FileMailer(folder).send(mail, TO)
        modes = [
            stat.S_IMODE(one.stat().st_mode) for one in (folder, *folder.iterdir())
        ]

        assert [0o700, 0o600] == modes

    def test_leaves_nothing_half_written(
        self, mail: EmailMessage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A mail that could not be written whole is no file at all, and told.
        """

        def refuse(_: Path, __: Path) -> Path:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", refuse)
        with pytest.raises(MailError, match="No space left"):
            FileMailer(tmp_path).send(mail, TO)

        assert [] == list(tmp_path.iterdir())

    def test_overwrites_nothing(self, mail: EmailMessage, tmp_path: Path) -> None:
        """
        A mailer made anew within the second does not take an earlier one's names.
        """
        for _ in range(2):
            FileMailer(tmp_path, at).send(mail, TO)

        assert 2 == len(list(tmp_path.iterdir()))


class TestSetUp:
    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        """
        A file where the folder should be is a fault of the set-up.
        """
        taken = tmp_path / "mails"
        taken.touch()
        with pytest.raises(ConfigurationError, match="cannot be made"):
            FileMailer(taken)

    def test_is_for_development_only(self) -> None:
        """
        A mail in a folder reaches nobody.
        """
        assert FileMailer.for_development_only

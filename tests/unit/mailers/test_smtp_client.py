from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest

from uness_auth.mailers.smtp_client import Deadline, SMTPClient


class TestDeadline:
    def test_is_one_answer_and_never_past_the_end(self) -> None:
        """
        The next wait is as long as one answer may take, or as what is left of all.
        """
        second = timedelta(seconds=1)

        assert 1 == Deadline(second, 60 * second).left()
        assert 1 >= Deadline(60 * second, second).left()


class TestSMTPClient:
    def test_says_so_when_it_is_not_connected(self, serve_mail: Any) -> None:
        """
        A closed connection is told as smtplib tells it.
        """
        server = serve_mail("none")
        deadline = Deadline(timedelta(seconds=10), timedelta(seconds=30))
        client = SMTPClient("127.0.0.1", server.port, deadline)
        client.close()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()

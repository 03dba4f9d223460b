"""
A mail server that keeps what it gets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class MailServer(Controller):
    """
    Listens on a port of its own of this machine.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        super().__init__(self, hostname="127.0.0.1", port=0)

    def _trigger_server(self) -> None:
        # aiosmtpd believes that port 0 is its port.
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # it has no types

    @property
    def url(self) -> str:
        """
        Where it listens.
        """
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """
        Answer to a mail.
        """
        return self.take(envelope.content)

    def take(self, content: bytes) -> str:
        """
        Keep the mail.
        """
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 kept"

    def link(self, address: str, /) -> str:
        """
        Return the last link mailed to *address*.
        """
        return self._last(address, r"https?://\S+/link/\S+")

    def code(self, address: str, /) -> str:
        """
        Return the last code mailed to *address*.
        """
        return self._last(address, r"(?m)^\d{6,8}(?=\r?$)")

    def _last(self, address: str, pattern: str) -> str:
        mine = [mail for mail in self.mails if mail["To"] == address]
        bodies = [mail.get_body(("plain",)) for mail in reversed(mine)]
        texts = [str(body.get_content()) for body in bodies if body is not None]
        return next(
            found.group() for text in texts if (found := re.search(pattern, text))
        )


@contextmanager
def running(server: MailServer) -> Iterator[MailServer]:
    """
    Let the server run until the end of the ``with`` block.
    """
    server.start()
    try:
        yield server
    finally:
        server.stop()

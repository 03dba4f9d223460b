"""
A mail server that keeps what it gets: real SMTP, and an inbox to look at.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from threading import Condition
from typing import Any

from aiosmtpd.controller import Controller


LINK = re.compile(r"https?://[^\s<>\"]+")
CODE = re.compile(r"^(\d{6,8})$", re.MULTILINE)
# What an inbox shows at most; the rest was long ago.
MOST = 200


class _Controller(Controller):
    """
    aiosmtpd's controller, which believes that port 0 is its port.
    """

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Catcher:
    """
    Listens on a loopback port of its own until it is closed.
    """

    def __init__(self) -> None:
        self._mails: list[EmailMessage] = []
        self._arrival = Condition()
        self._controller = _Controller(self, hostname="127.0.0.1", port=0)

    def start(self) -> Catcher:
        """
        Begin to listen.
        """
        self._controller.start()
        return self

    def close(self) -> None:
        """
        Stop listening.
        """
        self._controller.stop()

    @property
    def url(self) -> str:
        """
        Where it listens, ``smtp://127.0.0.1:PORT``.
        """
        return f"smtp://127.0.0.1:{self._controller.port}"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """
        Keep one mail, and print it.
        """
        mail = message_from_bytes(envelope.content, policy=policy.default)
        with self._arrival:
            self._mails = [*self._mails, mail][-MOST:]
            self._arrival.notify_all()
        print(f"\n--- mail to {mail['To']}: {mail['Subject']}\n{text_of(mail)}---\n")
        return "250 kept"

    def mails(self) -> list[EmailMessage]:
        """
        Return the mails, oldest first.
        """
        with self._arrival:
            return list(self._mails)

    def wait_for(self, count: int, /, *, seconds: float = 10) -> list[EmailMessage]:
        """
        Return the mails once there are *count* of them.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._mails) >= count, seconds):
                msg = f"{len(self._mails)} mails came, {count} were expected"
                raise TimeoutError(msg)
            return list(self._mails)

    def inbox(self) -> str:
        """
        Return the inbox as a page, the last mail first.
        """
        shown = "".join(map(_shown, reversed(self.mails())))
        return (
            '<!DOCTYPE html><html lang="fr"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>Boîte de réception</title><h1>Boîte de réception</h1>"
            "<p>Le serveur de messagerie de ce portail garde ici ce qu'il reçoit. "
            'Rechargez la page pour voir les nouveaux messages. <a href="/">Portail</a>'
            f"</p>{shown or '<p>Aucun message.</p>'}</html>"
        )


def text_of(mail: EmailMessage, /) -> str:
    """
    Return the text part of *mail*, with the line ends of a text.
    """
    body = mail.get_body(("plain",))
    lines = [] if body is None else str(body.get_content()).splitlines()
    return "".join(f"{line}\n" for line in lines)


def link_in(mail: EmailMessage, /) -> str:
    """
    Return the sign-in link of *mail*.
    """
    return next(url for url in LINK.findall(text_of(mail)) if "/link/" in url)


def code_in(mail: EmailMessage, /) -> str:
    """
    Return the code of *mail*.
    """
    found = CODE.search(text_of(mail))
    if found is None:
        msg = "this mail holds no code"
        raise LookupError(msg)
    return found.group()


def _shown(mail: EmailMessage) -> str:
    text = LINK.sub(
        lambda found: f'<a href="{found.group()}">{found.group()}</a>',
        escape(text_of(mail)),
    )
    return (
        f"<article><h2>{escape(str(mail['Subject']))}</h2>"
        f"<p>{escape(str(mail['Date']))} · {escape(str(mail['To']))}</p>"
        f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{text}</pre>'
        "</article><hr>"
    )

"""
Mails to send, and real mail servers to send them to.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from typing import Any, TypeAlias

import attrs
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


@pytest.fixture(name="mail")
def _mail() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Uness – portail <ne-pas-repondre@univ-exemple.fr>"
    message["To"] = "camille@univ-exemple.fr"
    message["Subject"] = "Créez votre mot de passe"
    message.set_content("Bonjour Éloïse,\n\n.\nhttps://portail.example.fr/auth/t0ken\n")
    message.add_alternative("<p>Bonjour Éloïse</p>\n", subtype="html")
    return message


@attrs.define
class Received:
    """
    What a mail server was told and given.
    """

    senders: list[str] = attrs.Factory(list)
    recipients: list[str] = attrs.Factory(list)
    mails: list[bytes] = attrs.Factory(list)
    users: list[str] = attrs.Factory(list)
    were_encrypted: list[bool] = attrs.Factory(list)
    greetings: list[str] = attrs.Factory(list)


class Handler:
    """
    Accepts mails, except from or to ``refused@…``, to ``bounceless@…`` or ``later@…``,
    and those of ``spam@…``.
    """

    def __init__(self) -> None:
        self.received = Received()

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, _envelope: Any, name: str, answers: list[str]
    ) -> list[str]:
        """
        Note how the client introduces itself.
        """
        session.host_name = name
        self.received.greetings.append(name)
        return answers

    async def handle_MAIL(  # noqa: N802
        self,
        _server: Any,
        _session: Any,
        envelope: Any,
        sender: str,
        options: list[str],
    ) -> str:
        """
        Refuse one sender.
        """
        if sender.startswith("refused@"):
            return "553 5.7.1 t0ken"
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, to: str, _options: list[str]
    ) -> str:
        """
        Refuse one recipient.
        """
        if to.startswith(("refused@", "bounceless@")):
            return "550 5.1.1 nobody of this name, t0ken"
        if to.startswith("later@"):
            return "451 try again"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """
        Keep the mail, or refuse it and quote it, as spam filters do.
        """
        if envelope.mail_from.startswith("spam@"):
            return "554 5.7.1 blocked: https://portail.example.fr/auth/t0ken"
        self.received.senders.append(envelope.mail_from)
        self.received.recipients.extend(envelope.rcpt_tos)
        self.received.mails.append(envelope.content)
        self.received.were_encrypted.append(
            server.transport.get_extra_info("sslcontext") is not None
        )
        return "250 kept"

    def authenticate(
        self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, auth: Any
    ) -> AuthResult:
        """
        Let in who knows the password.
        """
        assert isinstance(auth, LoginPassword)
        self.received.users.append(auth.login.decode())
        # Unhandled, or the client waits for an answer that never comes.
        return AuthResult(success=auth.password == b"S3cret!", handled=False)


class _SMTP(SMTP):
    """
    aiosmtpd's side of a dialogue, which notes over what it speaks.
    """

    def __init__(
        self, transports: list[asyncio.Transport], handler: Any, **options: Any
    ) -> None:
        super().__init__(handler, **options)
        self._transports = transports

    def connection_made(self, transport: Any) -> None:
        """
        Note the transport: at first the plain one, after STARTTLS the other.
        """
        self._transports.append(transport)
        super().connection_made(transport)


class _Controller(Controller):
    """
    aiosmtpd's controller, told that port 0 is not its port and to hang up at the end.
    """

    server: Any

    def __init__(self, handler: Handler, **options: Any) -> None:
        self._transports: list[asyncio.Transport] = []
        super().__init__(handler, hostname="127.0.0.1", port=0, **options)

    def factory(self) -> SMTP:
        """
        Speak to one client.
        """
        return _SMTP(self._transports, self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> Any:
        self.port = self.server.sockets[0].getsockname()[1]
        return super()._trigger_server()  # type: ignore[no-untyped-call] # aiosmtpd leaves it so

    def stop(self, no_assert: bool = False) -> None:
        """
        Close what clients left open, which would otherwise be reported as a leak.
        """
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result()
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        for transport in self._transports:
            transport.abort()
        for _ in range(4):
            await asyncio.sleep(0)


@attrs.frozen(kw_only=True)
class MailServer:
    """
    A mail server on loopback, and what it received.
    """

    port: int
    received: Received


ServeMail: TypeAlias = Callable[..., MailServer]


@pytest.fixture(name="authority", scope="session")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="trusting", scope="session")
def _trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(name="serve_mail")
def _serve_mail(authority: trustme.CA) -> Iterator[ServeMail]:
    """
    Start a mail server with ``security=`` "starttls", "tls" or "none".
    """
    with ExitStack() as stack:

        def serve(
            security: str = "starttls",
            *,
            names: tuple[str, ...] = ("localhost", "127.0.0.1"),
            needs_auth: bool = False,
            **options: Any,
        ) -> MailServer:
            certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*names).configure_cert(certified)
            if security == "starttls":
                options |= {"tls_context": certified, "require_starttls": True}
            if security == "tls":
                options |= {"ssl_context": certified, "auth_require_tls": False}
            handler = Handler()
            controller = _Controller(
                handler,
                authenticator=handler.authenticate,
                auth_required=needs_auth,
                **options,
            )
            controller.start()
            stack.callback(controller.stop)
            return MailServer(port=controller.port, received=handler.received)

        yield serve


@pytest.fixture(name="serve_script")
def _serve_script() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """
    Start a server that gives each connection to a function, and return its port.
    """
    with ExitStack() as stack:

        def serve(script: Callable[[socket.socket], None]) -> int:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept() -> None:
                while True:
                    try:
                        connection, _ = listening.accept()
                    except OSError:
                        return
                    with connection:
                        try:
                            script(connection)
                        except OSError:
                            # The client has had enough, which is what is tested.
                            continue

            thread = threading.Thread(target=accept)
            thread.start()

            def stop() -> None:
                listening.shutdown(socket.SHUT_RDWR)
                thread.join()

            stack.callback(stop)
            return int(listening.getsockname()[1])

        yield serve

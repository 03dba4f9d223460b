"""
Mail by SMTP: encrypted, verified, bounded in time, to one recipient.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Generator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import ClassVar, Final, Literal, Self, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

import attrs

from ..errors import ConfigurationError, MailError
from ..model import LARGEST_PORT, LOOPBACK_HOSTS
from ..ports import MailCheck
from . import smtp_check
from .smtp_client import Deadline, SMTPClient


Security: TypeAlias = Literal["starttls", "tls", "none"]

_PORTS: Final[dict[Security, int]] = {"starttls": 587, "tls": 465, "none": 25}
# One plain address: nothing that SMTP or a mail server could read as two, as a route
# or as an option.
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}"
)
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]+")
_EHLO_NAME: Final = re.compile(r"[A-Za-z0-9.-]+|\[[A-Za-z0-9.:]+\]")
# ASCII only, headers and all: a server need not know 8BITMIME or SMTPUTF8.
_WIRE: Final = SMTP.clone(cte_type="7bit")


@attrs.frozen
class SMTPMailer:
    """
    Hands each mail to a mail server, over a connection of its own.

    One connection for one mail: nothing is shared between threads, nothing goes stale
    between two mails, and a mail costs a handshake more, which a person who asked for
    one link does not notice.  The answer of the server is awaited: what `send` does
    not refuse, the server has accepted.

    Attributes:
        host: The mail server.  Its certificate has to be for this name.

        port: By default 587 with STARTTLS, 465 with TLS and 25 with neither.

        security:
            ``starttls`` asks for encryption first and refuses a server that has none.
            ``tls`` encrypts from the first byte.  ``none`` does not, and is for a
            server on this machine only.

        username, password: For a server that asks.  Never sent in clear.

        envelope_sender: Where bounces go; by default the address in From.

        ehlo_name: How this machine introduces itself; by default by its IP address.

        timeout: How long to wait to be connected, and for any one answer.

        total_timeout:
            How long a mail may take altogether, so that a server which drips one byte
            at a time does not hold a request.  The system's own search for the
            address of *host* comes on top: nothing can stop that.

        ssl_context: By default the system's authorities.  For one of your own give
            ``ssl.create_default_context(cafile=...)``.

    Raises:
        uness_auth.errors.ConfigurationError:
            If a mail or a password could be read on the way, or a field is malformed.

    Source:
        RFC 3207 and RFC 8314; `smtplib` verifies nothing unless given a context.
    """

    for_development_only: ClassVar[bool] = False

    host: str
    security: Security = attrs.field(default="starttls", kw_only=True)
    # After *security*, from which it takes its default.
    port: int = attrs.field(
        default=attrs.Factory(
            lambda self: _PORTS.get(self.security, 0), takes_self=True
        )
    )
    username: str = attrs.field(default="", kw_only=True)
    password: str = attrs.field(default="", kw_only=True, repr=False)
    envelope_sender: str = attrs.field(default="", kw_only=True)
    ehlo_name: str = attrs.field(default="", kw_only=True)
    timeout: timedelta = attrs.field(default=timedelta(seconds=10), kw_only=True)
    total_timeout: timedelta = attrs.field(default=timedelta(seconds=30), kw_only=True)
    ssl_context: ssl.SSLContext = attrs.field(
        factory=ssl.create_default_context, kw_only=True, repr=False
    )

    def __attrs_post_init__(self) -> None:
        _check_server(self)
        _check_credentials(self)
        _check_context(self.ssl_context)
        _check_times(self)

    @classmethod
    def from_url(cls, url: str, /) -> Self:
        """
        Read ``smtp://user:password@host:port`` or, for implicit TLS, ``smtps://…``.

        With ``smtp://`` the server must speak STARTTLS, unless it is on this machine
        and no user is given.  User and password are percent-encoded, the port may be
        left out.

        Raises:
            uness_auth.errors.ConfigurationError: Without the URL in it: by a slip of
                the pen the password can stand in any part.
        """
        parts, port = _split(url)
        host = parts.hostname or ""
        security: Security = "starttls"
        if parts.scheme == "smtps":
            security = "tls"
        elif host in LOOPBACK_HOSTS and parts.username is None:
            security = "none"
        return cls(
            host,
            _PORTS[security] if port is None else port,
            security=security,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Send *message* to the one address *to*, and to nobody else.

        The headers are not asked: who else stands in To or Cc gets nothing.

        Raises:
            uness_auth.errors.RecipientError: The server refused this address, or this
                mail to it.

            uness_auth.errors.MailError: The server could not be reached or refused.
                Names the server and its answer, ``550`` or ``550 5.1.1``.  Not its
                words, which may quote the mail, a link included.
        """
        sender = self.envelope_sender or _author(message)
        if not _ADDRESS.fullmatch(sender):
            msg = "the mail has no From that is one plain address: set Site(sender=)"
            raise MailError(msg)
        if not _ADDRESS.fullmatch(to):
            msg = "the recipient is not one plain address"
            raise MailError(msg)
        try:
            self._hand_over(message.as_bytes(policy=_WIRE), sender, to)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as exc:
            # Without the cause, which quotes the server.
            raise self._fault(exc) from None
        except (smtplib.SMTPException, OSError) as exc:
            raise self._fault(exc) from exc

    def check(self, sender: str, /) -> MailCheck:
        """
        Go as far as a mail from *sender* goes before there is a mail, and turn back.

        Connects, encrypts, signs in, names the sender, and asks whether the server
        would take a mail for that address, as a bounce is one.  Mails nothing.  Takes
        ten seconds at most, and no longer than a mail may take.

        Raises:
            uness_auth.errors.MailError: As `send` would.
        """
        hurried = attrs.evolve(
            self,
            timeout=min(self.timeout, smtp_check.LONGEST_CHECK),
            total_timeout=min(self.total_timeout, smtp_check.LONGEST_CHECK),
        )
        try:
            return hurried._ask(self.envelope_sender or sender)  # noqa: SLF001 - one of us
        except smtplib.SMTPResponseException as exc:
            raise self._fault(exc) from None
        except (smtplib.SMTPException, OSError) as exc:
            raise self._fault(exc) from exc

    def _ask(self, sender: str) -> MailCheck:
        with self._signed_in() as client:
            return smtp_check.ask(
                client,
                sender,
                server=self._name,
                is_local=self.host in LOOPBACK_HOSTS,
            )

    def _hand_over(self, mail: bytes, sender: str, to: str) -> None:
        with self._signed_in() as client:
            _ = client.sendmail(sender, [to], mail)

    @contextlib.contextmanager
    def _signed_in(self) -> Generator[SMTPClient]:
        with contextlib.closing(self._client()) as client:
            if self.security == "starttls":
                _ = client.starttls(context=self.ssl_context)
            if self.username:
                _ = client.login(self.username, self.password)
            yield client
            # A mail that was accepted is: a second attempt would mail it twice.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                _ = client.quit()

    def _client(self) -> SMTPClient:
        return SMTPClient(
            self.host,
            self.port,
            Deadline(self.timeout, self.total_timeout),
            ehlo_name=self.ehlo_name,
            tls=self.ssl_context if self.security == "tls" else None,
        )

    @property
    def _name(self) -> str:
        return f"{self.host}:{self.port}"

    def _fault(self, exc: Exception) -> MailError:
        return smtp_check.fault(exc, f"mail server {self._name}")


def _author(message: EmailMessage) -> str:
    """
    Return the one address in From; empty where there is none, or more than one.
    """
    match getattr(message["From"], "addresses", ()):
        case (one,):
            return str(one.addr_spec)
        case _:
            return ""


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _malformed_url() from None
    has_more = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or has_more:
        raise _malformed_url()
    return parts, port


def _malformed_url() -> ConfigurationError:
    return ConfigurationError(
        "the URL of the mail server is not smtp://user:password@host:port, or smtps:// "
        "for TLS from the first byte: percent-encode what is special in user and "
        "password, and leave out any path"
    )


def _check_server(mailer: SMTPMailer) -> None:
    if mailer.security not in _PORTS:
        msg = (
            f"SMTPMailer(security={mailer.security!r}): choose among {tuple(_PORTS)!r}"
        )
        raise ConfigurationError(msg)
    if not _HOST.fullmatch(mailer.host) or not 0 < mailer.port <= LARGEST_PORT:
        msg = (
            f"SMTPMailer(host={mailer.host!r}, port={mailer.port!r}): give the name of "
            f"a mail server and its port, usually 587"
        )
        raise ConfigurationError(msg)
    if mailer.security == "none" and mailer.host not in LOOPBACK_HOSTS:
        msg = (
            f'SMTPMailer(host={mailer.host!r}, security="none") would send links and '
            f'codes in clear: use "starttls" or "tls", or a mail server on localhost '
            f"that passes mails on encrypted"
        )
        raise ConfigurationError(msg)
    if mailer.ehlo_name and not _EHLO_NAME.fullmatch(mailer.ehlo_name):
        msg = (
            f"SMTPMailer(ehlo_name={mailer.ehlo_name!r}) is no host name: leave it out"
        )
        raise ConfigurationError(msg)
    if mailer.envelope_sender and not _ADDRESS.fullmatch(mailer.envelope_sender):
        msg = (
            f"SMTPMailer(envelope_sender={mailer.envelope_sender!r}) is not one plain "
            f"address: give it as bounces@univ-exemple.fr, without a name"
        )
        raise ConfigurationError(msg)


def _check_credentials(mailer: SMTPMailer) -> None:
    if bool(mailer.username) != bool(mailer.password):
        msg = "SMTPMailer(username=, password=): give both, or neither"
        raise ConfigurationError(msg)
    if mailer.username and mailer.security == "none":
        msg = (
            'SMTPMailer(security="none", username=...) would send the password in '
            'clear: use "starttls" or "tls", or leave out username and password'
        )
        raise ConfigurationError(msg)
    if not (mailer.username + mailer.password).isascii():
        # smtplib encodes them so, and would only say it with the first mail.
        msg = "SMTPMailer(username=, password=) are not ASCII: change them"
        raise ConfigurationError(msg)


def _check_context(context: ssl.SSLContext) -> None:
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        msg = (
            "SMTPMailer(ssl_context=) does not verify the server: for an authority of "
            "your own give ssl.create_default_context(cafile=...)"
        )
        raise ConfigurationError(msg)


def _check_times(mailer: SMTPMailer) -> None:
    if not timedelta(0) < mailer.timeout <= mailer.total_timeout:
        msg = (
            f"SMTPMailer(timeout={mailer.timeout}, total_timeout="
            f"{mailer.total_timeout}): make both positive and the total the longer"
        )
        raise ConfigurationError(msg)

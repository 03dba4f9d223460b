"""
What a mail server says before there is a mail, and its refusals in words.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from datetime import timedelta
from typing import Final

from ..ports import MailCheck


# Somebody waits for a check, and it sends next to nothing.
LONGEST_CHECK: Final = timedelta(seconds=10)
# Of a server's answers: yes, and from here on no for good.
_YES: Final = 250
_NO: Final = 500

_REFUSED: Final[dict[type[Exception], str]] = {
    smtplib.SMTPConnectError: "the connection",
    smtplib.SMTPHeloError: "the greeting",
    smtplib.SMTPAuthenticationError: "the user name or password",
    smtplib.SMTPSenderRefused: "the sender",
    smtplib.SMTPDataError: "the mail",
}


def ask(
    client: smtplib.SMTP, sender: str, /, *, server: str, is_local: bool
) -> MailCheck:
    """
    Name *sender* to a server that let us in, ask after it, and take both back.

    Raises:
        smtplib.SMTPSenderRefused: It takes no mail from that address.
    """
    _ = client.ehlo_or_helo_if_needed()  # type: ignore[func-returns-value]  # nothing
    code, words = client.mail(sender)
    if code != _YES:
        raise smtplib.SMTPSenderRefused(code, words, sender)
    code, _ = client.rcpt(sender)
    with contextlib.suppress(smtplib.SMTPException, OSError):
        _ = client.rset()
    return MailCheck(
        server=server,
        encryption=_encryption(client),
        is_local=is_local,
        takes_bounces=code < _NO,
    )


def in_words(exc: Exception, /) -> str:
    """
    Return what became of a mail: which step was refused, or what else went wrong.

    Of a refusal the three-digit answer alone: a server's words may quote the mail.
    """
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        ((code, _),) = exc.recipients.values()
        return f" refused the recipient: {code}"
    if isinstance(exc, smtplib.SMTPResponseException):
        return f" refused {_REFUSED.get(type(exc), 'to go on')}: {exc.smtp_code}"
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f": its certificate is not to be trusted: {exc.verify_message}"
    return f": {exc}"


def _encryption(client: smtplib.SMTP) -> str:
    sock = client.sock
    return (sock.version() or "") if isinstance(sock, ssl.SSLSocket) else ""

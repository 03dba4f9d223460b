"""
What a mail server says before there is a mail, and its refusals in words.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from datetime import timedelta
from typing import Final

from ..errors import MailError, RecipientError
from ..ports import MailCheck


# Somebody waits for a check, and it sends next to nothing.
LONGEST_CHECK: Final = timedelta(seconds=10)
# Of a server's answers: yes, and from here on no for good.
_YES: Final = 250
_NO: Final = 500

_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)", re.ASCII)
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


def fault(exc: Exception, server: str, /) -> MailError:
    """
    Return what became of a mail: which step *server* refused, or what else went wrong.

    Of a refusal the number, and the status code of RFC 3463 where one begins the
    server's words: ``550 5.1.1`` is a mailbox that there is not.  Not its words, which
    may quote the mail.  What it refuses of one address is told apart.
    """
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        # One mail has one recipient.
        ((code, words),) = exc.recipients.values()
        msg = f"{server} refused the recipient: {_answer(code, words)}"
        return RecipientError(msg, is_final=code >= _NO)
    if isinstance(exc, smtplib.SMTPResponseException):
        what = _REFUSED.get(type(exc), "to go on")
        msg = f"{server} refused {what}: {_answer(exc.smtp_code, exc.smtp_error)}"
        if isinstance(exc, smtplib.SMTPDataError):
            return RecipientError(msg, is_final=exc.smtp_code >= _NO)
        return MailError(msg)
    if isinstance(exc, ssl.SSLCertVerificationError):
        why = exc.verify_message
        return MailError(f"{server}: its certificate is not to be trusted: {why}")
    return MailError(f"{server}: {exc}")


def _answer(code: int, words: bytes | str) -> str:
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    status = _STATUS.match(text)
    return f"{code} {status[0]}" if status else str(code)


def _encryption(client: smtplib.SMTP) -> str:
    sock = client.sock
    return (sock.version() or "") if isinstance(sock, ssl.SSLSocket) else ""

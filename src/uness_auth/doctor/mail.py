"""
Whether a mail would leave: the server reached, encrypted, signed in, the sender taken.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import MailError
from ..ports import CheckedMailer, MailCheck
from ..wiring import UnessAuth
from .findings import Finding, note, ok, serious
from .stores import DEVELOPMENT


def check_sender(auth: UnessAuth, /) -> Iterator[Finding]:
    """
    Whether the mails come from an address that somebody chose.
    """
    if auth.site.sender or auth.site.is_loopback:
        yield ok("sender", auth.parts.sender)
        return
    yield note(
        "sender",
        f"the mails come from {auth.parts.sender}, which was made from the base URL",
        "filters look whether the domain of the sender lets this server send for it",
        "say Site(sender=), an address of a domain that names your mail server",
    )


def check_mail(auth: UnessAuth, /) -> Iterator[Finding]:
    """
    Ask the mail server all that comes before a mail, and mail nothing.
    """
    mailer = auth.parts.mailer
    name = type(mailer).__name__
    if getattr(mailer, DEVELOPMENT, False):
        yield note(
            "mail",
            f"{name} sends nothing",
            "nobody gets a link or a code",
            "give mailer=uness_auth.mailers.smtp.SMTPMailer.from_url(…)",
        )
        return
    try:
        found = (
            mailer.check(auth.parts.sender)
            if isinstance(mailer, CheckedMailer)
            else None
        )
    except MailError as exc:
        yield serious(
            "mail",
            str(exc),
            "no link and no code leaves: nobody gets a first password, nor in without",
            "see the name, port, user and password of the mail server, its "
            "certificate, and whether it lets this machine send as the sender",
        )
        return
    if found is None:
        yield note(
            "mail",
            f"{name} is no mail server that could be asked",
            "that mails leave was not checked",
            "ask for a link to an address of yours, and see that it comes",
        )
        return
    yield from _judged(found, auth.parts.sender)


def _judged(found: MailCheck, sender: str) -> Iterator[Finding]:
    if not found.encryption and not found.is_local:
        yield serious(
            "mail",
            f"{found.server} is spoken to in clear",
            "whoever listens on the way gets the links and codes, and the accounts",
            "encrypt: EMAIL_USE_TLS = True with port 587, or EMAIL_USE_SSL with 465",
        )
    else:
        way = found.encryption or "in clear, on this machine"
        yield ok("mail", f"{found.server} takes mails from {sender} ({way})")
    if not found.takes_bounces:
        yield note(
            "mail",
            f"{found.server} takes no mail for {sender}",
            "what cannot be delivered comes back there, and nobody would know; some "
            "filters ask, too",
            "make a mailbox of that name, or say SMTPMailer(envelope_sender=), one "
            "that somebody reads",
        )

"""
Mail through Django's own settings: whatever backend the project has.
"""

from __future__ import annotations

import contextlib
import smtplib
import warnings
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any, Final

import attrs
from django.conf import settings
from django.core import mail
from django.core.mail.backends import smtp

from ..errors import MailError
from ..mailers import smtp_check
from ..model import LOOPBACK_HOSTS
from ..ports import MailCheck


# Where no mail leaves the machine.  That of the tests has an outbox.
DEVELOPMENT: Final = ("console", "dummy", "filebased")
IN_MEMORY: Final = "locmem"
PREFIX: Final = "django.core.mail.backends."
# Django writes these itself, from what it is given.
WRITTEN_BY_DJANGO: Final = frozenset(
    {"from", "to", "subject", "mime-version", "content-type"}
    | {"content-transfer-encoding"}
)


@attrs.frozen
class DjangoMailer:
    """
    Hands mails to the mail backend of the project.
    """

    @property
    def for_development_only(self) -> bool:
        """
        Whether the backend sends nothing: console, file, dummy; memory outside tests.
        """
        name = backend_name().removeprefix(PREFIX).partition(".")[0]
        # Django's test runner makes the outbox before it runs anything.
        return name in DEVELOPMENT or (
            name == IN_MEMORY and not hasattr(mail, "outbox")
        )

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Send *message* to the one address *to*, and to nobody else.

        Raises:
            uness_auth.errors.RecipientError: Django's SMTP backend was told that this
                address, or this mail to it, is refused.

            uness_auth.errors.MailError: The backend failed.  Without its words, which
                may quote the mail, a link included.
        """
        try:
            count = _translated(message, to).send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as exc:
            raise smtp_check.fault(exc, f"the mail backend {backend_name()}") from None
        except Exception as exc:  # noqa: BLE001 - a backend raises whatever it likes
            msg = f"the mail backend {backend_name()} failed: {type(exc).__name__}"
            raise MailError(msg) from None
        if count == 0:
            msg = f"the mail backend {backend_name()} sent nothing"
            raise MailError(msg)

    def check(self, sender: str, /) -> MailCheck | None:
        """
        Do what comes before a mail from *sender*, and mail nothing.

        None where the backend is not Django's own for mail servers.

        Raises:
            uness_auth.errors.MailError: The server could not be reached or refused.
        """
        backend = _backend()
        if not isinstance(backend, smtp.EmailBackend):
            return None
        server = f"{backend.host}:{backend.port}"
        # Django waits without an end unless told otherwise.
        longest = smtp_check.LONGEST_CHECK.total_seconds()
        backend.timeout = min(backend.timeout or longest, longest)
        try:
            _ = backend.open()
            client: Any = backend.connection
            return smtp_check.ask(
                client,
                sender,
                server=server,
                is_local=backend.host in LOOPBACK_HOSTS,
            )
        except OSError as exc:
            # smtplib's own are of this kind.
            raise smtp_check.fault(exc, f"mail server {server}") from None
        finally:
            with contextlib.suppress(OSError):
                backend.close()


def _backend() -> Any:
    with warnings.catch_warnings():
        # From 6.1 on Django would rather be asked for one of several.
        warnings.simplefilter("ignore")
        return mail.get_connection()


def backend_name() -> str:
    """
    Return the dotted path of the project's mail backend.
    """
    # Django 6.1 names several.
    mailers: Mapping[str, Mapping[str, str]] = getattr(settings, "MAILERS", None) or {}
    if found := mailers.get("default", {}).get("BACKEND"):
        return found
    with warnings.catch_warnings():
        # From 6.1 on Django warns of a setting that the project may have all the same.
        warnings.simplefilter("ignore")
        return str(settings.EMAIL_BACKEND)


def _translated(message: EmailMessage, to: str) -> mail.EmailMultiAlternatives:
    # Backends that speak to a service, not to a server, read these fields.
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (str(body.get_content()) if body else "" for body in bodies)
    translated = mail.EmailMultiAlternatives(
        subject=str(message["Subject"]),
        body=text,
        from_email=str(message["From"]),
        to=[to],
        headers={
            name: str(value)
            for name, value in message.items()
            if name.lower() not in WRITTEN_BY_DJANGO
        },
    )
    if html:
        translated.attach_alternative(html, "text/html")
    return translated

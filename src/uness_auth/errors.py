"""
What a developer or an operator caused: exceptions, never shown to a visitor.
"""

from __future__ import annotations


class UnessAuthError(Exception):
    """
    Base of everything this library raises on its own account.
    """


class ConfigurationError(UnessAuthError):
    """
    The set-up is wrong or weak.

    Raised at start-up.  The message names what was given, what is wrong with it and
    every way out.
    """


class StorageError(UnessAuthError):
    """
    A store could not be reached, or broke its contract.

    The web layer answers 503 with Retry-After; nothing was decided.
    """


class HashingError(UnessAuthError):
    """
    A password could not be hashed: the machine has no memory left.

    The web layer answers 503 with Retry-After; nothing was set.
    """


class MailError(UnessAuthError):
    """
    A mail could not be handed over.

    The web layer answers 503 with Retry-After, and the mail budget is given back.
    """


class RecipientError(MailError):
    """
    The mail server takes no mail for this one address, or not this mail.

    Others it may take: whoever mails many goes on with the next.

    Attributes:
        is_final: Whether it said that trying again is of no use (5xx), and not that it
            may be tried again later (4xx).
    """

    def __init__(self, message: str = "", /, *, is_final: bool = True) -> None:
        super().__init__(message)
        self.is_final = is_final

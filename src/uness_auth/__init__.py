"""
uness-auth: the sign-in of the French digital university, for any Python web app.
"""

from __future__ import annotations

from .errors import (
    ConfigurationError,
    HashingError,
    MailError,
    RecipientError,
    StorageError,
    UnessAuthError,
)
from .model import Account, Site
from .policy import (
    AddressPolicy,
    Budget,
    CodePolicy,
    EventPolicy,
    HashingPolicy,
    LinkPolicy,
    PasswordPolicy,
    Policy,
    SessionPolicy,
    ThrottlePolicy,
)
from .ports import Stores
from .wiring import UnessAuth


__all__ = [
    "Account",
    "AddressPolicy",
    "Budget",
    "CodePolicy",
    "ConfigurationError",
    "EventPolicy",
    "HashingError",
    "HashingPolicy",
    "LinkPolicy",
    "MailError",
    "PasswordPolicy",
    "Policy",
    "RecipientError",
    "SessionPolicy",
    "Site",
    "StorageError",
    "Stores",
    "ThrottlePolicy",
    "UnessAuth",
    "UnessAuthError",
]

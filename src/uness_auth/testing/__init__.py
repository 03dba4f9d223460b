"""
The public test kit: fakes, contracts for stores, journeys for adapters.

Nothing in the library imports it.
"""

from __future__ import annotations

from ..storage.memory import MemoryStorage
from .browser import Browser, HtmlBrowser, Reply
from .clients import sign_in
from .contracts import (
    AccountsContract,
    BulkRegistryContract,
    CodeChallengesContract,
    CountersContract,
    EventsContract,
    JoinedSessionsContract,
    MailerContract,
    OrderQueueContract,
    PasswordHashingContract,
    RegistryContract,
    SessionListsContract,
    SessionsContract,
)
from .fakes import EventLog, FastHashing, FixedClock, Outbox, policy_without_waits
from .journeys import Journeys, Portal


__all__ = [
    "AccountsContract",
    "Browser",
    "BulkRegistryContract",
    "CodeChallengesContract",
    "CountersContract",
    "EventLog",
    "EventsContract",
    "FastHashing",
    "FixedClock",
    "HtmlBrowser",
    "JoinedSessionsContract",
    "Journeys",
    "MailerContract",
    "MemoryStorage",
    "OrderQueueContract",
    "Outbox",
    "PasswordHashingContract",
    "Portal",
    "RegistryContract",
    "Reply",
    "SessionListsContract",
    "SessionsContract",
    "policy_without_waits",
    "sign_in",
]

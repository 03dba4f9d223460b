"""
The stores keep every contract beside Django's own users, on each database.
"""

from __future__ import annotations

from tests.adapters.django import stores


NUMBERS = "keys of Django's users are numbers, and their hashes have 128 characters"


class TestAccounts(stores.DjangoAccountsContract):
    supports_any_text = NUMBERS


class TestRegistry(stores.DjangoRegistryContract):
    supports_any_text = NUMBERS


class TestCodeChallenges(stores.DjangoCodeChallengesContract):
    pass


class TestSessions(stores.DjangoSessionsContract):
    pass


class TestJoinedSessions(stores.DjangoJoinedSessionsContract):
    supports_any_text = NUMBERS


class TestSessionLists(stores.DjangoSessionListsContract):
    pass


class TestCounters(stores.DjangoCountersContract):
    pass


class TestEvents(stores.DjangoEventsContract):
    pass

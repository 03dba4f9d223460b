"""
Tables of the first release become today's, and every session is kept.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from django.core.management import call_command
from django.db import connections

from uness_auth.django.storage import DjangoStorage
from uness_auth.testing.contracts.accounts import ACCOUNT
from uness_auth.testing.contracts.sessions import SESSION


# What a process of the first release knows of `SESSION`.
KNOWN: Final = attrs.evolve(SESSION, authenticated_at=None, browser="", network="")
OPEN: Final = """
INSERT INTO uness_auth_sessionrow
(digest, account_id, credential_version, opened_at, last_seen_at, is_remembered)
VALUES (%s, %s, %s, %s, %s, %s)
"""


def migrate(using: str, *target: str) -> None:
    """
    Bring the tables to a migration, forth or back, or else to the last.
    """
    call_command("migrate", "uness_auth", *target, database=using, verbosity=0)


def open_as_before(using: str, digest: str) -> None:
    """
    Open a session as a process of the first release does.
    """
    row: list[Any] = [
        digest,
        SESSION.account_id,
        SESSION.credential_version,
        int(SESSION.opened_at.timestamp()),
        int(SESSION.last_seen_at.timestamp()),
        SESSION.is_remembered,
    ]
    with connections[using].cursor() as cursor:
        cursor.execute(OPEN, row)


class TestSecond:
    def test_sessions_are_kept(self, using: str) -> None:
        """
        Sessions of before go on, say nothing new, and are found by their account.
        """
        migrate(using, "0001")
        try:
            open_as_before(using, SESSION.digest)
        finally:
            migrate(using)

        lists = DjangoStorage(using).stores.session_lists
        assert lists is not None
        assert [KNOWN] == list(lists.of_account(SESSION.account_id, 10))

    def test_old_processes_go_on(self, using: str) -> None:
        """
        A process of the first release opens sessions in the new tables.
        """
        open_as_before(using, SESSION.digest)

        assert KNOWN == DjangoStorage(using).stores.sessions.by_digest(SESSION.digest)


class TestThird:
    def test_accounts_are_kept(self, using: str) -> None:
        """
        Accounts of before are of no registrar, and open on every day.
        """
        registry = DjangoStorage(using).stores.registry
        assert registry is not None
        before = attrs.evolve(
            ACCOUNT, provisioned_by="", valid_from=None, valid_until=None
        )
        _ = registry.apply([ACCOUNT])

        migrate(using, "0002")
        migrate(using)

        assert [before] == list(registry.page("", 10))


class TestModels:
    def test_each_change_has_its_migration(self) -> None:
        """
        Django finds nothing that a project would have to make migrations for.
        """
        call_command("makemigrations", "uness_auth", check=True, verbosity=0)

"""
A registrar's file makes users of a project, and changes them with their accounts.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth import get_user_model

from uness_auth import Site, UnessAuth
from uness_auth.django.storage import DjangoStorage
from uness_auth.provisioning import Difference, FileOfAccounts, Row
from uness_auth.provisioning.rows import COLUMNS
from uness_auth.testing import EventLog, FastHashing, Outbox


WHO = "scolarite"
User: Any = get_user_model()


def brought(using: str, log: EventLog, *rows: Row, **numbers: int) -> Difference:
    """
    Import these lines, and return what was done.
    """
    desk = UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=DjangoStorage(using).stores,
        mailer=Outbox(),
        hashing=FastHashing(),
        subscribers=[log],
    ).provisioning
    file = FileOfAccounts(columns=frozenset(COLUMNS), lines=rows)
    return desk.apply(desk.difference(file, by=WHO, **numbers))


def row(line: int, name: str, **more: Any) -> Row:
    """
    Return the line of somebody.
    """
    return Row(line=line, address=f"{name}@exemple.fr", external_id=f"{line}", **more)


class TestImport:
    def test_users_follow(self, using: str) -> None:
        """
        Made, changed, moved and closed: the user is what the account is, and events
        tell the numbers that the database gave.
        """
        log = EventLog()
        people = [row(2, "a"), row(3, "b"), row(4, "c", valid_until=date(2099, 8, 31))]

        assert 3 == brought(using, log, *people).counts["created"]
        assert {
            f"{key}" for key in User.objects.using(using).values_list("pk", flat=True)
        } == {event.account_id for event in log.events if event.account_id}
        done = brought(
            using,
            log,
            row(2, "a", display_name="Anne"),
            row(3, "new"),
            readdress=1,
            close_missing=1,
        )
        assert (1, 1, 1, 0) == tuple(
            done.counts[what]
            for what in ("updated", "readdressed", "closed", "rejected")
        )
        assert {
            ("a@exemple.fr", True),
            ("new@exemple.fr", True),
            ("c@exemple.fr", False),
        } == {*User.objects.using(using).values_list("email", "is_active")}
        assert 1 == brought(using, log, *people[2:]).counts["reopened"]

"""
A registrar's desk: files in, differences out.
"""

from __future__ import annotations

from typing import Any

import attrs

from uness_auth import Policy, Site, UnessAuth
from uness_auth.model import Account
from uness_auth.provisioning import (
    ChangeKind,
    Difference,
    FileOfAccounts,
    Provisioning,
    Rejected,
    Row,
)
from uness_auth.provisioning.rows import COLUMNS
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


WHO = "scolarite"
OTHERS = "CHU"


def row(line: int, name: str, **more: Any) -> Row:
    """
    Return the line of somebody at the usual place.
    """
    return Row(line=line, address=f"{name}@example.fr", **more)


def file(*lines: Row | Rejected, columns: Any = COLUMNS) -> FileOfAccounts:
    """
    Return a file with these lines, and all columns.
    """
    return FileOfAccounts(columns=frozenset(columns), lines=lines)


def reasons(difference: Difference) -> dict[int, str]:
    """
    Return why lines are rejected, by line.
    """
    return {one.line: one.reason for one in difference.rejected}


def counts(difference: Difference) -> dict[str, int]:
    """
    Return the counts that are not zero.
    """
    return {what: number for what, number in difference.counts.items() if number}


def lines(difference: Difference, kind: ChangeKind) -> list[int]:
    """
    Return the lines of the changes of one kind.
    """
    return [one.line for one in difference.of(kind)]


@attrs.define
class Desk:
    """
    A registrar's desk, on a site in memory.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    log: EventLog = attrs.field(factory=EventLog)
    outbox: Outbox = attrs.field(factory=Outbox)
    usual: Provisioning | None = attrs.field(default=None, init=False)

    def provisioning(
        self,
        registry: Any = None,
        accounts: Any = None,
        policy: Policy | None = None,
    ) -> Provisioning:
        """
        Wire it, over the given stores; once where none are given.
        """
        if (registry, accounts, policy) == (None, None, None):
            if self.usual is None:
                self.usual = self._wired(None, None, None)
            return self.usual
        return self._wired(registry, accounts, policy)

    def _wired(
        self, registry: Any, accounts: Any, policy: Policy | None
    ) -> Provisioning:
        auth = UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=attrs.evolve(
                self.storage.stores,
                registry=registry or self.storage.registry,
                accounts=accounts or self.storage.accounts,
            ),
            mailer=self.outbox,
            hashing=FastHashing(),
            subscribers=[self.log],
            policy=policy,
            clock=self.clock,
        )
        return auth.provisioning

    def bring(
        self, *rows: Row | Rejected, by: str = WHO, columns: Any = COLUMNS, **more: Any
    ) -> Difference:
        """
        Import a file, and return what was done.
        """
        provisioning = self.provisioning()
        found = provisioning.difference(file(*rows, columns=columns), by=by, **more)
        return provisioning.apply(found)

    def compare(
        self, *rows: Row | Rejected, by: str = WHO, columns: Any = COLUMNS, **more: Any
    ) -> Difference:
        """
        Return what a file would do.
        """
        return self.provisioning().difference(
            file(*rows, columns=columns), by=by, **more
        )

    def account(self, name: str) -> Account:
        """
        Return somebody's account, as it is.
        """
        account = self.storage.accounts.by_address(f"{name}@example.fr")
        assert account is not None
        return account

    def everybody(self) -> list[Account]:
        """
        Return all accounts.
        """
        return list(self.storage.registry.page("", 1_000))

    def give_password(self, name: str) -> None:
        """
        Let somebody have created a password.
        """
        account = self.account(name)
        assert self.storage.accounts.set_password(
            account.id, "clear:x", account.credential_version
        )

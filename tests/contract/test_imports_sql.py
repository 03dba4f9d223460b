"""
Imports into a real database: beside each other, killed in the middle, and gone on with.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import date
from typing import Final

import pytest

from uness_auth import Site, UnessAuth
from uness_auth.model import Client
from uness_auth.outcomes import SignedIn
from uness_auth.provisioning import Difference, FileOfAccounts, Provisioning, Row
from uness_auth.provisioning.rows import COLUMNS
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FastHashing, Outbox, policy_without_waits


WHO: Final = "scolarite"
MANY: Final = 1_200
FEW: Final = 120

# Each starts processes; what MariaDB does its own way, its contracts try.
on_two = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
PASSWORD: Final = "Cheval7+Agrafe"

# Imports so many people, says how far it is, and at the end what it did.
PROGRAM: Final = """
import json, sys
from tests.contract.test_imports_sql import WHO, people, registrars_desk
from uness_auth.storage.sql import SQLStorage

url, number, name = sys.argv[1:]
desk = registrars_desk(SQLStorage(url))
found = desk.difference(people(int(number), name), by=WHO)
print("ready", flush=True)
sys.stdin.readline()
done = desk.apply(found, on_progress=lambda count: print(count, flush=True))
print(json.dumps(dict(done.counts)), flush=True)
"""


def people(number: int, name: str = "") -> FileOfAccounts:
    """
    Return a file of so many, all of this name.
    """
    lines = [
        Row(
            line=line,
            address=f"p{line:05}@univ-exemple.fr",
            display_name=name,
            external_id=f"{line:05}",
            valid_until=date(2099, 8, 31),
        )
        for line in range(2, number + 2)
    ]
    return FileOfAccounts(columns=frozenset(COLUMNS), lines=lines)


def wired(storage: SQLStorage) -> UnessAuth:
    """
    Return a site on this storage.
    """
    return UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=storage.stores,
        mailer=Outbox(),
        hashing=FastHashing(),
        policy=policy_without_waits(),
    )


def registrars_desk(storage: SQLStorage) -> Provisioning:
    """
    Return where files are imported.
    """
    return wired(storage).provisioning


def brought(storage: SQLStorage, file: FileOfAccounts) -> Difference:
    """
    Import a file, and return what was done.
    """
    desk = registrars_desk(storage)
    return desk.apply(desk.difference(file, by=WHO))


def started(url: str, number: int, name: str = "") -> subprocess.Popen[str]:
    """
    Return a process that is ready to import.
    """
    process = subprocess.Popen(  # noqa: S603 - the interpreter that runs this test
        [sys.executable, "-c", PROGRAM, url, str(number), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(one for one in sys.path if one)},
    )
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    return process


def say_go(process: subprocess.Popen[str]) -> None:
    """
    Let it begin.
    """
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@on_two
class TestKilled:
    @pytest.mark.parametrize("is_update", [False, True])
    def test_and_gone_on_with(
        self, storage: SQLStorage, url: str, *, is_update: bool
    ) -> None:
        """
        What was written when it was killed is whole; the same file does the rest.
        """
        if is_update:
            brought(storage, people(MANY))
        with started(url, MANY, "New") as process:
            say_go(process)
            assert process.stdout is not None
            assert process.stdout.readline().strip().isdigit()
            process.send_signal(signal.SIGKILL)
        desk = registrars_desk(storage)
        left = desk.difference(people(MANY, "New"), by=WHO)

        assert MANY == sum(left.counts.values())
        assert 0 < left.unchanged
        done = desk.apply(left)
        assert (len(left.changes), 0) == (len(done.changes), len(done.rejected))
        again = desk.difference(people(MANY, "New"), by=WHO)
        assert (MANY, ()) == (again.unchanged, again.changes)
        registry = storage.stores.registry
        assert registry is not None
        assert MANY == len(registry.page("", MANY + 1))


@on_two
class TestBesideEachOther:
    def test_one_file_in_processes(self, storage: SQLStorage, url: str) -> None:
        """
        Of processes that import one file each account is made by one of them.
        """
        running = [started(url, FEW) for _ in range(2)]
        for process in running:
            say_go(process)
        counts = [
            json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
            for process in running
        ]

        assert FEW == sum(one["created"] for one in counts)
        assert [FEW] * 2 == [sum(one.values()) for one in counts]
        assert FEW == registrars_desk(storage).difference(people(FEW), by=WHO).unchanged

    def test_sign_ins_go_on(self, storage: SQLStorage, url: str) -> None:
        """
        Whoever signs in while a file changes everybody gets in.
        """
        brought(storage, people(MANY))
        auth = wired(storage)
        address = "p00002@univ-exemple.fr"
        account = storage.stores.accounts.by_address(address)
        assert account is not None
        assert storage.stores.accounts.set_password(
            account.id, FastHashing().hash(PASSWORD), account.credential_version
        )
        client = Client(network="192.0.2.1", browser_digest="b" * 64)
        answers = []
        with started(url, MANY, "New") as process:
            say_go(process)
            while process.poll() is None:
                answers.append(
                    auth.password_sign_in.sign_in(
                        address, PASSWORD, client, is_remembered=False
                    )
                )

        assert answers
        assert [] == [one for one in answers if not isinstance(one, SignedIn)]
        after = storage.stores.accounts.by_address(address)
        assert after is not None
        assert ("New", True) == (after.display_name, after.has_password)


class TestChains:
    def test_addresses_that_are_handed_on(self, storage: SQLStorage) -> None:
        """
        A chain of new addresses is written in the order in which they become free.
        """
        brought(storage, people(5))
        shifted = people(5)
        rows = [
            Row(line=one.line, address=f"p{one.line + 1:05}@univ-exemple.fr",
                external_id=f"{one.line:05}")
            for one in shifted.lines
        ]  # fmt: skip
        file = FileOfAccounts(columns=frozenset(["email", "external_id"]), lines=rows)
        with closing(storage):
            desk = registrars_desk(storage)
            done = desk.apply(desk.difference(file, by=WHO, readdress=5))

            assert (5, 0) == (done.counts["readdressed"], len(done.rejected))
            assert 5 == desk.difference(file, by=WHO).unchanged

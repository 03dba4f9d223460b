"""
An import beside the same rows written bare, on SQLite and PostgreSQL; what a hundred
thousand take; and what sign-ins notice of it.

Prints each figure beside its goal.  Ends with exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import create_engine, insert, select
from storage import Report

from uness_auth import Site, UnessAuth
from uness_auth.events import EventKind, masked_address
from uness_auth.model import Client
from uness_auth.outcomes import SignedIn
from uness_auth.provisioning import FileOfAccounts, Row
from uness_auth.storage.sql import SQLStorage
from uness_auth.storage.sql.schema import ACCOUNTS, EVENTS
from uness_auth.testing import FastHashing, Outbox, policy_without_waits


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.servers import fresh, postgresql
from tests.servers.server import Unavailable


# What is to be reached.
RATIO = 3.0
LONGEST = 60.0
MOST_MEMORY = 200.0
SLOWDOWN = 2.0

FEW = 10_000
WHO = "scolarite"
PASSWORD = "Cheval7+Agrafe"
QUIET = 8.0
MIB = 2**20
COLUMNS = frozenset({"email", "display_name", "external_id", "valid_until"})


@attrs.frozen(kw_only=True)
class Size:
    """
    How much is measured.
    """

    rounds: int
    rows: int


FULL = Size(rounds=7, rows=100_000)
QUICK = Size(rounds=3, rows=10_000)


def people(number: int, name: str = "Camille Durand") -> FileOfAccounts:
    """
    Return a file of so many.
    """
    lines = [
        Row(
            line=line,
            address=f"camille.durand.{line:07}@univ-exemple.fr",
            display_name=f"{name} {line}",
            external_id=f"{line:08}",
            valid_until=date(2099, 8, 31),
        )
        for line in range(2, number + 2)
    ]
    return FileOfAccounts(columns=COLUMNS, lines=lines)


def wired(storage: SQLStorage, *, is_quick: bool = True) -> UnessAuth:
    """
    Return a site on this storage; hashing left out, or as it is.
    """
    return UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=storage.stores,
        mailer=Outbox(),
        hashing=FastHashing() if is_quick else None,
        policy=policy_without_waits(),
    )


# --- Beside Core ------------------------------------------------------------------


def bare(url: str, file: FileOfAccounts, *, has_events: bool) -> float:
    """
    Write the same rows with SQLAlchemy Core, in one transaction; return the seconds.
    """
    engine = create_engine(url)
    now = datetime.now(UTC).replace(microsecond=0)
    with engine.begin() as connection:
        connection.execute(select(1))
    gc.collect()
    began = time.perf_counter()
    rows = [
        {
            "id": secrets.token_hex(16),
            "address": row.address,
            "credential_version": secrets.randbits(31),
            "created_at": now,
            "display_name": row.display_name,
            "language": "",
            "password_hash": "",
            "is_disabled": False,
            "is_password_suspended": False,
            "provisioned_by": WHO,
            "external_id": row.external_id,
            "valid_from": None,
            "valid_until": now,
        }
        for row in file.lines
        if isinstance(row, Row)
    ]
    events = [
        {
            **dict.fromkeys((one.name for one in EVENTS.c if one.name != "id"), ""),
            "kind": EventKind.ACCOUNT_CREATED.value,
            "at": now,
            "account_id": row["id"],
            "address": masked_address(str(row["address"])),
            "method": "import",
        }
        for row in rows
        if has_events
    ]
    with engine.begin() as connection:
        connection.execute(insert(ACCOUNTS), rows)
        if events:
            connection.execute(insert(EVENTS), events)
    seconds = time.perf_counter() - began
    engine.dispose()
    return seconds


def ours(url: str, file: FileOfAccounts, *, has_events: bool) -> float:
    """
    Import the file; return the seconds.
    """
    with closing(SQLStorage(url)) as storage:
        stores = storage.stores
        if not has_events:
            stores = attrs.evolve(stores, events=None)
        desk = UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=stores,
            mailer=Outbox(),
            hashing=FastHashing(),
            policy=policy_without_waits(),
        ).provisioning
        gc.collect()
        began = time.perf_counter()
        done = desk.apply(desk.difference(file, by=WHO))
        seconds = time.perf_counter() - began
    if done.counts["created"] != len(file.lines):
        raise AssertionError(done.counts)
    return seconds


Fresh = Callable[[], Any]


def show_beside_core(report: Report, name: str, database: Fresh, size: Size) -> None:
    """
    Print what an import costs, in times of the same rows written bare.
    """
    file = people(FEW)
    for has_events in (False, True):
        sides: list[list[float]] = [[], []]
        for number in range(size.rounds):
            turns = [(0, bare), (1, ours)] if number % 2 else [(1, ours), (0, bare)]
            for side, run in turns:
                with database() as url:
                    sides[side].append(run(url, file, has_events=has_events))
        ratios = [mine / theirs for theirs, mine in zip(*sides, strict=True)]
        theirs, mine = map(statistics.median, sides)
        what = "accounts and their events" if has_events else "accounts"
        report.line(
            f"{name}: {FEW:,} {what}",
            f"bare {theirs:6.3f} s  ours {mine:6.3f} s  ratio {mine / theirs:5.2f} "
            f"({min(ratios):.2f}-{max(ratios):.2f})",
            goal=f"{RATIO}",
            is_reached=mine / theirs <= RATIO,
        )


# --- A hundred thousand -------------------------------------------------------------


def resident() -> float:
    """
    Return the largest memory that this process ever held, in MiB.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / MIB


def import_here(url: str, number: int, name: str) -> None:
    """
    Import so many, and print the seconds, the memory and what was done.
    """
    with closing(SQLStorage(url)) as storage:
        desk = wired(storage).provisioning
        before = resident()
        began = time.perf_counter()
        done = desk.apply(desk.difference(people(number, name), by=WHO))
        seconds = time.perf_counter() - began
    counts = done.counts
    print(seconds, resident() - before, counts["created"] + counts["updated"])


def started(url: str, number: int, name: str) -> subprocess.Popen[str]:
    """
    Import so many in a process of its own, as the command does.
    """
    command = [sys.executable, __file__, "--import", url, str(number), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words


def sign_ins(auth: UnessAuth, until: Callable[[], bool]) -> list[float]:
    """
    Sign somebody in again and again; return how long each took.
    """
    client = Client(network="192.0.2.1", browser_digest="b" * 64)
    seconds = []
    while not until():
        began = time.perf_counter()
        outcome = auth.password_sign_in.sign_in(
            "camille@univ-exemple.fr", PASSWORD, client, is_remembered=False
        )
        seconds.append(time.perf_counter() - began)
        if not isinstance(outcome, SignedIn):
            raise AssertionError(outcome)  # noqa: TRY004 - nobody gave a type
        # A site is not one visitor after the other without a pause.
        time.sleep(0.05)
    return seconds


def p95(seconds: Sequence[float]) -> float:
    """
    Return what one in twenty exceeds.
    """
    return statistics.quantiles(seconds, n=20)[18]


def show_thousands(report: Report, name: str, url: str, size: Size) -> None:
    """
    Print what many rows take, made and then changed, and what sign-ins notice.
    """
    with closing(SQLStorage(url)) as storage:
        auth = wired(storage, is_quick=False)
        hasher = auth.password_link.hashing
        _ = auth.provisioning.add("camille@univ-exemple.fr")
        account = storage.stores.accounts.by_address("camille@univ-exemple.fr")
        if account is None:
            raise AssertionError
        _ = storage.stores.accounts.set_password(
            account.id, hasher.hash(PASSWORD), account.credential_version
        )
        over_at = time.perf_counter() + QUIET
        quiet = p95(sign_ins(auth, lambda: time.perf_counter() > over_at))
        for what, label in (("made", "Camille"), ("changed", "Dominique")):
            with started(url, size.rows, label) as process:
                beside = sign_ins(auth, lambda: process.poll() is not None)
                answer = process.stdout.read() if process.stdout else ""
            seconds, memory, done = map(float, answer.split())
            if int(done) != size.rows:
                raise AssertionError(answer)
            report.line(
                f"{name}: {size.rows:,} rows {what}",
                f"{seconds:6.1f} s  {memory:6.1f} MiB",
                goal=f"{LONGEST:.0f} s, {MOST_MEMORY:.0f} MiB",
                is_reached=seconds <= LONGEST and memory <= MOST_MEMORY,
            )
            report.line(
                f"{name}: sign-ins while they are {what}",
                f"p95 quiet {quiet * 1e3:6.1f} ms  beside {p95(beside) * 1e3:6.1f} ms  "
                f"ratio {p95(beside) / quiet:5.2f} ({len(beside)} sign-ins)",
                goal=f"{SLOWDOWN}",
                is_reached=p95(beside) <= SLOWDOWN * quiet,
            )


# --- The databases --------------------------------------------------------------------


@contextmanager
def sqlite_file() -> Iterator[str]:
    """
    Lend the URL of an SQLite file with the tables.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/portal.db"
        with closing(SQLStorage(url)) as storage:
            storage.create_schema()
        yield url


def on_server(server: str) -> Fresh:
    """
    Return what lends a database of this server, with the tables.
    """

    @contextmanager
    def database() -> Iterator[str]:
        with fresh.postgresql_database(server) as url:
            with closing(SQLStorage(url)) as storage:
                storage.create_schema()
            yield url

    return database


def main() -> int:
    """
    Measure all and print it; 1 where something was missed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rounds")
    parser.add_argument("--import", dest="imported", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.imported:
        url, number, name = chosen.imported
        import_here(url, int(number), name)
        return 0
    size = QUICK if chosen.quick else FULL
    report = Report()
    report.title("An import beside the same rows written bare")
    with ExitStack() as stack:
        databases: dict[str, Fresh] = {"SQLite": sqlite_file}
        try:
            server = stack.enter_context(fresh.existing_or_own(postgresql))
            databases["PostgreSQL"] = on_server(server)
        except Unavailable as missing:
            report.note(f"PostgreSQL is not here: {missing}")
        for name, database in databases.items():
            show_beside_core(report, name, database, size)
            with database() as url:
                show_thousands(report, name, url, size)
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())

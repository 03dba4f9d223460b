"""
The stores against the same SQL written bare, on every server found here.

Prints costs, round trips, the tail of a contended counter, and what a million rows
change; each beside its goal.  Ends with exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
from bare import Bare, BareRedis
from relay import Relay

from uness_auth import Site, UnessAuth
from uness_auth.keys import token_digest
from uness_auth.model import Account, Client, CodeChallenge, Session
from uness_auth.outcomes import Resumed, SignedIn
from uness_auth.ports import Accounts, Counters, Stores
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FastHashing, Outbox, policy_without_waits


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.servers import fresh, mariadb, postgresql, redis, valkey
from tests.servers.server import Unavailable


# What is to be reached.
COST = 1.5
TAIL = 3.0
GROWTH = 1.2
LONGEST_LOCK = 0.1

ACCOUNTS = 1_000
ATTEMPTS = 100_000_000
CLIENTS = 64
BATCH = 20
PURGE_LIMIT = 1_000
LEAST_ROUNDS = 15
LONGEST_COMPARISON = 12

PASSWORD = "Cheval7+Agrafe"
HASH = f"$argon2id$v=19$m=65536,t=3,p=4${'A' * 22}${'B' * 43}"
NOW = datetime.now(UTC).replace(microsecond=0)
CHALLENGE = "c" * 32
TOKEN = "t" * 43


@attrs.frozen(kw_only=True)
class Size:
    """
    How much is measured.

    Attributes:
        rounds: In which both sides take turns.

        adds: By each client in each round.

        rows: Of the large tables.
    """

    rounds: int
    adds: int
    add_rounds: int
    rows: int


FULL = Size(rounds=400, adds=20, add_rounds=7, rows=1_000_000)
QUICK = Size(rounds=80, adds=10, add_rounds=3, rows=50_000)


class Report:
    """
    Prints each figure beside its goal, and knows whether all were reached.
    """

    def __init__(self) -> None:
        self.is_reached = True

    def title(self, text: str) -> None:
        """
        Begin a part.
        """
        print(f"\n{text}", flush=True)

    def line(self, name: str, figures: str, *, goal: str, is_reached: bool) -> None:
        """
        Print a figure that has a goal.
        """
        self.is_reached &= is_reached
        said = "reached" if is_reached else "MISSED"
        print(f"  {name:40} {figures}  (goal {goal}: {said})", flush=True)

    def note(self, text: str) -> None:
        """
        Print what has no goal.
        """
        print(f"  {text}", flush=True)


def check(*, is_so: bool) -> None:
    """
    Measure nothing that does not do what it should.
    """
    if not is_so:
        raise AssertionError


# --- The rows -------------------------------------------------------------------


def account(number: int) -> Account:
    """
    Return one of the accounts.
    """
    return Account(
        id=f"account-{number:08}",
        address=address(number),
        credential_version=1,
        created_at=NOW,
        display_name="Camille Durand",
        language="fr",
        password_hash=HASH,
    )


def address(number: int) -> str:
    """
    Return the address of an account.
    """
    return f"camille.durand.{number:08}@univ-exemple.fr"


def session(number: int) -> Session:
    """
    Return the session of an account.
    """
    return Session(
        digest=token_digest(f"{number:08}"),
        account_id=f"account-{number:08}",
        credential_version=1,
        opened_at=NOW,
        last_seen_at=NOW,
    )


def fill(storage: SQLStorage) -> None:
    """
    Make the tables, with a thousand accounts, their sessions and one challenge.
    """
    storage.create_schema()
    stores = storage.stores
    registry = stores.registry
    if registry is None:
        raise AssertionError
    registry.apply([account(number) for number in range(ACCOUNTS + 1)])
    for number in range(ACCOUNTS):
        stores.sessions.add(session(number))
    # Of an account whose password nobody sets meanwhile.
    stores.sessions.add(attrs.evolve(session(ACCOUNTS), digest=token_digest(TOKEN)))
    stores.code_challenges.add(
        CodeChallenge(
            id=CHALLENGE,
            account_id="account-00000000",
            credential_version=1,
            key_id="1",
            browser_digest="b" * 64,
            sent_at=NOW,
            expires_at=NOW + timedelta(minutes=3),
            window_ends_at=NOW + timedelta(minutes=15),
            attempts_left=ATTEMPTS,
        )
    )


# --- Costs ----------------------------------------------------------------------


@attrs.frozen
class Cost:
    """
    Medians of one call, in seconds, and how far the ratios of the rounds lie apart.
    """

    bare: float
    ours: float
    bare_cpu: float
    ours_cpu: float
    quartiles: tuple[float, float]

    @property
    def ratio(self) -> float:
        """
        How many times the bare cost ours is.
        """
        return self.ours / self.bare


Call = Callable[[int], object]


def compare(bare: Call, ours: Call, rounds: int) -> Cost:
    """
    Let both take turns, each *BATCH* calls at a time.

    Each call is timed by itself: where others load the machine, a few calls wait for
    the processor, and the median passes over them.
    """
    walls: tuple[list[list[float]], list[list[float]]] = ([], [])
    cpu: tuple[list[float], list[float]] = ([], [])
    numbers = itertools.count()
    # A disk that syncs slowly would take minutes.
    give_up_at = time.perf_counter() + LONGEST_COMPARISON
    gc.collect()
    gc.disable()
    for number in range(rounds + 2):
        if number > LEAST_ROUNDS and time.perf_counter() > give_up_at:
            break
        # Neither always comes first.
        turns = [(0, bare), (1, ours)] if number % 2 else [(1, ours), (0, bare)]
        for side, call in turns:
            work = [next(numbers) % ACCOUNTS for _ in range(BATCH)]
            seconds = []
            cpu_began = time.process_time()
            for one in work:
                began = time.perf_counter()
                call(one)
                seconds.append(time.perf_counter() - began)
            cpu_seconds = time.process_time() - cpu_began
            # The first rounds warm caches up.
            if number >= 2:  # noqa: PLR2004 - two rounds
                walls[side].append(seconds)
                cpu[side].append(cpu_seconds / BATCH)
    gc.enable()
    ratios = [
        statistics.median(ours) / statistics.median(bare)
        for bare, ours in zip(*walls, strict=True)
    ]
    low, _, high = statistics.quantiles(ratios, n=4)
    bare_wall, our_wall = (
        statistics.median(itertools.chain.from_iterable(found)) for found in walls
    )
    bare_cpu, our_cpu = map(statistics.median, cpu)
    return Cost(bare_wall, our_wall, bare_cpu, our_cpu, (low, high))


def operations(bare: Bare, stores: Stores) -> dict[str, tuple[Call, Call]]:
    """
    Return what is compared: by name, bare and ours.
    """
    digests = [session(number).digest for number in range(ACCOUNTS)]
    # Each account's version as it is; both sides move it.
    versions = [1] * ACCOUNTS

    def setter(side: Bare | Accounts) -> Call:
        def set_one(number: int) -> None:
            done = side.set_password(f"account-{number:08}", HASH, versions[number])
            check(is_so=done)
            versions[number] += 1

        return set_one

    sessions: Any = stores.sessions
    return {
        "account look-up": (
            lambda number: bare.by_address(address(number)),
            lambda number: stores.accounts.by_address(address(number)),
        ),
        "session look-up, joined": (
            lambda number: bare.with_account(digests[number]),
            lambda number: sessions.with_account(digests[number]),
        ),
        "setting a password": (setter(bare), setter(stores.accounts)),
        "spending an attempt": (
            lambda _number: bare.spend_attempt(CHALLENGE),
            lambda _number: stores.code_challenges.spend_attempt(CHALLENGE),
        ),
    }


def of_a_record() -> float:
    """
    Return the seconds that the record of an account takes, which the bare side has not.
    """
    seconds = []
    values = attrs.asdict(account(0)) | {"created_at": NOW}
    instant = int(NOW.timestamp())
    for _ in range(50):
        began = time.perf_counter()
        for _ in range(BATCH):
            values["created_at"] = datetime.fromtimestamp(instant, UTC)
            Account(**values)
        seconds.append((time.perf_counter() - began) / BATCH)
    return statistics.median(seconds)


def show_costs(report: Report, name: str, url: str, size: Size) -> None:
    """
    Print the cost of each operation on one database.
    """
    report.title(f"{name}: one call, median of up to {size.rounds} rounds of {BATCH}")
    with closing(SQLStorage(url)) as storage, closing(Bare(url)) as bare:
        fill(storage)
        report.note(
            f"of a look-up of ours, {of_a_record() * 1e6:.1f} us make the record of an "
            f"account; bare it is the driver's row"
        )
        for operation, (theirs, ours) in operations(bare, storage.stores).items():
            cost = compare(theirs, ours, size.rounds)
            low, high = cost.quartiles
            report.line(
                operation,
                f"bare {cost.bare * 1e6:7.1f} us  ours {cost.ours * 1e6:7.1f} us  "
                f"ratio {cost.ratio:5.2f} ({low:.2f}-{high:.2f})  "
                f"CPU {cost.bare_cpu * 1e6:6.1f} -> {cost.ours_cpu * 1e6:6.1f} us "
                f"x{cost.ours_cpu / cost.bare_cpu:4.2f}",
                goal=f"{COST}",
                is_reached=cost.ratio <= COST,
            )


# --- Round trips ----------------------------------------------------------------


def show_round_trips(report: Report, name: str, url: str) -> None:
    """
    Print how often each operation waits for the server, counted on the line.
    """
    port = int(url.rpartition(":")[2].partition("/")[0])
    with Relay(port) as relay, ExitStack() as stack:
        through = url.replace(f":{port}/", f":{relay.port}/")
        here, beside = SQLStorage(through), SQLStorage(through)
        stack.callback(here.close)
        stack.callback(beside.close)
        stores = here.stores
        apart = attrs.evolve(stores, accounts=beside.stores.accounts)
        sessions: Any = stores.sessions
        joined, two = wired(stores), wired(apart)
        calls: dict[str, tuple[Callable[[], object], int]] = {
            "account look-up": (lambda: stores.accounts.by_address(address(1)), 1),
            "session look-up, joined": (
                lambda: sessions.with_account(session(1).digest),
                1,
            ),
            "setting a password": (
                lambda: stores.accounts.set_password("account-00000001", HASH, 0),
                1,
            ),
            "spending an attempt": (
                lambda: stores.code_challenges.spend_attempt(CHALLENGE),
                2 if name == "MariaDB" else 1,
            ),
            "session request": (lambda: joined.sessions.resume(TOKEN), 1),
            "session request, stores apart": (lambda: two.sessions.resume(TOKEN), 2),
        }
        for operation, (call, most) in calls.items():
            call()
            before = relay.round_trips
            call()
            found = relay.round_trips - before
            report.line(
                operation,
                f"round trips {found}",
                goal=str(most),
                is_reached=found <= most,
            )
        for site in (joined, two):
            check(is_so=isinstance(site.sessions.resume(TOKEN), Resumed))


def wired(stores: Stores) -> UnessAuth:
    """
    Return a site on these stores, hashing and waits left out.
    """
    return UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=stores,
        mailer=Outbox(),
        hashing=FastHashing(),
        policy=policy_without_waits(),
    )


# --- A contended counter --------------------------------------------------------


Add = Callable[[], object]


def storm(clients: Sequence[Add], adds: int) -> list[float]:
    """
    Let each client add so often, all at once; return how long each add took.
    """
    start = threading.Barrier(len(clients))

    def work(add: Add) -> list[float]:
        start.wait()
        seconds = []
        for _ in range(adds):
            began = time.perf_counter()
            add()
            seconds.append(time.perf_counter() - began)
        return seconds

    with ThreadPoolExecutor(len(clients)) as pool:
        return [one for found in pool.map(work, clients) for one in found]


def p99(seconds: Sequence[float]) -> float:
    """
    Return what one in a hundred exceeds.
    """
    return statistics.quantiles(seconds, n=100)[98]


def show_tail(
    report: Report,
    name: str,
    counters: Counters,
    connect: Callable[[], Bare | BareRedis],
    size: Size,
    *,
    has_goal: bool = True,
) -> None:
    """
    Print the 99th percentile of adds to one key by many clients at once.
    """
    key = "k" * 64
    ends_at = NOW + timedelta(hours=1)
    ends = int(ends_at.timestamp())
    with ExitStack() as stack:
        open_ones = [stack.enter_context(closing(connect())) for _ in range(CLIENTS)]
        bare: list[Add] = [
            lambda one=one: one.add("b" * 64, 1, ends) for one in open_ones
        ]
        ours: list[Add] = [lambda: counters.add(key, 1, ends_at)] * CLIENTS
        tails: tuple[list[float], list[float]] = ([], [])
        for number in range(size.add_rounds + 1):
            turns = [(0, bare), (1, ours)] if number % 2 else [(1, ours), (0, bare)]
            for side, clients in turns:
                tail = p99(storm(clients, size.adds))
                if number:
                    tails[side].append(tail)
    counted = counters.add(key, 0, ends_at)
    check(is_so=counted == CLIENTS * size.adds * (size.add_rounds + 1))
    bare_tail, our_tail = map(statistics.median, tails)
    ratio = our_tail / bare_tail
    figures = (
        f"bare p99 {bare_tail * 1e3:7.1f} ms  ours p99 {our_tail * 1e3:7.1f} ms  "
        f"ratio {ratio:5.2f}"
    )
    if has_goal:
        report.line(name, figures, goal=f"{TAIL}", is_reached=ratio <= TAIL)
    else:
        report.note(f"{name:40} {figures}  (no goal: one writer at a time)")


# --- A million rows -------------------------------------------------------------


LOAD_ACCOUNTS = """
INSERT INTO uness_auth_accounts
SELECT 'account-' || lpad(n::text, 8, '0'),
       'camille.durand.' || lpad(n::text, 8, '0') || '@univ-exemple.fr',
       1, %(now)s, 'Camille Durand', 'fr', %(hash)s, false, false
FROM generate_series(0, %(rows)s - 1) AS n
"""
LOAD_SESSIONS = """
INSERT INTO uness_auth_sessions
SELECT encode(sha256((%(salt)s || lpad(n::text, 8, '0'))::bytea), 'hex'),
       'account-' || lpad(n::text, 8, '0'), 1, %(seen)s, %(seen)s, false
FROM generate_series(0, %(rows)s - 1) AS n
"""


def load(url: str, rows: int) -> None:
    """
    Make the tables and as many accounts and sessions, by the server itself.
    """
    with closing(SQLStorage(url)) as storage:
        storage.create_schema()
    now = int(NOW.timestamp())
    with closing(Bare(url)) as bare:
        run = bare.connection.execute
        run(LOAD_ACCOUNTS, {"now": now, "hash": HASH, "rows": rows})
        run(LOAD_SESSIONS, {"salt": "", "seen": now, "rows": rows})
        run("VACUUM ANALYZE")


def show_growth(report: Report, small: str, large: str, size: Size) -> None:
    """
    Print look-ups among many rows beside the same among a thousand.
    """
    pick = random.Random(1).randrange  # noqa: S311 - no secret
    with closing(SQLStorage(small)) as few, closing(SQLStorage(large)) as many:
        few_sessions: Any = few.stores.sessions
        many_sessions: Any = many.stores.sessions
        anywhere = [pick(size.rows) for _ in range(ACCOUNTS)]
        digests = [session(number).digest for number in range(ACCOUNTS)]
        far_digests = [session(number).digest for number in anywhere]
        calls: dict[str, tuple[Call, Call]] = {
            "account by address": (
                lambda number: few.stores.accounts.by_address(address(number)),
                lambda number: many.stores.accounts.by_address(
                    address(anywhere[number])
                ),
            ),
            "account by id": (
                lambda number: few.stores.accounts.by_id(account(number).id),
                lambda number: many.stores.accounts.by_id(account(anywhere[number]).id),
            ),
            "session, joined": (
                lambda number: few_sessions.with_account(digests[number]),
                lambda number: many_sessions.with_account(far_digests[number]),
            ),
        }
        for name, (among_few, among_many) in calls.items():
            check(is_so=among_few(0) is not None and among_many(0) is not None)
            cost = compare(among_few, among_many, size.rounds)
            low, high = cost.quartiles
            report.line(
                name,
                f"{ACCOUNTS:,} rows {cost.bare * 1e6:7.1f} us  {size.rows:,} rows "
                f"{cost.ours * 1e6:7.1f} us  ratio {cost.ratio:5.2f} "
                f"({low:.2f}-{high:.2f})",
                goal=f"{GROWTH}",
                is_reached=cost.ratio <= GROWTH,
            )


def show_purge(report: Report, url: str, size: Size) -> None:
    """
    Print what it takes to purge as many sessions, and what sign-ins notice of it.
    """
    long_ago = NOW - timedelta(days=400)
    with closing(Bare(url)) as bare:
        values = {"seen": int(long_ago.timestamp()), "rows": size.rows}
        bare.connection.execute(LOAD_SESSIONS, {"salt": "old ", **values})
    with closing(SQLStorage(url)) as storage:
        auth = wired(storage.stores)
        prepare_sign_in(storage)
        alone = sign_ins(auth, until=after(3))
        is_over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(sign_ins, auth, until=is_over.is_set)
            began = time.perf_counter()
            batches, removed = purge(storage.stores, size.rows)
            seconds = time.perf_counter() - began
            is_over.set()
            meanwhile = beside.result()
    check(is_so=removed == size.rows)
    report.line(
        f"{removed:,} expired rows purged",
        f"{len(batches):,} batches in {seconds:.1f} s, median "
        f"{statistics.median(batches) * 1e3:.1f} ms, p99 {p99(batches) * 1e3:.1f} ms, "
        f"longest {max(batches) * 1e3:.1f} ms",
        goal=f"{LONGEST_LOCK * 1e3:.0f} ms",
        is_reached=max(batches) <= LONGEST_LOCK,
    )
    for name, found in (("alone", alone), ("during the purge", meanwhile)):
        report.note(
            f"{'a sign-in ' + name:40} median {statistics.median(found) * 1e3:.1f} ms, "
            f"p99 {p99(found) * 1e3:.1f} ms, longest {max(found) * 1e3:.1f} ms "
            f"({len(found):,} sign-ins)"
        )


def purge(stores: Stores, rows: int) -> tuple[list[float], int]:
    """
    Purge sessions batch by batch; return how long each statement took, and the rows.
    """
    before = NOW - timedelta(days=300)
    batches, removed = [], 0
    while removed <= rows:
        began = time.perf_counter()
        count = stores.sessions.purge(before, PURGE_LIMIT)
        batches.append(time.perf_counter() - began)
        removed += count
        if count < PURGE_LIMIT:
            break
    return batches, removed


def prepare_sign_in(storage: SQLStorage) -> None:
    """
    Give the accounts that sign in a password.
    """
    hashed = FastHashing().hash(PASSWORD)
    for number in range(ACCOUNTS):
        storage.stores.accounts.rehash(account(number).id, hashed, 1)


def sign_ins(auth: UnessAuth, *, until: Callable[[], bool]) -> list[float]:
    """
    Sign accounts in, one after the other; return how long each took.
    """
    client = Client(network="192.0.2.1", browser_digest="b" * 64)
    seconds = []
    for number in itertools.cycle(range(ACCOUNTS)):
        began = time.perf_counter()
        outcome = auth.password_sign_in.sign_in(
            address(number), PASSWORD, client, is_remembered=False
        )
        seconds.append(time.perf_counter() - began)
        check(is_so=isinstance(outcome, SignedIn))
        if until():
            break
    return seconds


def after(seconds: float) -> Callable[[], bool]:
    """
    Return what is true after so long.
    """
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= end


# --- All of it ------------------------------------------------------------------


@contextmanager
def server(report: Report, kind: fresh.Kind) -> Iterator[str | None]:
    """
    Yield the URL of a server of our own, or None where none is installed.
    """
    try:
        lent = kind.server()
    except Unavailable as exc:
        report.title(f"not measured: {exc}")
        yield None
        return
    with lent:
        yield lent.url


def on_sqlite(report: Report, size: Size) -> None:
    """
    Measure in a file.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        show_costs(report, "SQLite", url, size)
        with closing(SQLStorage(url)) as storage:
            few = attrs.evolve(size, add_rounds=2, adds=5)
            show_tail(
                report,
                "counter under 64 clients",
                storage.stores.counters,
                lambda: Bare(url),
                few,
                has_goal=False,
            )


def on_server(report: Report, name: str, url: str, size: Size) -> None:
    """
    Measure on a database server.
    """
    show_costs(report, name, url, size)
    show_round_trips(report, name, url)
    with closing(SQLStorage(url)) as storage:
        show_tail(
            report,
            "counter under 64 clients",
            storage.stores.counters,
            lambda: Bare(url),
            size,
        )


def on_redis(report: Report, name: str, url: str, size: Size) -> None:
    """
    Measure the counters of the store for Redis.
    """
    from uness_auth.storage.redis import RedisStorage  # noqa: PLC0415 - may be missing

    report.title(f"{name}: counters")
    show_tail(
        report,
        "counter under 64 clients",
        RedisStorage(url).counters,
        lambda: BareRedis(url),
        size,
    )


def on_many_rows(report: Report, server_url: str, size: Size) -> None:
    """
    Measure among many rows on PostgreSQL.
    """
    report.title(f"PostgreSQL: {size.rows:,} accounts and sessions")
    with (
        fresh.postgresql_database(server_url) as small,
        fresh.postgresql_database(server_url) as large,
    ):
        load(small, ACCOUNTS)
        began = time.perf_counter()
        load(large, size.rows)
        report.note(f"loaded in {time.perf_counter() - began:.0f} s")
        show_growth(report, small, large, size)
        show_purge(report, large, size)


def main() -> int:
    """
    Measure all and print it; 1 where a goal was missed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows")
    size = QUICK if parser.parse_args().quick else FULL
    report = Report()
    on_sqlite(report, size)
    with server(report, postgresql) as url:
        if url:
            on_server(report, "PostgreSQL", url, size)
            on_many_rows(report, url, size)
    with server(report, mariadb) as url:
        if url:
            on_server(report, "MariaDB", url, size)
    if find_spec("uness_auth.storage.redis"):
        for name, kind in (("Valkey", valkey), ("Redis", redis)):
            with server(report, kind) as url:
                if url:
                    on_redis(report, name, url, size)
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())

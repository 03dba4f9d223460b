"""
The servers of a campaign, each in a process of its own, and the databases behind them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
from sqlalchemy import Engine, MetaData, NullPool, create_engine, insert, select

from tests.adapters.fuzz.scene import BYSTANDERS, NOW
from tests.adapters.fuzz.served import CLOCK, MAILS, SharedClock


ROOT: Final = Path(__file__).parents[3]
SECONDS: Final = 20
IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder is made in it
ADAPTERS: Final = ("flask", "starlette", "django")
# What a GET may change: when somebody was last seen.
LAST_SEEN: Final = "last_seen_at"
# Where it may add rows: a link that was opened, or is none, is an event.
EVENTS: Final = {"uness_auth_events", "uness_auth_eventrow"}

Row: TypeAlias = tuple[Any, ...]
Dump: TypeAlias = Mapping[str, tuple[Row, ...]]


@attrs.define
class Database:
    """
    The tables of one server, as nobody but a database's owner sees them.

    Attributes:
        filled: What stood there when the server began.
    """

    engine: Engine
    tables: MetaData = attrs.field(factory=MetaData)
    filled: Dump = attrs.field(factory=dict[str, tuple[Row, ...]], repr=False)

    @classmethod
    def at(cls, url: str) -> Database:
        """
        Read the tables, and what is in them.
        """
        # The server's own transactions may be slow to end on a busy machine.
        waits = {"timeout": SECONDS} if url.startswith("sqlite") else {}
        database = cls(create_engine(url, poolclass=NullPool, connect_args=waits))
        database.tables.reflect(database.engine)
        database.filled = database.dump()
        return database

    def dump(self) -> Dump:
        """
        Return every row of every table.
        """
        with self.engine.connect() as connection:
            return {
                table.name: tuple(
                    sorted(
                        (tuple(row) for row in connection.execute(select(table))),
                        key=repr,
                    )
                )
                for table in self.tables.sorted_tables
            }

    def restore(self) -> None:
        """
        Let everything stand as the server began with it.
        """
        now = self.dump()
        changed = [
            table
            for table in self.tables.sorted_tables
            if now[table.name] != self.filled[table.name]
        ]
        with self.engine.begin() as connection:
            for table in reversed(changed):
                _ = connection.execute(table.delete())
            for table in changed:
                names = [column.name for column in table.columns]
                rows = [
                    dict(zip(names, row, strict=True))
                    for row in self.filled[table.name]
                ]
                if rows:
                    _ = connection.execute(insert(table), rows)

    def without_last_seen(self, dump: Dump) -> Dump:
        """
        Return *dump* without the one column that a question may change.
        """
        found = {}
        for table in self.tables.sorted_tables:
            kept = [
                number
                for number, column in enumerate(table.columns)
                if column.name != LAST_SEEN
            ]
            rows = [tuple(row[number] for number in kept) for row in dump[table.name]]
            found[table.name] = tuple(sorted(rows, key=repr))
        return found

    def bystanders(self, dump: Dump) -> Dump:
        """
        Return the rows of the accounts that no request names, wherever they are.
        """
        marks = {*BYSTANDERS, *BYSTANDERS.values(), *map(int, BYSTANDERS)}
        return {
            table.name: tuple(
                row
                for row in dump[table.name]
                # An event's own number, its first column, is nobody's.
                if marks.intersection(
                    _hashable(row[1:] if table.name in EVENTS else row)
                )
            )
            for table in self.tables.sorted_tables
            if table.name.startswith("uness_auth") or table.name.endswith("user")
        }


def without_events(dump: Dump) -> Dump:
    """
    Return *dump* without what a question may add.
    """
    return {name: rows for name, rows in dump.items() if name not in EVENTS}


def _hashable(row: Row) -> Row:
    return tuple(value for value in row if isinstance(value, int | str))


@attrs.frozen
class Server:
    """
    One adapter, served.
    """

    adapter: str
    port: int
    process: subprocess.Popen[str] = attrs.field(repr=False)
    folder: Path
    database: Database

    @property
    def complaints(self) -> str:
        """
        What it has written to its standard error so far.
        """
        return (self.folder / "stderr").read_text("utf-8", "replace")

    @property
    def mails(self) -> list[Mapping[str, Any]]:
        """
        Every mail that it has sent so far.
        """
        path = self.folder / MAILS
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def memory(self) -> int | None:
        """
        Bytes that the process keeps in memory; None where the system does not say.
        """
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return None
        line = next(
            one for one in status.read_text("utf-8").splitlines() if "VmRSS" in one
        )
        return int(line.split()[1]) * 1024


@attrs.frozen
class Servers:
    """
    All of them, and the clock they share.
    """

    all: tuple[Server, ...]
    clock: SharedClock

    def restore(self) -> None:
        """
        Let everything stand as it began.
        """
        for server in self.all:
            server.database.restore()


@contextmanager
def in_memory() -> Iterator[Path]:
    """
    Yield a folder that no disk is waited for, where there is such a place.
    """
    place = str(IN_MEMORY) if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@contextmanager
def running(folder: Path, databases: Mapping[str, str]) -> Iterator[Servers]:
    """
    Serve every adapter, each on its database, until the block ends.
    """
    with ExitStack() as stack:
        clock = SharedClock.make(folder / CLOCK)
        stack.callback(clock.close)
        clock.set(NOW)
        begun = [
            (adapter, stack.enter_context(_process(adapter, url, folder)))
            for adapter, url in databases.items()
        ]
        servers = []
        for adapter, process in begun:
            assert process.stdout is not None
            line = process.stdout.readline()
            own = folder / adapter
            assert line, (own / "stderr").read_text("utf-8")
            port = json.loads(line)["port"]
            database = Database.at(databases[adapter])
            servers.append(Server(adapter, port, process, own, database))
        yield Servers(tuple(servers), clock)


@contextmanager
def _process(
    adapter: str, database: str, folder: Path
) -> Iterator[subprocess.Popen[str]]:
    own = folder / adapter
    own.mkdir()
    # One clock for all.
    (own / CLOCK).symlink_to(folder / CLOCK)
    with (own / "stderr").open("w", encoding="utf-8") as complaints:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                "-m",
                "tests.adapters.fuzz.served",
                adapter,
                database,
                own,
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        try:
            yield process
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            try:
                _ = process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                _ = process.wait()
            process.stdout.close()

"""
Stores in one file that processes share, with the faults that only processes show.
"""

from __future__ import annotations

import atexit
import fcntl
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any, ClassVar, Final

from tests.contract.faulty.planting import Planted
from uness_auth.model import Account
from uness_auth.storage.memory import (
    MemoryAccounts,
    MemoryCodeChallenges,
    MemoryCounters,
    MemoryEvents,
    MemoryRegistry,
    MemorySessions,
    Rows,
)
from uness_auth.testing import contracts


# A process that a contract starts looks for modules where this one does.
sys.path.append(str(Path(__file__).parents[3]))

TABLES: Final = ("accounts", "ids", "challenges", "sessions", "counters", "events")
STORES: Final[dict[str, Callable[[Rows], Any]]] = {
    "accounts": MemoryAccounts,
    "registry": MemoryRegistry,
    "code_challenges": MemoryCodeChallenges,
    "sessions": lambda rows: MemorySessions(rows, MemoryAccounts(rows)),
    "counters": MemoryCounters,
    "events": MemoryEvents,
}


class FileStore:
    """
    The store for one port: every call reads the file, and writes it, under a lock.
    """

    def __init__(self, file: Path, port: str) -> None:
        self.file = file
        self.port = port

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: self.call(name, *args)

    @property
    def joins(self) -> FileStore:
        """
        The accounts in the same file, always as the same object.
        """
        known = self.__dict__.setdefault("_joins", FileStore(self.file, "accounts"))
        assert isinstance(known, FileStore)
        return known

    def call(self, name: str, *args: object) -> Any:
        """
        Call one method on what is in the file.
        """
        with self.locked():
            rows = self.load()
            answer = methodcaller(name, *args)(STORES[self.port](rows))
            self.save(rows)
        return answer

    @contextmanager
    def locked(self) -> Iterator[None]:
        """
        Let nobody else in, in whatever thread or process.
        """
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def load(self) -> Rows:
        """
        Return what is in the file.
        """
        rows = Rows()
        if self.file.exists():
            for table, content in pickle.loads(self.file.read_bytes()).items():  # noqa: S301 - our own
                setattr(rows, table, content)
        return rows

    def save(self, rows: Rows) -> None:
        """
        Write the file.
        """
        tables = {table: getattr(rows, table) for table in TABLES}
        self.file.write_bytes(pickle.dumps(tables))


class ReadsOnce(FileStore):
    """
    Decides by what was in the file when it was opened, as a cache does.
    """

    def __init__(self, file: Path, port: str) -> None:
        super().__init__(file, port)
        self.rows = super().load()

    def load(self) -> Rows:
        """
        Return what was there.
        """
        return self.rows


class WritesAtTheEnd(ReadsOnce):
    """
    Writes behind: when its process ends in good order.
    """

    def __init__(self, file: Path, port: str) -> None:
        super().__init__(file, port)
        _ = atexit.register(partial(super().save, self.rows))

    def save(self, rows: Rows) -> None:
        """
        Leave it for later.
        """


class OnFile:
    """
    Offers a contract what it asks for.

    Attributes:
        here, elsewhere: The store in the process of the test, and in the others.
    """

    port: ClassVar[str]
    here: ClassVar[type[FileStore]] = FileStore
    elsewhere: ClassVar[type[FileStore]] = FileStore
    folder: Path

    def make(self, *accounts: Account) -> Any:
        """
        Return a store in a new file.
        """
        file = self.folder / "stores"
        _ = FileStore(file, "registry").call("apply", accounts)
        return self.here(file, self.port)

    def reopen(self) -> Callable[[], FileStore]:
        """
        Open it elsewhere.
        """
        return partial(self.elsewhere, self.folder / "stores", self.port)


class OnFileJoined(OnFile):
    """
    The same for the contract that wants the accounts, too.
    """

    def make(self, *accounts: Account) -> Any:
        """
        Return both stores.
        """
        sessions = super().make(*accounts)
        return sessions, sessions.joins


AMONG_PROCESSES: Final[dict[str, tuple[str, ...]]] = {
    "Accounts": ("test_set_password_has_one_winner_among_processes",),
    "Registry": ("test_one_address_has_one_owner_among_processes",),
    "CodeChallenges": (
        "test_attempts_run_out_exactly_among_processes",
        "test_consume_has_one_winner_among_processes",
    ),
    "Sessions": ("test_close_has_one_winner_among_processes",),
    "SessionLists": ("test_each_is_counted_once_among_processes",),
    "Counters": (
        "test_swap_has_one_winner_among_processes",
        "test_no_call_is_lost_among_processes",
    ),
    "Events": ("test_none_is_lost_among_processes",),
}
SEEN: Final = ("test_other_processes_are_seen_at_once",)
DURABLE: Final = ("test_a_crash_takes_nothing_back",)
PORTS: Final = {
    "Accounts": "accounts",
    "Registry": "registry",
    "CodeChallenges": "code_challenges",
    "Sessions": "sessions",
    "SessionLists": "sessions",
    "Counters": "counters",
    "Events": "events",
}


def planted(
    fault: str,
    port: str,
    rejected_by: tuple[str, ...],
    offers: type = OnFile,
    **stores: type[FileStore],
) -> Planted:
    """
    Return the fault in the store for *port*.
    """
    return Planted(
        name=f"{fault}Of{port}",
        contract=getattr(contracts, f"{port}Contract"),
        rejected_by=rejected_by,
        offers=type(
            "Offers", (offers,), {"port": PORTS.get(port, "sessions"), **stores}
        ),
    )


FAULTLESS: Final = [
    *(
        planted("NoFault", port, (*AMONG_PROCESSES[port], *SEEN, *DURABLE))
        for port in PORTS
    ),
    planted("NoFault", "JoinedSessions", SEEN, OnFileJoined),
]
PLANTED: Final = [
    *(
        planted("DecisionsFromACache", port, names, elsewhere=ReadsOnce)
        for port, names in AMONG_PROCESSES.items()
    ),
    *(planted("AnswersFromACache", port, SEEN, here=ReadsOnce) for port in PORTS),
    *(
        planted("WritesBehind", port, DURABLE, elsewhere=WritesAtTheEnd)
        for port in PORTS
    ),
    planted("AnswersFromACache", "JoinedSessions", SEEN, OnFileJoined, here=ReadsOnce),
]

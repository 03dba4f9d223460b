"""
Connections lent for a step: kept, handed over in turn, and thrown away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Engine, PoolProxiedConnection, event
from sqlalchemy.exc import TimeoutError as TookTooLongError

from uness_auth.errors import StorageError
from uness_auth.storage.sql import SQLAccounts, SQLStorage
from uness_auth.storage.sql.backend import Waits
from uness_auth.storage.sql.connections import Connections
from uness_auth.storage.sql.database import Database
from uness_auth.storage.sql.prepared import Send
from uness_auth.storage.sql.sqlite import SQLITE


WAITS = Waits(2, 2, 3)
Answer = TypeVar("Answer")


@pytest.fixture(name="storage")
def _storage(tmp_path: Path) -> Iterator[SQLStorage]:
    """
    A storage in a file, with its tables.
    """
    with closing(SQLStorage(f"sqlite:///{tmp_path}/portal.db")) as storage:
        storage.create_schema()
        yield storage


class TestConnections:
    def test_last_one_back_goes_first(self, storage: SQLStorage) -> None:
        """
        What is given back is lent again; nothing is opened for it.
        """
        connections = connections_of(storage.engine, most=2)
        first, second = connections.take(), connections.take()
        connections.give_back(first)
        connections.give_back(second)

        assert second is connections.take()
        assert first is connections.take()

    def test_who_waits_longest_is_next(self, storage: SQLStorage) -> None:
        """
        Where all are lent, those who wait get one in the order in which they came.
        """
        connections = connections_of(storage.engine, most=1)
        lent = connections.take()
        served: list[int] = []

        def wait(number: int) -> None:
            mine = connections.take()
            served.append(number)
            connections.give_back(mine)

        with ThreadPoolExecutor(3) as pool:
            for number in range(3):
                _ = waiting(pool, connections, number + 1, partial(wait, number))
            connections.give_back(lent)

        assert [0, 1, 2] == served

    def test_nobody_waits_for_ever(self, storage: SQLStorage) -> None:
        """
        Where none comes back in time, that is told, and the next in turn is not lost.
        """
        connections = connections_of(storage.engine, most=1, longest_wait=0.01)
        lent = connections.take()

        with pytest.raises(TookTooLongError, match=r"within 0\.01 s"):
            _ = connections.take()
        connections.give_back(lent)

        assert lent is connections.take()

    def test_who_waits_may_open_one_for_what_is_thrown_away(
        self, storage: SQLStorage
    ) -> None:
        """
        A connection that is thrown away makes room for a new one, also while waited for.
        """
        connections = connections_of(storage.engine, most=1)
        lent = connections.take()

        with ThreadPoolExecutor(1) as pool:
            comes = waiting(pool, connections, 1, connections.take)
            connections.throw_away(lent)

            assert comes.result().dbapi_connection is not None

    def test_stale_one_is_replaced(self, storage: SQLStorage) -> None:
        """
        What the other side closed meanwhile is not lent again.
        """
        stale: list[object] = []
        connections = Connections(
            storage.engine, stale.__contains__, most=1, longest_wait=0.01
        )
        lent = connections.take()
        stale.append(lent.dbapi_connection)
        connections.give_back(lent)

        assert connections.take().dbapi_connection not in stale

    def test_what_cannot_be_opened_takes_no_room(self, storage: SQLStorage) -> None:
        """
        However often a connection fails to open, the next may.
        """
        connections = connections_of(storage.engine, most=1, longest_wait=0.01)
        storage.close()
        event.listen(storage.engine, "do_connect", refuse)
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                _ = connections.take()
        event.remove(storage.engine, "do_connect", refuse)

        assert connections.take().dbapi_connection is not None


class TestSteps:
    def test_connection_of_a_step_that_was_broken_off_is_closed(
        self, storage: SQLStorage
    ) -> None:
        """
        Nobody gets a connection on which something may still be under way.
        """
        database = Database(storage.engine, SQLITE, WAITS)
        used: list[object] = []
        event.listen(storage.engine, "close", lambda one, _: used.append(one))

        def break_off(_send: Send) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            database._step(break_off)  # noqa: SLF001 - as a signal would

        assert 1 == len(used)

    def test_step_that_gets_no_connection_is_told(self, tmp_path: Path) -> None:
        """
        Of more steps at once than there are connections, the last ones give up.
        """
        url = f"sqlite:///{tmp_path}/portal.db"
        wait = timedelta(milliseconds=25)
        with closing(SQLStorage(url, longest_wait=wait)) as storage:
            storage.create_schema()
            database = Database(storage.engine, SQLITE, Waits.of(wait))

            def one_inside_another(_send: Send) -> None:
                database._step(one_inside_another)  # noqa: SLF001 - holds all of them

            with pytest.raises(TookTooLongError, match="no connection within"):
                one_inside_another(lambda *_: ((), 0))

    def test_others_find_a_connection(self, storage: SQLStorage) -> None:
        """
        While every step has its connection, a transaction still gets one.
        """
        database = Database(storage.engine, SQLITE, WAITS)
        _ = SQLAccounts(database).by_id("1")
        lent: list[PoolProxiedConnection] = []
        connections = database._connections  # noqa: SLF001 - to lend all of them
        connections._longest_wait = 0.01  # noqa: SLF001 - nobody gives one back
        with pytest.raises(TookTooLongError):
            lent.extend(iter(connections.take, None))

        assert 1 == database.transaction(
            "test", lambda one: one.exec_driver_sql("SELECT 1").scalar_one()
        )
        with pytest.raises(StorageError, match=r"by_id\(\) failed"):
            _ = SQLAccounts(database).by_id("1")
        for one in lent:
            connections.give_back(one)


def connections_of(
    engine: Engine, *, most: int, longest_wait: float = 5
) -> Connections:
    """
    Return connections that never go stale.
    """
    return Connections(engine, lambda _: False, most=most, longest_wait=longest_wait)


def waiting(
    pool: ThreadPoolExecutor,
    connections: Connections,
    most: int,
    call: Callable[[], Answer],
) -> Future[Answer]:
    """
    Start *call*, and return when so many wait.
    """
    comes = pool.submit(call)
    while len(connections._waiting) < most:  # noqa: SLF001 - nothing else tells
        time.sleep(0.001)
    return comes


def refuse(*_: object) -> None:
    """
    Open no connection.
    """
    raise ConnectionRefusedError
